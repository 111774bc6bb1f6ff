import { quotasOption } from '../../api/options.ts'
import type { DeadLetterQuery, Json, TenantControls } from '../../api/types.ts'
import type { Blob, NewPage } from '../../pages/page.ts'
import type {
  LaneRequest,
  LossLimits,
  Section,
  SectionRow,
  Settlement,
  Store,
  StoredSchedule,
  Wake,
} from '../store.ts'
import { append, holders } from './append.ts'
import { cancel, cancelled, type JobName } from './cancel.ts'
import { claim } from './claim.ts'
import { collect } from './collect.ts'
import { setControls, usageOf } from './controls.ts'
import { deadLetters, discardDead, retainDead, retryDead } from './dead-letters.ts'
import { laneStats, remaining, storeUsage, tenantStats } from './inspect.ts'
import { openClosed, promote } from './promote.ts'
import { purge } from './purge.ts'
import { dump, erase, load } from './sections.ts'
import { settle } from './settle.ts'
import { type Quotas, Tables } from './tables.ts'
import { closeWorker, heartbeat, openWorker, reap, reports } from './workers.ts'

export interface MemoryStoreOptions {
  /** Clock in epoch ms for due times and leases. Default `Date.now`. */
  now?: () => number
  /** What tenants without quotas of their own may have waiting in a lane. */
  quotas?: Quotas
}

/**
 * Jobs in this process's memory: for tests and trials. Nothing survives the process, and memory grows with the backlog.
 * It looks at everything it holds wherever that is simplest to read, because it also serves as the definition of what a
 * store does.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options)
}

/** Every method runs to its end at once, which makes it atomic. */
class MemoryStore implements Store {
  readonly #tables: Tables
  readonly #listeners = new Set<(what: Wake) => void>()
  #closed = false

  constructor({ now = Date.now, quotas = {} }: MemoryStoreOptions) {
    this.#tables = new Tables(now, quotasOption(quotas))
  }

  now() {
    return this.#tables.now()
  }

  async migrate() {}

  async append(pages: NewPage[]) {
    this.#check()
    return append(this.#tables, pages)
  }

  async promote(limit: number) {
    return promote(this.#tables, limit)
  }

  async openWorker(leaseMs: number, kind?: 'mover') {
    return openWorker(this.#tables, leaseMs, kind)
  }

  async heartbeat(worker: number, leaseMs: number, report?: Json) {
    return heartbeat(this.#tables, worker, leaseMs, report)
  }

  async closeWorker(worker: number) {
    closeWorker(this.#tables, worker)
  }

  async reports() {
    return reports(this.#tables)
  }

  async claim(worker: number, lanes: LaneRequest[]) {
    return claim(this.#tables, worker, lanes)
  }

  async settle(settlement: Settlement) {
    return settle(this.#tables, settlement)
  }

  async reap(limits: LossLimits) {
    return reap(this.#tables, limits)
  }

  async collect() {
    return collect(this.#tables)
  }

  async readBlobs(ids: string[]) {
    return ids.flatMap((id): Blob[] => {
      const blob = this.#tables.blobs.get(id)
      return blob ? [{ id, data: blob.data }] : []
    })
  }

  async cancel(jobs: JobName[]) {
    cancel(this.#tables, jobs)
  }

  async cancelled(of?: { lane: string; tenant: string }) {
    return cancelled(this.#tables, of)
  }

  async saveProgress(rows: (JobName & { progress: Json })[]) {
    for (const row of rows) this.#tables.progress.set(row.id, { ...row, at: this.now() })
  }

  async progress(id: string) {
    return this.#tables.progress.get(id)?.progress
  }

  async schedules() {
    return [...this.#tables.schedules.values()].map((schedule) => ({ ...schedule }))
  }

  async saveSchedule({ id, spec, nextAt }: StoredSchedule) {
    this.#tables.schedules.set(id, { id, spec, nextAt })
  }

  async removeSchedule(id: string) {
    return this.#tables.schedules.delete(id)
  }

  async fire(id: string, expected: number, nextAt: number, pages: NewPage[]) {
    const schedule = this.#tables.schedules.get(id)
    if (schedule?.nextAt !== expected) return false
    schedule.nextAt = nextAt
    append(this.#tables, pages)
    return true
  }

  async listen(wake: (what: Wake) => void) {
    this.#listeners.add(wake)
  }

  announce(what: Wake) {
    for (const wake of this.#listeners) queueMicrotask(() => wake(what))
  }

  async openEverything() {
    openClosed(this.#tables, Number.POSITIVE_INFINITY)
  }

  async remaining() {
    return remaining(this.#tables)
  }

  async holders(keys: { lane: string; tenant: string; key: string }[]) {
    return holders(this.#tables, keys)
  }

  async stats() {
    return laneStats(this.#tables)
  }

  async tenants(limit: number, of?: { lane?: string; tenant?: string }) {
    return tenantStats(this.#tables, limit, of)
  }

  async usage(of: { lane: string; tenant: string }[]) {
    return usageOf(this.#tables, of)
  }

  async storeUsage() {
    return storeUsage(this.#tables)
  }

  async setControls(tenant: string, controls: TenantControls) {
    setControls(this.#tables, tenant, controls)
  }

  async controls(tenant: string) {
    return { ...this.#tables.controls.get(tenant) }
  }

  async pauseLane(lane: string, paused: boolean) {
    this.#tables.lane(lane).paused = paused
  }

  async deadLetters(query: DeadLetterQuery) {
    return deadLetters(this.#tables, query)
  }

  async retryDead(letters: { ref: string; dueAt: number }[]) {
    return retryDead(this.#tables, letters)
  }

  async discardDead(refs: string[]) {
    return discardDead(this.#tables, refs)
  }

  async retainDead(limits: { maxAgeMs: number; maxBytes: number }) {
    return retainDead(this.#tables, limits)
  }

  async purgeTenant(tenant: string) {
    return purge(this.#tables, tenant)
  }

  async dump<S extends Section>(section: S, limit: number) {
    return dump(this.#tables, section, limit)
  }

  async load<S extends Section>(section: S, rows: SectionRow<S>[], origin: string) {
    load(this.#tables, section, rows, origin)
  }

  async erase<S extends Section>(section: S, rows: SectionRow<S>[]) {
    erase(this.#tables, section, rows)
  }

  async ping() {
    this.#check()
  }

  async close() {
    this.#closed = true
    this.#listeners.clear()
  }

  #check(): void {
    if (this.#closed) throw new Error('the store is closed')
  }
}
