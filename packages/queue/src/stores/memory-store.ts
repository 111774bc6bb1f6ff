import { encodeRecord, maxPageBytes, maxPageJobs, packPages } from '../page.ts'
import { returnJobs } from '../returned-jobs.ts'
import type {
  ClaimedPage,
  DeadJob,
  LaneRequest,
  Page,
  PageRef,
  ScheduledPage,
  Settlement,
  Store,
} from '../store.ts'
import type { DeadLetter, LaneStats, TenantStats } from '../types.ts'

export interface MemoryStoreOptions {
  /** Clock in epoch ms for due times and leases. Default `Date.now`. */
  now?: () => number
}

/** Jobs in this process's memory: for tests and trials. Nothing survives the process, and memory grows with the backlog. */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options.now ?? Date.now)
}

interface Head {
  lane: string
  tenant: string
  vtime: number
  cost: number
  waiting: StoredPage[]
}

interface StoredPage extends Page {
  seq: number
  readyAt: number
  done: number[]
}

class MemoryStore implements Store {
  readonly #now: () => number
  readonly #heads = new Map<string, Head>()
  readonly #laneTimes = new Map<string, number>()
  readonly #weights = new Map<string, number>()
  readonly #workers = new Map<number, number>()
  readonly #leases = new Map<number, { worker: number; pages: Map<number, StoredPage> }>()
  #scheduled: ScheduledPage[] = []
  #dead: (DeadJob & { diedAt: Date })[] = []
  #counter = 0
  #closed = false

  constructor(now: () => number) {
    this.#now = now
  }

  now(): number {
    return this.#now()
  }

  async migrate(): Promise<void> {}

