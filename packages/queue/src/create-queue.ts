import { InvalidJob } from './api/errors.ts'
import { bytesOption, numberOption, timeoutOption } from './api/options.ts'
import type { Handlers, JobGroup, Queue, Transaction, Worker } from './api/queue.ts'
import { checkControls } from './api/tenant-controls.ts'
import type { Added, JobInput, WorkerOptions } from './api/types.ts'
import { ByteLedger } from './common/byte-ledger.ts'
import { discard, redrive } from './maintenance/dead-letters.ts'
import { Maintenance, type Retention } from './maintenance/maintenance.ts'
import { Schedules } from './maintenance/schedules.ts'
import { Meter } from './observe/meter.ts'
import { Overviews } from './observe/overviews.ts'
import { type EncodedJob, encodeJob } from './pages/encode-job.ts'
import { splitByDueTime } from './pages/pack-pages.ts'
import type { ScheduledPage } from './pages/page.ts'
import { Admission } from './producer/admission.ts'
import { Intake } from './producer/intake.ts'
import type { Store } from './stores/store.ts'
import { QueueWorker } from './worker/worker.ts'

export interface QueueOptions {
  store: Store
  /** Bytes of jobs that may wait for their commit; beyond it adds are refused with QueueOverloaded. Default 32 MiB. */
  intakeBytes?: number
  /**
   * Bytes of waiting and scheduled jobs in the whole store; at nine tenths of it adds are refused with QueueOverloaded, so
   * that retries and settlements always have room. Default: no limit.
   */
  storeBytes?: number
  /** How long, and how much of, dead letters are kept. Default 30 days, 1 GiB. */
  retention?: Partial<Retention>
}

/** Of a list. */
const limitOption = (limit: unknown) => numberOption('limit', limit, 100, { least: 1, most: 1_000_000 })

