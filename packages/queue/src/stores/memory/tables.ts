import type { Json, TenantControls } from '../../api/types.ts'
import type { Blob, Page, ScheduledPage } from '../../pages/page.ts'
import type { DeadJob, StoredSchedule } from '../store.ts'

/** A page that waits in its stream or is leased. */
export interface StoredPage extends Page {
  /** Counts up over the whole store: within a stream, the lower one is handed out first. */
  seq: number
  readyAt: number
  firstAt: number
  /** Finished positions. */
  done: number[]
}

export interface Stream {
  name: string
  /** What waits, first in, first out. */
  pages: StoredPage[]
  /** Of an exclusive stream: one of its pages is leased, no further one is handed out. */
  leased: boolean
  /** Not claimable before; taken away by `promote` when that time has come. */
  openAt: number | undefined
  /** When, and by which lease, a page was last handed out: keys of a tenant take turns by it. */
  served: { at: number; lease: number }
}

export interface Head {
  lane: string
  tenant: string
  /** The virtual time at which the tenant is next entitled to service. */
  vtime: number
  /** Estimated cost of a job in ms. */
  cost: number
  /** Could not be served at the last look: when it can be again, it starts at the lane's virtual time. */
  idle: boolean
  /** Not to be claimed from before, because a handler said so; taken away by `promote`. */
  closedUntil: number | undefined
  /** Not to be claimed from before, because of the tenant's rate; taken away by `promote`. */
  pacedUntil: number | undefined
  streams: Map<string, Stream>
  /** Of a tenant with `maxInFlight`: what leases were granted, by lease. */
  grants: Map<number, number>
}

export interface Session {
  expiresAt: number
  report: Json | undefined
  /** The last settlement applied, and the answer to it. */
  settled: { number: number; held: Set<number> }
}

export interface Lease {
  worker: number
  /** By seq. */
  pages: Map<number, StoredPage>
}

export type StoredDeadLetter = DeadJob & { diedAt: number }
export type Mark = { lane: string; tenant: string; id: string; at: number }
export type UniqueKey = { lane: string; tenant: string; key: string; until: number; id: string }
export type Progress = { lane: string; tenant: string; id: string; progress: Json; at: number }

export interface Quotas {
  maxJobs?: number | undefined
  maxBytes?: number | undefined
}

/** All that the store remembers. What is done with it is in the other files, one idea each. */
export class Tables {
  readonly now: () => number
  /** Of tenants that have no quotas of their own. */
  readonly quotas: Quotas
  readonly heads = new Map<string, Head>()
  readonly lanes = new Map<string, { vtime: number; paused: boolean }>()
  readonly controls = new Map<string, TenantControls>()
  readonly workers = new Map<number, Session>()
  readonly leases = new Map<number, Lease>()
  /** By number: those that were stored first come first. */
  readonly scheduled = new Map<number, ScheduledPage>()
  readonly deadLetters = new Map<number, StoredDeadLetter>()
  readonly blobs = new Map<string, { tenant: string; data: string }>()
  readonly unique = new Map<string, UniqueKey>()
  /** By head, then by job id. */
  readonly marks = new Map<string, Map<string, Mark>>()
  readonly progress = new Map<string, Progress>()
  readonly schedules = new Map<string, StoredSchedule>()
  #counter = 0

  constructor(now: () => number, quotas: Quotas) {
    this.now = now
    this.quotas = quotas
  }

  nextNumber(): number {
    return ++this.#counter
  }

  lane(name: string): { vtime: number; paused: boolean } {
    return getOrMake(this.lanes, name, () => ({ vtime: 0, paused: false }))
  }

  head(lane: string, tenant: string): Head {
    return getOrMake(this.heads, keyOfHead(lane, tenant), () => ({
      lane,
      tenant,
      vtime: 0,
      cost: 1,
      idle: true,
      closedUntil: undefined,
      pacedUntil: undefined,
      streams: new Map(),
      grants: new Map(),
    }))
  }

  stream(lane: string, tenant: string, name: string): Stream {
    return getOrMake(this.head(lane, tenant).streams, name, () => ({
      name,
      pages: [],
      leased: false,
      openAt: undefined,
      served: { at: 0, lease: 0 },
    }))
  }

  keepBlobs(tenant: string, blobs: readonly Blob[]): void {
    for (const { id, data } of blobs) this.blobs.set(id, { tenant, data })
  }

  schedule(page: ScheduledPage): void {
    this.scheduled.set(this.nextNumber(), page)
  }

  bury(job: DeadJob): void {
    this.deadLetters.set(this.nextNumber(), { ...job, diedAt: this.now() })
  }
}

/** Names hold no NUL (see `encode-job.ts`), so that parts joined by it are never mistaken. */
export const keyOfHead = (lane: string, tenant: string): string => `${lane}\u0000${tenant}`

export function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** What waits in a head, in all its streams. */
export function waitingIn(head: Head | undefined): StoredPage[] {
  return head ? [...head.streams.values()].flatMap((stream) => stream.pages) : []
}

export const sumOf = <Item>(items: Iterable<Item>, amount: (item: Item) => number): number => {
  let sum = 0
  for (const item of items) sum += amount(item)
  return sum
}