  async append(ready: Page[], scheduled: ScheduledPage[]): Promise<void> {
    if (this.#closed) throw new Error('the store is closed')
    for (const page of ready) this.#appendPage(page)
    this.#scheduled.push(...scheduled)
  }

  async promote(limit: number): Promise<{ jobs: number; nextDueAt: number | undefined }> {
    const now = this.#now()
    this.#scheduled.sort((a, b) => a.dueAt - b.dueAt)
    let end = 0
    while (end < this.#scheduled.length && end < limit && this.#scheduled[end]!.dueAt <= now) end++
    const due = this.#scheduled.splice(0, end)
    for (const page of joinPages(due)) this.#appendPage(page)
    return { jobs: due.reduce((sum, page) => sum + page.jobs, 0), nextDueAt: this.#scheduled[0]?.dueAt }
  }

  async openWorker(leaseMs: number): Promise<number> {
    this.#workers.set(++this.#counter, this.#now() + leaseMs)
    return this.#counter
  }

  async heartbeat(worker: number, leaseMs: number): Promise<boolean> {
    if (!this.#workers.has(worker)) return false
    this.#workers.set(worker, this.#now() + leaseMs)
    return true
  }

  async closeWorker(worker: number): Promise<void> {
    for (const lease of this.#leases.values()) if (lease.worker === worker) return
    this.#workers.delete(worker)
  }

  async claim(worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]> {
    if (!this.#workers.has(worker)) throw new Error(`worker ${worker} is not alive`)
    const lease = ++this.#counter
    const held = new Map<number, StoredPage>()
    const claimed: ClaimedPage[] = []
    for (const request of lanes) {
      const skip = new Set(request.skip)
      const heads = [...this.#heads.values()]
        .filter((head) => head.lane === request.lane && head.waiting.length > 0 && !skip.has(head.tenant))
        .sort((a, b) => a.vtime - b.vtime)
        .slice(0, request.heads)
      let bytes = 0
      let firstTime: number | undefined
      for (const head of heads) {
        const weight = this.#weights.get(head.tenant) ?? 1
        for (
          let taken = 0;
          taken < request.pagesPerHead && head.waiting.length > 0 && bytes < request.maxBytes;
          taken++
        ) {
          firstTime ??= head.vtime
          const page = head.waiting.shift()!
          bytes += page.bytes
          head.vtime += (page.jobs * head.cost) / weight
          held.set(page.seq, page)
          claimed.push({ ...page, lease, done: [...page.done], cost: head.cost, weight })
        }
      }
      if (firstTime !== undefined)
        this.#laneTimes.set(request.lane, Math.max(this.#laneTimes.get(request.lane) ?? 0, firstTime))
    }
    if (held.size > 0) this.#leases.set(lease, { worker, pages: held })
    return claimed
  }

  async settle(settlement: Settlement): Promise<Set<number>> {
    const live = new Set<number>()
    const holds = (item: { lease: number }) => {
      const ours = this.#leases.get(item.lease)?.worker === settlement.worker
      if (ours) live.add(item.lease)
      return ours
    }
    const pageOf = (ref: PageRef) => this.#leases.get(ref.lease)?.pages.get(ref.seq)
    for (const ref of settlement.partial) if (holds(ref)) pageOf(ref)?.done.push(...ref.positions)
    for (const { lease, ...page } of settlement.reschedule) if (holds({ lease })) this.#scheduled.push(page)
    for (const { lease, ...job } of settlement.dead)
      if (holds({ lease })) {
        this.#dead = this.#dead.filter(
          (known) => known.id !== job.id || known.tenant !== job.tenant || known.lane !== job.lane,
        )
        this.#dead.unshift({ ...job, diedAt: new Date(this.#now()) })
      }
    for (const ref of settlement.finished) if (holds(ref)) this.#leases.get(ref.lease)!.pages.delete(ref.seq)
    for (const lease of settlement.emptied) if (holds({ lease })) this.#leases.delete(lease)
    for (const { lane, tenant, cost, difference } of settlement.corrections) {
      const head = this.#heads.get(`${lane}\u0000${tenant}`)
      if (!head) continue
      head.vtime += difference / (this.#weights.get(tenant) ?? 1)
      head.cost = cost
    }
    return live
  }

  async reap({ maxAttempts }: { maxAttempts: number }): Promise<number> {
    const now = this.#now()
    let jobs = 0
    for (const [worker, expiresAt] of this.#workers) {
      if (expiresAt >= now) continue
      for (const [id, lease] of this.#leases) {
        if (lease.worker !== worker) continue
        const returned = returnJobs([...lease.pages.values()], { now, maxAttempts })
        jobs += returned.jobs
        this.#scheduled.push(...returned.pages)
        for (const job of returned.dead) this.#dead.unshift({ ...job, diedAt: new Date(now) })
        this.#leases.delete(id)
      }
      this.#workers.delete(worker)
    }
    return jobs
  }

  async collect(): Promise<number> {
    let count = 0
    for (const [key, head] of this.#heads)
      if (head.waiting.length === 0 && head.vtime <= (this.#laneTimes.get(head.lane) ?? 0)) {
        this.#heads.delete(key)
        count++
      }
    return count
  }

  async listen(): Promise<void> {}

  announce(): void {}

  async stats(): Promise<LaneStats[]> {
    const lanes = new Map<string, LaneStats>()
    const of = (lane: string) => {
      let stats = lanes.get(lane)
      if (!stats) {
        stats = {
          lane,
          waitingJobs: 0,
          waitingBytes: 0,
          scheduledJobs: 0,
          leasedJobs: 0,
          deadJobs: 0,
          oldestAgeMs: 0,
          tenants: 0,
        }
        lanes.set(lane, stats)
      }
      return stats
    }
    for (const tenant of await this.tenants(Number.POSITIVE_INFINITY)) {
      const stats = of(tenant.lane)
      stats.waitingJobs += tenant.waitingJobs
      stats.waitingBytes += tenant.waitingBytes
      stats.oldestAgeMs = Math.max(stats.oldestAgeMs, tenant.oldestAgeMs)
      stats.tenants++
    }
    for (const page of this.#scheduled) of(page.lane).scheduledJobs += page.jobs
    for (const job of this.#dead) of(job.lane).deadJobs++
    for (const lease of this.#leases.values())
      for (const page of lease.pages.values()) of(page.lane).leasedJobs += page.jobs - page.done.length
    return [...lanes.values()].sort((a, b) => a.lane.localeCompare(b.lane))
  }

  async tenants(limit: number): Promise<TenantStats[]> {
    const now = this.#now()
    return [...this.#heads.values()]
      .filter((head) => head.waiting.length > 0)
      .map((head) => ({
        lane: head.lane,
        tenant: head.tenant,
        waitingJobs: head.waiting.reduce((sum, page) => sum + page.jobs, 0),
        waitingBytes: head.waiting.reduce((sum, page) => sum + page.bytes, 0),
        oldestAgeMs: Math.max(0, now - head.waiting[0]!.readyAt),
        weight: this.#weights.get(head.tenant) ?? 1,
      }))
      .sort((a, b) => b.waitingJobs - a.waitingJobs)
      .slice(0, limit)
  }

  async setWeight(tenant: string, weight: number): Promise<void> {
    this.#weights.set(tenant, weight)
  }

  async deadLetters(filter: {
    lane?: string
    tenant?: string
    limit: number
    before?: string
  }): Promise<DeadLetter[]> {
    return this.#dead
      .filter(
        (job) =>
          (filter.lane === undefined || job.lane === filter.lane) &&
          (filter.tenant === undefined || job.tenant === filter.tenant) &&
          (filter.before === undefined || job.diedAt < new Date(filter.before)),
      )
      .slice(0, filter.limit)
      .map((job) => ({ ...job, data: JSON.parse(job.data) }))
  }

  async retryDead(ids: string[]): Promise<number> {
    const jobs = this.#takeDead(ids)
    const records = jobs.map(({ id, lane, tenant, name, data }) => {
      const record = encodeRecord([id, name, JSON.parse(data)])
      return { lane, tenant, record, bytes: Buffer.byteLength(record) }
    })
    for (const page of packPages(records)) this.#scheduled.push({ ...page, dueAt: this.#now() })
    return jobs.length
  }

  async discardDead(ids: string[]): Promise<number> {
    return this.#takeDead(ids).length
  }

  async purgeTenant(tenant: string): Promise<number> {
    let count = 0
    for (const head of this.#heads.values())
      if (head.tenant === tenant) {
        count += head.waiting.reduce((sum, page) => sum + page.jobs, 0)
        head.waiting = []
      }
    for (const page of this.#scheduled) if (page.tenant === tenant) count += page.jobs
    this.#scheduled = this.#scheduled.filter((page) => page.tenant !== tenant)
    count += this.#dead.filter((job) => job.tenant === tenant).length
    this.#dead = this.#dead.filter((job) => job.tenant !== tenant)
    return count
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true
  }

  #appendPage({ lane, tenant, jobs, bytes, body }: Page): void {
    const key = `${lane}\u0000${tenant}`
    let head = this.#heads.get(key)
    if (!head) {
      head = { lane, tenant, vtime: 0, cost: 1, waiting: [] }
      this.#heads.set(key, head)
    }
    if (head.waiting.length === 0) head.vtime = Math.max(head.vtime, this.#laneTimes.get(lane) ?? 0)
    head.waiting.push({
      lane,
      tenant,
      jobs,
      bytes,
      body,
      seq: ++this.#counter,
      readyAt: this.#now(),
      done: [],
    })
  }

  #takeDead(ids: string[]): DeadJob[] {
    const wanted = new Set(ids)
    const taken = this.#dead.filter((job) => wanted.has(job.id))
    this.#dead = this.#dead.filter((job) => !wanted.has(job.id))
    return taken
  }
}

/** Joins small due pages of one head into full ones, as the SQL of `promote` does. */
function joinPages(pages: ScheduledPage[]): Page[] {
  const joined: Page[] = []
  const open = new Map<string, Page>()
  for (const { lane, tenant, jobs, bytes, body, alone } of pages) {
    const key = `${lane}\u0000${tenant}`
    const last = open.get(key)
    if (!alone && last && last.jobs + jobs <= maxPageJobs && last.bytes + bytes < maxPageBytes) {
      last.jobs += jobs
      last.bytes += bytes + 1
      last.body += `,${body}`
      continue
    }
    const page = { lane, tenant, jobs, bytes, body }
    joined.push(page)
    if (!alone) open.set(key, page)
  }
  return joined
}
