import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { InvalidOption } from '../../api/errors.ts'
import { bytesOption, numberOption, quotasOption } from '../../api/options.ts'
import type {
  DeadLetter,
  DeadLetterQuery,
  Json,
  LaneStats,
  TenantControls,
  TenantStats,
} from '../../api/types.ts'
import type { Blob, NewPage } from '../../pages/page.ts'
import type {
  Appended,
  ClaimedPage,
  LaneRequest,
  LossLimits,
  Section,
  SectionRow,
  SectionValues,
  Settlement,
  Store,
  StoredSchedule,
  StoreUsage,
  Usage,
  Wake,
} from '../store.ts'
import type { JobName } from './admin/cancels.ts'
import type { Quotas } from './admin/numbers.ts'
import type { ProgressRow } from './admin/progress.ts'
import { claim } from './claiming.ts'
import { type Endpoint, makeClient } from './client/make-client.ts'
import type { RequestUnits } from './client/request-meter.ts'
import { StoreClock } from './client/store-clock.ts'
import { Table } from './client/table.ts'
import { type Core, makeCore } from './core.ts'
import { createTable, readShards } from './create-table.ts'
import { keys, shardOf } from './keys.ts'
import { reap } from './reaping.ts'
import { settleAll } from './settlements.ts'
import { collectHeads } from './shard/collecting.ts'
import { openClosed, promote } from './shard/promoting.ts'
import { refresh } from './shard/refreshing.ts'

export interface DynamodbStoreOptions extends Endpoint {
  /** Name of the table. `migrate()` makes it unless it is there. */
  table: string
  /** Your own client; `endpoint` and `region` are then not looked at, and its retries add to the store's. */
  client?: DynamoDBClient
  /** Into how many shards tenants are spread; decided when the table is set up. Default 16. */
  shards?: number
  /** Clock for due times; default: DynamoDB's, as its answers tell it. Leases always use each process's monotonic clock. */
  now?: () => number
  /** What a tenant may have waiting in a lane, unless its controls say otherwise. */
  quotas?: Quotas
  /** Memory for bodies that were appended or read a moment ago. Default 32 MiB. */
  cacheBytes?: number
  /**
   * After so many days TTL may take the items of finished pages. What still waits is written again in time, as long as a
   * worker runs now and then: what nobody looks at for half as long may be lost. Default 30.
   */
  keepDays?: number
  /** Waiting pages kept in memory (about 300 bytes each) before long queues go to disk. Default 100,000. */
  pagesInMemory?: number
}

export interface DynamodbStore extends Store {
  /** DynamoDB request units that this store used since it was made. */
  requestUnits(): RequestUnits
}

/** Jobs in a DynamoDB table, for installations beyond one machine. See docs/dynamodb.md. */
export function dynamodbStore(options: DynamodbStoreOptions): DynamodbStore {
  return new TableStore(options)
}

class TableStore implements DynamodbStore {
  readonly #options: DynamodbStoreOptions
  readonly #clock: StoreClock
  readonly #table: Table
  readonly #listeners = new Set<(what: Wake) => void>()
  #opening: Promise<Core> | undefined
  #closed = false

