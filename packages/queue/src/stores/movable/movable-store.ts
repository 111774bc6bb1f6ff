import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { InvalidOption, MoveRefused } from '../../api/errors.ts'
import type { Transaction } from '../../api/queue.ts'
import type {
  DeadLetter,
  DeadLetterQuery,
  Json,
  LaneStats,
  TenantControls,
  TenantStats,
} from '../../api/types.ts'
import { pause } from '../../common/signal.ts'
import type { Blob, NewPage, ScheduledPage } from '../../pages/page.ts'
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
import { mergeLanes, mergeTenants, mergeUsage } from './merge.ts'
import { MoveLog } from './move-log.ts'
import { type MoveState, storeForAdds, storeForWork } from './move-state.ts'
import { MoveView } from './move-view.ts'
import { Mover } from './mover.ts'
import { MovableSessions } from './sessions.ts'

export interface MovableStoreOptions {
  /** By name, as {@link MovableStore.move} takes it. One of them is `postgres`: what is added in transactions arrives there. */
  stores: { postgres: Store; [name: string]: Store }
  /** Where it is written down which store has the jobs: the database of the `postgres` store. */
  pool?: pg.Pool
  connectionString?: string
  /** Schema of the `postgres` store. Default `fairway_queue`. */
  schema?: string
  /** The store to begin with, when nothing was ever written down. Default `postgres`. */
  first?: string
  /** What went wrong while moving; it is tried again. Default: nothing is said. */
  onError?: (error: unknown) => void
}

/** How far a move is, or was. */
export interface MoveProgress extends Omit<MoveState, 'turn' | 'move'> {
  /** Jobs that wait in the store that is left. Null: they cannot be counted at the moment, because a process has just died. */
  left: number | null
  /** Processes that use the queue. */
  processes: number
}

export interface MovableStore extends Store {
  /** Where the jobs are, and how far a move is. */
  moveProgress(): Promise<MoveProgress>
  /**
   * Starts to move everything to another store, while all goes on. Processes with a worker do it, and those that
   * {@link takePart}. Rejects with MoveRefused if that store is not known, if it is not empty (unless `intoUsed`), if the jobs are
   * there already, or if another move is under way.
   */
  move(target: string, options?: { intoUsed?: boolean }): Promise<void>
  /** Takes part in moves without working: for a program that only moves. */
  takePart(): void
}

/** Two stores, of which one has the jobs; they can be moved to the other at any time. See docs/moving.md. */
export function movableStore(options: MovableStoreOptions): MovableStore {
  return new Movable(options)
}

const home = 'postgres'
const patienceMs = 60_000
const askAgainMs = 500

class Movable implements MovableStore {
  /** Any number of processes may append to a store: what one of them is good for does the other no harm. */
  readonly appendsAtOnce: number
  readonly #stores: Record<string, Store>
  readonly #first: string
  readonly #onError: (error: unknown) => void
  readonly #log: MoveLog
  readonly #view: MoveView
  readonly #sessions: MovableSessions
  readonly #listeners = new Set<(what: Wake) => void>()
  #listening: Promise<void> | undefined
  #mover: Mover | undefined

