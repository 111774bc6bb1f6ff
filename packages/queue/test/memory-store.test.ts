import { memoryStore } from '../src/index.ts'
import { conformance } from './conformance.ts'

conformance('memory', async () => {
  let offset = 0
  const store = memoryStore({ now: () => 1_800_000_000_000 + offset })
  return {
    store,
    // The clock for leases is the same: silence is a heartbeat that promised nothing.
    expire: async (worker) => {
      await store.heartbeat(worker, -1)
    },
    advance: (ms) => {
      offset += ms
    },
    close: () => store.close(),
  }
})
