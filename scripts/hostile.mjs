import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../testing/hostile/main.ts', import.meta.url))
const suite = spawn(
  process.execPath,
  ['--import', 'tsx', '--conditions=source', file, ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => suite.kill(signal))
const [status] = await once(suite, 'exit')
process.exit(status ?? 1)