  constructor({ stores, pool, connectionString, schema, first = home, onError }: MovableStoreOptions) {
    if (!pool && !connectionString)
      throw new InvalidOption('connectionString', 'movableStore needs a pool or a connectionString')
    this.#stores = stores
    this.appendsAtOnce = Math.max(...Object.values(stores).map((store) => store.appendsAtOnce ?? 1))
    this.#store(first)
    this.#first = first
    this.#onError = onError ?? (() => {})
    this.#log = new MoveLog(
      pool ? { pool } : { connectionString: connectionString! },
      schema ?? 'fairway_queue',
    )
    this.#sessions = new MovableSessions(stores)
    this.#view = new MoveView(
      this.#log,
      () => this.#heldOfSource(),
      () => this.#wake('ready'),
    )
  }

  // --- moving

  async moveProgress(): Promise<MoveProgress> {
    const { turn, move: _, ...state } = await this.#log.read()
    const { living } = await this.#log.roll(turn)
    const left =
      state.phase === 'steady'
        ? 0
        : await this.#store(state.source)
            .remaining()
            .catch(() => null)
    return { ...state, left, processes: living }
  }

  async move(target: string, { intoUsed = false } = {}): Promise<void> {
    const to = this.#stores[target]
    if (!to)
      throw new MoveRefused(`There is no store ${target}, only ${Object.keys(this.#stores).join(' and ')}`)
    const state = await this.#log.read()
    if (state.phase !== 'steady') throw new MoveRefused(`A move to ${state.target} is under way`)
    if (state.target === target) throw new MoveRefused(`The jobs are in ${target} already`)
    await to.migrate()
    if (!intoUsed && (await patiently(() => isUsed(to))))
      throw new MoveRefused(
        `The target ${target} is not empty: it holds jobs, dead letters, schedules or controls`,
      )
    const total = await patiently(() => this.#store(state.source).remaining())
    if (!(await this.#log.start(target, randomBytes(6).toString('hex'), total)))
      throw new MoveRefused('Another move has begun a moment ago')
    this.#view.refresh()
  }

  takePart(): void {
    this.#mover ??= new Mover({
      stores: this.#stores,
      home,
      log: this.#log,
      view: this.#view,
      onError: this.#onError,
    })
    this.#listen().catch(this.#onError)
  }

  // --- jobs on their way

  now(): number {
    return this.#current().now()
  }

  async migrate(): Promise<void> {
    await Promise.all(Object.values(this.#stores).map((store) => store.migrate()))
    await this.#log.migrate(this.#first)
    await this.#view.current()
  }

  append(pages: NewPage[]): Promise<Appended> {
    return this.#view.run(storeForAdds, async (chosen, { phase, source }) => {
      if (phase === 'clearing') await this.#bringKeys(source, chosen, pages)
      return this.#store(chosen).append(pages)
    })
  }

  /** A key that is still in the store that was left counts, too. */
  async #bringKeys(source: string, target: string, pages: NewPage[]): Promise<void> {
    const keys = pages.flatMap(({ lane, tenant, unique }) =>
      unique ? [{ lane, tenant, key: unique.key }] : [],
    )
    if (keys.length === 0) return
    const taken = await this.#store(source).holders(keys)
    const rows = taken.map((value) => ({ ref: `${value.lane}/${value.tenant}/${value.key}`, value }))
    if (rows.length > 0) await this.#store(target).load('unique', rows, source)
  }

  scheduleIn(transaction: Transaction, pages: ScheduledPage[]): Promise<void> {
    const store = this.#stores[home]!
    if (!store.scheduleIn) throw new TypeError(`The store ${home} has no transactions`)
    return store.scheduleIn(transaction, pages)
  }

  promote(limit: number, onReady?: () => void): Promise<{ jobs: number; nextDueAt: number | undefined }> {
    return this.#work((store) => store.promote(limit, onReady), { jobs: 0, nextDueAt: undefined })
  }

  fire(id: string, expected: number, nextAt: number, pages: NewPage[]): Promise<boolean> {
    return this.#work((store) => store.fire(id, expected, nextAt, pages), false)
  }

  // --- workers

  async openWorker(leaseMs: number, kind?: 'mover'): Promise<number> {
    const state = await this.#view.current()
    const worker = await this.#sessions.open(leaseMs, storeForWork(state) ?? state.target, kind)
    this.takePart()
    return worker
  }

  heartbeat(worker: number, leaseMs: number, report?: Json): Promise<boolean> {
    const { phase, target } = this.#view.latest!
    // Until then, a claim that began under an earlier phase may be under way.
    const left = phase === 'steady' ? Object.keys(this.#stores).find((name) => name !== target) : undefined
    return this.#sessions.heartbeat(worker, leaseMs, report, left)
  }

  closeWorker(worker: number): Promise<void> {
    return this.#sessions.close(worker)
  }

  async reports(): Promise<{ worker: number; report: Json }[]> {
    return this.#current().reports()
  }

  claim(worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]> {
    const session = this.#sessions.get(worker)
    if (!session) return Promise.reject(new Error(`worker ${worker} is not alive`))
    return this.#work(async (store, storeName) => {
      const own = await this.#sessions.workerIn(session, storeName)
      return this.#sessions.take(session, storeName, await store.claim(own, lanes))
    }, [])
  }

  settle(settlement: Settlement): Promise<Set<number>> {
    return this.#sessions.settle(settlement, this.#currentName())
  }

  releaseOrphans(worker: number, known: number[], olderThanMs: number): Promise<number> {
    return this.#sessions.releaseOrphans(worker, known, olderThanMs)
  }

  reap(limits: LossLimits): Promise<number> {
    return this.#sum((store) => store.reap(limits))
  }

  collect(): Promise<number> {
    return this.#sum((store) => store.collect())
  }

  async tidy(): Promise<void> {
    await this.#each(async (store) => store.tidy?.())
  }

  async readBlobs(ids: string[]): Promise<Blob[]> {
    return (await this.#each((store) => store.readBlobs(ids))).flat()
  }

  // --- marks, progress, schedules

  async cancel(jobs: { lane: string; tenant: string; id: string }[]): Promise<void> {
    const moving = this.#view.latest?.phase !== 'steady'
    await (moving ? this.#each((store) => store.cancel(jobs)) : this.#current().cancel(jobs))
  }

  async cancelled(of?: { lane: string; tenant: string }) {
    const marks = (await this.#each((store) => store.cancelled(of))).flat()
    return [...new Map(marks.map((mark) => [JSON.stringify(mark), mark])).values()]
  }

  async saveProgress(rows: { lane: string; tenant: string; id: string; progress: Json }[]): Promise<void> {
    await this.#current().saveProgress(rows)
  }

  async progress(id: string): Promise<Json | undefined> {
    return (await this.#each((store) => store.progress(id))).find((progress) => progress !== undefined)
  }

  schedules(): Promise<StoredSchedule[]> {
    return this.#current().schedules()
  }

  saveSchedule(schedule: StoredSchedule): Promise<void> {
    return this.#current().saveSchedule(schedule)
  }

  async removeSchedule(id: string): Promise<boolean> {
    return (await this.#each((store) => store.removeSchedule(id))).some(Boolean)
  }

  // --- numbers and controls

  async stats(): Promise<LaneStats[]> {
    return mergeLanes(await this.#each((store) => store.stats()))
  }

  async tenants(limit: number, of?: { lane?: string; tenant?: string }): Promise<TenantStats[]> {
    return mergeTenants(await this.#each((store) => store.tenants(limit, of))).slice(0, limit)
  }

  async usage(of: { lane: string; tenant: string }[]): Promise<Usage[]> {
    return mergeUsage(await this.#each((store) => store.usage(of)))
  }

  async storeUsage(): Promise<StoreUsage> {
    const usages = await this.#each((store) => store.storeUsage())
    return usages.reduce((sum, usage) => ({ jobs: sum.jobs + usage.jobs, bytes: sum.bytes + usage.bytes }))
  }

  remaining(): Promise<number> {
    return this.#sum((store) => store.remaining())
  }

  setControls(tenant: string, controls: TenantControls): Promise<void> {
    return this.#current().setControls(tenant, controls)
  }

  /** Those that have not changed places yet count as well. */
  async controls(tenant: string): Promise<TenantControls> {
    const [here, ...elsewhere] = await this.#each((store) => store.controls(tenant))
    return Object.assign({}, ...elsewhere, here)
  }

  pauseLane(lane: string, paused: boolean): Promise<void> {
    return this.#current().pauseLane(lane, paused)
  }

  // --- dead letters: while they change places, those that have not arrived are not seen

  deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]> {
    return this.#current().deadLetters(query)
  }

  retryDead(letters: { ref: string; dueAt: number }[]): Promise<number> {
    return this.#current().retryDead(letters)
  }

  discardDead(refs: string[]): Promise<number> {
    return this.#current().discardDead(refs)
  }

  retainDead(limits: { maxAgeMs: number; maxBytes: number }): Promise<number> {
    return this.#sum((store) => store.retainDead(limits))
  }

  purgeTenant(tenant: string): Promise<number> {
    return this.#sum((store) => store.purgeTenant(tenant))
  }

  // --- what a store offers to who empties or fills it

  async openEverything(): Promise<void> {
    await this.#current().openEverything()
  }

  holders(keys: { lane: string; tenant: string; key: string }[]): Promise<SectionValues['unique'][]> {
    return this.#current().holders(keys)
  }

  dump<S extends Section>(section: S, limit: number): Promise<SectionRow<S>[]> {
    return this.#current().dump(section, limit)
  }

  load<S extends Section>(section: S, rows: SectionRow<S>[], origin: string): Promise<void> {
    return this.#current().load(section, rows, origin)
  }

  erase<S extends Section>(section: S, rows: SectionRow<S>[]): Promise<void> {
    return this.#current().erase(section, rows)
  }

  // --- life

  async listen(wake: (what: Wake) => void): Promise<void> {
    this.#listeners.add(wake)
    await this.#listen()
  }

  announce(what: Wake): void {
    for (const name of this.#inPlay()) this.#store(name).announce(what)
    this.#mover?.wake()
  }

  async ping(): Promise<void> {
    await this.#each((store) => store.ping())
  }

  async close(): Promise<void> {
    await this.#mover?.close()
    await this.#view.close()
    this.#listeners.clear()
    await Promise.all(Object.values(this.#stores).map((store) => store.close()))
    await this.#log.close()
  }

  #listen(): Promise<void> {
    this.#listening ??= Promise.all(
      Object.values(this.#stores).map((store) => store.listen((what) => this.#wake(what))),
    ).then(() => {})
    return this.#listening
  }

  #wake(what: Wake): void {
    for (const listener of this.#listeners) listener(what)
    this.#mover?.wake()
  }

  #store(name: string): Store {
    const store = this.#stores[name]
    if (!store)
      throw new TypeError(`There is no store ${name}, only ${Object.keys(this.#stores).join(' and ')}`)
    return store
  }

  /** The store that has the jobs, or will have them: what is written for good is written there. */
  #currentName(): string {
    return this.#view.latest?.target ?? this.#first
  }

  #current(): Store {
    return this.#store(this.#currentName())
  }

  /** Stores that may hold something, the one to stay first. */
  #inPlay(): string[] {
    const { phase, source } = this.#view.latest ?? {}
    return [...new Set([this.#currentName(), phase === 'steady' ? home : (source ?? home)])]
  }

  #each<T>(ask: (store: Store) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#inPlay().map((name) => ask(this.#store(name))))
  }

  async #sum(ask: (store: Store) => Promise<number>): Promise<number> {
    return (await this.#each(ask)).reduce((sum, count) => sum + count, 0)
  }

  /** Where work is done; `otherwise` while that is nowhere. */
  async #work<T>(work: (store: Store, storeName: string) => Promise<T>, otherwise: T): Promise<T> {
    const state = await this.#view.current()
    const name = storeForWork(state)
    return name === undefined ? otherwise : this.#view.pin(state, () => work(this.#store(name), name))
  }

  #heldOfSource(): number {
    const { phase, source } = this.#view.latest ?? {}
    return phase === undefined || phase === 'steady' ? 0 : this.#sessions.held(source!)
  }
}

/** Who owns a part of a store may have died a moment ago: until others have it, it cannot be counted. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + patienceMs
  for (;;)
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
      await pause(askAgainMs)
    }
}

async function isUsed(store: Store): Promise<boolean> {
  if ((await store.remaining()) > 0) return true
  for (const section of ['dead', 'tenants', 'schedules', 'progress'] as const)
    if ((await store.dump(section, 1)).length > 0) return true
  return false
}