  constructor(options: DynamodbStoreOptions) {
    if (!/^[\w.-]{3,255}$/.test(options.table))
      throw new InvalidOption('table', 'table must be 3 to 255 letters, digits, dots, dashes and underscores')
    quotasOption(options.quotas ?? {})
    numberOption('shards', options.shards, 16, { least: 1 })
    bytesOption('cacheBytes', options.cacheBytes, 0)
    numberOption('keepDays', options.keepDays, 30, { least: 1, most: 3_650, whole: false })
    numberOption('pagesInMemory', options.pagesInMemory, 0, { least: 1 })
    this.#options = options
    this.#clock = new StoreClock(options.now)
    this.#table = new Table(
      options.client ?? makeClient(options),
      options.table,
      this.#clock,
      !options.client,
    )
  }

  now(): number {
    return this.#clock.now()
  }

  requestUnits(): RequestUnits {
    return this.#table.meter.units
  }

  async migrate(): Promise<void> {
    await createTable(this.#table, this.#options.shards)
  }

  async append(pages: NewPage[]): Promise<Appended> {
    const { appender, recent, numbers } = await this.#core()
    if (pages.length === 0) return { duplicates: [], pressure: [] }
    const duplicates = (await appender.append(pages))!
    const refused = new Set(duplicates.map(({ page }) => page))
    recent.add(pages.filter((page) => !refused.has(page)))
    const heads = new Map(pages.map(({ lane, tenant }) => [JSON.stringify([lane, tenant]), { lane, tenant }]))
    // The pages are stored, whether or not quotas can be looked at.
    const pressure = await numbers.pressure([...heads.values()]).catch(() => [])
    return { duplicates, pressure }
  }

  async promote(limit: number): Promise<{ jobs: number; nextDueAt: number | undefined }> {
    const { cluster } = await this.#core()
    await cluster.volunteer()
    const sum = { jobs: 0, nextAt: Number.POSITIVE_INFINITY }
    let left = limit
    for (const shard of inRandomOrder([...cluster.owned.values()])) {
      await shard.intake.offers
      const { jobs, pages, nextAt } = await promote(shard, left)
      sum.jobs += jobs
      sum.nextAt = Math.min(sum.nextAt, nextAt)
      left = Math.max(0, left - pages)
    }
    return { jobs: sum.jobs, nextDueAt: Number.isFinite(sum.nextAt) ? sum.nextAt : undefined }
  }

  async openWorker(leaseMs: number, kind?: 'mover'): Promise<number> {
    const { sessions, cluster, poller } = await this.#core()
    const worker = await sessions.open(leaseMs, kind)
    await cluster.join()
    poller.start()
    return worker
  }

  async heartbeat(worker: number, leaseMs: number, report?: Json): Promise<boolean> {
    const { sessions } = await this.#core()
    return sessions.heartbeat(worker, leaseMs, report)
  }

  async closeWorker(worker: number): Promise<void> {
    const { sessions, cluster, poller, borrower } = await this.#core()
    const session = sessions.local.get(worker)
    if (session) await borrower.giveBack(session)
    // One that still holds leases stays, to be reaped: its work would be lost with it.
    if ((session?.leases.size ?? 0) > 0) return
    await sessions.close(worker)
    if (sessions.local.size > 0) return
    poller.stop()
    await cluster.leave()
  }

  async reports(): Promise<{ worker: number; report: Json }[]> {
    const { sessions, cluster } = await this.#core()
    const { living } = cluster.observer.observe(await sessions.list())
    return living.flatMap(({ worker, report }) => (report === undefined ? [] : [{ worker, report }]))
  }

  async claim(worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]> {
    const core = await this.#core()
    const session = core.sessions.local.get(worker)
    if (!session) throw new Error(`worker ${worker} is not alive`)
    return claim(core, session, lanes)
  }

  async settle(settlement: Settlement): Promise<Set<number>> {
    const core = await this.#core()
    const session = core.sessions.local.get(settlement.worker)
    return session ? settleAll(core, session, settlement) : new Set()
  }

  async reap(limits: LossLimits): Promise<number> {
    const { cluster, sessions } = await this.#core()
    await cluster.volunteer()
    return reap(cluster, sessions, limits)
  }

  async collect(): Promise<number> {
    const { cluster, cancels } = await this.#core()
    let count = 0
    for (const shard of [...cluster.owned.values()]) {
      count += collectHeads(shard.state)
      count += await cancels.forgetOld(shard.number)
      await refresh(shard)
    }
    return count
  }

  async readBlobs(ids: string[]): Promise<Blob[]> {
    return (await this.#core()).blobs.read([...new Set(ids)])
  }

  async cancel(jobs: JobName[]): Promise<void> {
    await (await this.#core()).cancels.add(jobs)
  }

  async cancelled(of?: { lane: string; tenant: string }): Promise<JobName[]> {
    const { cancels } = await this.#core()
    return of ? cancels.of(of) : cancels.latest()
  }

  async saveProgress(rows: ProgressRow[]): Promise<void> {
    await (await this.#core()).progress.save(rows)
  }

  async progress(id: string): Promise<Json | undefined> {
    return (await this.#core()).progress.read(id)
  }

  async schedules(): Promise<StoredSchedule[]> {
    return (await this.#core()).schedules.all()
  }

  async saveSchedule(schedule: StoredSchedule): Promise<void> {
    await (await this.#core()).schedules.save(schedule)
  }

  async removeSchedule(id: string): Promise<boolean> {
    return (await this.#core()).schedules.remove(id)
  }

  async fire(id: string, expected: number, nextAt: number, pages: NewPage[]): Promise<boolean> {
    return (await this.#core()).schedules.fire(id, expected, nextAt, pages)
  }

  async listen(wake: (what: Wake) => void): Promise<void> {
    this.#listeners.add(wake)
  }

  /** Other processes find out by themselves: owners look at the counters of their shards all the time. */
  announce(what: Wake): void {
    this.#wake(what)
  }

  /** In the shards of this process: their owners do the same for the others. */
  async openEverything(): Promise<void> {
    const { cluster } = await this.#core()
    await cluster.volunteer()
    for (const { state } of cluster.owned.values()) openClosed(state, Number.POSITIVE_INFINITY)
  }

  async remaining(): Promise<number> {
    const { cluster, ask, shards } = await this.#core()
    await cluster.volunteer()
    const numbers = Array.from({ length: shards }, (_, shard) => ask(shard, { ask: 'count' }))
    return (await Promise.all(numbers)).reduce<number>((sum, jobs) => sum + Number(jobs), 0)
  }

  async holders(keys: { lane: string; tenant: string; key: string }[]): Promise<SectionValues['unique'][]> {
    return (await this.#core()).uniqueKeys.holders(keys, this.now())
  }

  async stats(): Promise<LaneStats[]> {
    return (await this.#core()).numbers.stats()
  }

  async tenants(limit: number, of?: { lane?: string; tenant?: string }): Promise<TenantStats[]> {
    return (await this.#core()).numbers.tenants(limit, of)
  }

  async usage(of: { lane: string; tenant: string }[]): Promise<Usage[]> {
    return (await this.#core()).numbers.usage(of)
  }

  async storeUsage(): Promise<StoreUsage> {
    return (await this.#core()).numbers.storeUsage()
  }

  async setControls(tenant: string, changes: TenantControls): Promise<void> {
    const { controls, cluster, shards } = await this.#core()
    await controls.set(tenant, changes)
    const state = cluster.owned.get(shardOf(tenant, shards))?.state
    for (const head of state?.heads.values() ?? []) {
      if (head.tenant !== tenant) continue
      // A new rate holds from the next claim on, and not only after the jobs that were claimed at the old one.
      if (changes.rate !== undefined) head.pacedUntil = undefined
      state!.refresh(head)
    }
  }

  async controls(tenant: string): Promise<TenantControls> {
    return (await this.#core()).controls.read(tenant)
  }

  async pauseLane(lane: string, paused: boolean): Promise<void> {
    const { controls, lanes } = await this.#core()
    await controls.pauseLane(lane, paused)
    lanes.get(lane).paused = paused
  }

  async deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]> {
    return (await this.#core()).letters.find(query)
  }

  async retryDead(letters: { ref: string; dueAt: number }[]): Promise<number> {
    return (await this.#core()).letters.retry(letters)
  }

  async discardDead(refs: string[]): Promise<number> {
    return (await this.#core()).letters.discard(refs)
  }

  async retainDead(limits: { maxAgeMs: number; maxBytes: number }): Promise<number> {
    return (await this.#core()).letters.retain(limits)
  }

  async purgeTenant(tenant: string): Promise<number> {
    const { ask, letters, cancels, progress, uniqueKeys, shards } = await this.#core()
    const jobs = await ask(shardOf(tenant, shards), { ask: 'purge', tenant })
    const dead = await letters.purge(tenant)
    await Promise.all([cancels.purge(tenant), progress.purge(tenant), uniqueKeys.purge(tenant)])
    return Number(jobs) + dead
  }

  async dump<S extends Section>(section: S, limit: number): Promise<SectionRow<S>[]> {
    const { sections, cluster } = await this.#core()
    if (section === 'scheduled') await cluster.volunteer()
    return sections[section].dump(limit) as Promise<SectionRow<S>[]>
  }

  async load<S extends Section>(section: S, rows: SectionRow<S>[], origin: string): Promise<void> {
    const mover = (await this.#core()).sections[section] as {
      load(rows: SectionRow<S>[], origin: string): Promise<void>
    }
    if (rows.length > 0) await mover.load(rows, origin)
  }

  async erase<S extends Section>(section: S, rows: SectionRow<S>[]): Promise<void> {
    const mover = (await this.#core()).sections[section] as { erase(rows: SectionRow<S>[]): Promise<void> }
    if (rows.length > 0) await mover.erase(rows)
  }

  async ping(): Promise<void> {
    if (this.#closed) throw new Error('the store is closed')
    await this.#table.get(keys.meta())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#listeners.clear()
    const core = await this.#opening?.catch(() => undefined)
    core?.poller.stop()
    await core?.cluster.close()
    this.#table.close()
  }

  #wake(what: Wake): void {
    for (const listener of this.#listeners) queueMicrotask(() => listener(what))
  }

  /** The table says into how many shards it is divided; it is asked once. */
  #core(): Promise<Core> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'))
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<Core> {
    const shards = await readShards(this.#table, this.#options.shards)
    const {
      quotas = {},
      cacheBytes = 32 * 1024 * 1024,
      keepDays = 30,
      pagesInMemory = 100_000,
    } = this.#options
    const wake = (what: Wake) => this.#wake(what)
    return makeCore(this.#table, this.#clock, shards, { quotas, cacheBytes, keepDays, pagesInMemory, wake })
  }
}

/** Otherwise the same shards would always move what is due first. */
function inRandomOrder<T>(items: T[]): T[] {
  for (let n = items.length - 1; n > 0; n--) {
    const other = Math.floor(Math.random() * (n + 1))
    ;[items[n], items[other]] = [items[other]!, items[n]!]
  }
  return items
}
