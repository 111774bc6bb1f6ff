import { Intake, splitByDueTime } from './intake.ts'
import { Maintenance } from './maintenance.ts'
import { encodeJob } from './page.ts'
import type { Handlers, Queue, Transaction, Worker } from './queue.ts'
import type { Store } from './store.ts'
import type { Added, JobInput, WorkerOptions } from './types.ts'
import { QueueWorker } from './worker.ts'

export interface QueueOptions {
  store: Store
  /** Bytes of jobs that may wait for their commit; beyond it adds are refused with QueueOverloaded. Default 32 MiB. */
  intakeBytes?: number
}

/** Puts a queue on a store. Call `migrate()` once before the first use. */
export function createQueue({ store, intakeBytes = 32 * 1024 * 1024 }: QueueOptions): Queue {
  const workers = new Set<QueueWorker>()
  let maintenance: Maintenance | undefined

  const wakeWorkers = () => {
    for (const worker of workers) worker.wake()
  }
  const intake = new Intake(store, intakeBytes, (what, dueAt) => {
    if (what === 'ready') wakeWorkers()
    else maintenance?.scheduled(dueAt)
    store.announce(what)
  })

  async function addAll(jobs: JobInput[]): Promise<Added[]> {
    const now = store.now()
    const encoded = jobs.map((job) => encodeJob(job, now))
    await intake.add(encoded)
    return encoded.map(({ id }) => ({ id }))
  }

  async function addIn(transaction: Transaction, jobs: JobInput[]): Promise<Added[]> {
    if (!store.scheduleIn) throw new TypeError('This store has no transactions; use add or addMany')
    if (jobs.length === 0) return []
    const now = store.now()
    const encoded = jobs.map((job) => encodeJob(job, now))
    // Heads are locked only for moments: a transaction of unknown length leaves its pages beside them, to be moved at once
    // after its commit.
    const { ready, scheduled } = splitByDueTime(encoded)
    await store.scheduleIn(transaction, [...ready.map((page) => ({ ...page, dueAt: now })), ...scheduled])
    return encoded.map(({ id }) => ({ id }))
  }

  function startWorker(handlers: Handlers, options: WorkerOptions): Worker {
    const worker = new QueueWorker(store, handlers, options, (dueAt) => maintenance?.scheduled(dueAt))
    workers.add(worker)
    if (!maintenance) {
      maintenance = new Maintenance(store, options.leaseMs ?? 30_000, () => {
        wakeWorkers()
        store.announce('ready')
      })
      void store.listen((what) => {
        if (what === 'ready') wakeWorkers()
        else maintenance?.scheduled()
      })
    }
    return {
      async close(closeOptions) {
        await worker.close(closeOptions)
        workers.delete(worker)
      },
    }
  }

  return {
    migrate: () => store.migrate(),
    add: async (job) => (await addAll([job]))[0]!,
    addMany: addAll,
    addIn,
    worker: startWorker,
    stats: () => store.stats(),
    tenants: (limit = 100) => store.tenants(limit),
    async setWeight(tenant, weight) {
      if (!(weight > 0 && weight <= 1_000_000))
        throw new RangeError('weight must be above 0 and at most 1,000,000')
      await store.setWeight(tenant, weight)
    },
    deadLetters: (filter = {}) => store.deadLetters({ limit: 100, ...filter }),
    async retryDead(ids) {
      const count = await store.retryDead(ids)
      maintenance?.scheduled()
      store.announce('scheduled')
      return count
    },
    discardDead: (ids) => store.discardDead(ids),
    purgeTenant: (tenant) => store.purgeTenant(tenant),
    ping: () => store.ping(),
    async close() {
      await intake.close()
      await Promise.all([...workers].map((worker) => worker.close()))
      await maintenance?.close()
      await store.close()
    },
  }
}
