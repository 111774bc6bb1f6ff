// A thread does not get its parent's loader: where the server runs from its TypeScript sources, this one reads them.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.program)