/** Puts a queue on a store. Call `migrate()` once before the first use. */
export function createQueue({ store, intakeBytes, storeBytes, retention }: QueueOptions): Queue {
  const workers = new Set<QueueWorker>()
  const ledger = new ByteLedger()
  const intakeAccount = ledger.open('intake', bytesOption('intakeBytes', intakeBytes, 32 * 1024 * 1024))
  const admission = new Admission(store, bytesOption('storeBytes', storeBytes, undefined))
  const kept: Retention = {
    maxAgeMs: timeoutOption('retention.maxAgeMs', retention?.maxAgeMs, 30 * 86_400_000),
    maxBytes: bytesOption('retention.maxBytes', retention?.maxBytes, 1024 ** 3),
  }
  const meter = new Meter({
    storeNow: () => store.now(),
    admission: () => admission.counts,
    memory: () => ledger.report(),
    waiting: () => [...workers].flatMap((worker) => worker.waiting),
  })
  const overviews = new Overviews(store, meter)
  const schedules = new Schedules(store)
  let maintenance: Maintenance | undefined

  const wakeWorkers = () => {
    for (const worker of workers) worker.wake()
  }
  const dropCancelled = () => {
    for (const worker of workers) void worker.dropCancelled().catch(() => {})
  }
  const intake = new Intake(store, intakeAccount, admission, (what, dueAt) => {
    if (what === 'ready') wakeWorkers()
    else maintenance?.scheduled(dueAt)
    store.announce(what)
  })

  function addMany(jobs: JobInput[]): Promise<Added[]> {
    const now = store.now()
    return intake.add(jobs.map((job) => encodeJob(job, now)))
  }

  function gather(): JobGroup {
    const now = store.now()
    const encoded: EncodedJob[] = []
    let length = 0
    let refusal: unknown
    return {
      get length() {
        return length
      },
      put(job) {
        length++
        if (refusal !== undefined) return
        try {
          encoded.push(encodeJob(job, now))
        } catch (error) {
          refusal = error
        }
      },
      async add() {
        if (refusal !== undefined) throw refusal
        return intake.add(encoded)
      },
    }
  }

  async function addIn(transaction: Transaction, jobs: JobInput[]): Promise<Added[]> {
    if (!store.scheduleIn) throw new TypeError('This store has no transactions; use add or addMany')
    if (jobs.length === 0) return []
    const now = store.now()
    const encoded = jobs.map((job) => encodeJob(job, now))
    const unfit = encoded.find((job) => job.unique ?? job.blob)
    if (unfit)
      throw new InvalidJob(
        unfit.unique ? 'dedupe' : 'data',
        'Inside a transaction jobs have no dedupe key and at most 64 KiB of data',
      )
    // Heads are locked only for moments: a transaction of unknown length leaves its pages beside them, to be moved soon
    // after its commit.
    const pages = splitByDueTime(encoded).map(
      (page): ScheduledPage => ({ ...page, dueAt: page.dueAt ?? now }),
    )
    await store.scheduleIn(transaction, pages)
    return encoded.map(({ id }) => ({ id }))
  }

  function startWorker(handlers: Handlers, options: WorkerOptions): Worker {
    const worker = new QueueWorker(
      {
        store,
        prefetch: ledger.open(
          'prefetch',
          bytesOption('prefetchBytes', options.prefetchBytes, 16 * 1024 * 1024),
        ),
        payloads: ledger.open(
          'payloads',
          bytesOption('payloadBytes', options.payloadBytes, 16 * 1024 * 1024),
        ),
        waiting: ledger.open(
          'waiting',
          bytesOption('prefetchBytes', options.prefetchBytes, 16 * 1024 * 1024),
        ),
        onScheduled: (dueAt) => maintenance?.scheduled(dueAt),
        record: (call) => meter.record(call),
        report: () => meter.report(),
      },
      handlers,
      options,
    )
    workers.add(worker)
    startMaintenance()
    return {
      on: (name, listener) => worker.on(name, listener),
      off: (name, listener) => worker.off(name, listener),
      standBack: (share) => worker.standBack(share),
      async close(closeOptions) {
        await worker.close(closeOptions)
        workers.delete(worker)
      },
    }
  }

  function startMaintenance(): void {
    if (maintenance) return
    maintenance = new Maintenance(store, schedules, kept, () => {
      wakeWorkers()
      store.announce('ready')
    })
    void store.listen((what) => {
      if (what === 'ready') wakeWorkers()
      else if (what === 'scheduled') maintenance?.scheduled()
      else dropCancelled()
    })
  }

  async function setPaused(what: { tenant: string } | { lane: string }, paused: boolean): Promise<void> {
    if ('lane' in what) await store.pauseLane(what.lane, paused)
    else await store.setControls(what.tenant, { paused })
    if (!paused) wakeAll()
  }

  function wakeAll(): void {
    wakeWorkers()
    maintenance?.scheduled()
    store.announce('ready')
    store.announce('scheduled')
  }

  return {
    migrate: () => store.migrate(),
    add: async (job) => (await addMany([job]))[0]!,
    addMany: async (jobs) => addMany(jobs),
    gather,
    addIn,
    worker: startWorker,
    async cancel(jobs) {
      if (jobs.length === 0) return
      await store.cancel(jobs)
      dropCancelled()
      store.announce('cancelled')
    },
    progress: (id) => store.progress(id),
    async set(tenant, controls) {
      checkControls(controls)
      await store.setControls(tenant, controls)
      wakeAll()
    },
    controls: (tenant) => store.controls(tenant),
    pause: (what) => setPaused(what, true),
    resume: (what) => setPaused(what, false),
    schedule: (id, schedule) => schedules.save(id, schedule),
    schedules: () => schedules.list(),
    unschedule: (id) => schedules.remove(id),
    stats: () => store.stats(),
    tenants: async (limit, of = {}) => store.tenants(limitOption(limit), of),
    memory: () => ledger.report(),
    overview: () => overviews.read(),
    deadLetters: async (query = {}) => store.deadLetters({ ...query, limit: limitOption(query.limit) }),
    async redrive(which, options = {}) {
      const count = await redrive(store, which, options)
      maintenance?.scheduled()
      store.announce('scheduled')
      return count
    },
    discard: (which) => discard(store, which),
    purgeTenant: (tenant) => store.purgeTenant(tenant),
    ping: () => store.ping(),
    async close() {
      // Handlers that end within the grace may still add.
      await Promise.all([...workers].map((worker) => worker.close()))
      await intake.close()
      admission.close()
      await maintenance?.close()
      await store.close()
    },
  }
}
