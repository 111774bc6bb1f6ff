import type { Json } from '../../api/types.ts'
import type { ClaimedPage, Settlement, Store } from '../store.ts'

/** A lease as the worker knows it stands for one of a store: two stores may give the same number. */
interface Lease {
  storeName: string
  lease: number
}

/** A worker's sessions in the stores that it has worked in, under one number. */
export interface MovableSession {
  leaseMs: number
  kind: 'mover' | undefined
  /** By store: the worker's number there. */
  workers: Map<string, number>
  opening: Map<string, Promise<number>>
  leases: Map<number, Lease>
  /** By store: settlements sent, and the worker's settlement that the last of them is part of. */
  sent: Map<string, { number: number; of: number }>
  /** The last settlement that all stores have recorded, and the answer to it. */
  settled: { number: number; held: Set<number> }
}

export class MovableSessions {
  readonly #stores: Record<string, Store>
  readonly #sessions = new Map<number, MovableSession>()
  #lastLease = 0

  constructor(stores: Record<string, Store>) {
    this.#stores = stores
  }

  /** Leases held of a store. */
  held(storeName: string): number {
    let count = 0
    for (const { leases } of this.#sessions.values())
      for (const lease of leases.values()) if (lease.storeName === storeName) count++
    return count
  }

  async open(leaseMs: number, storeName: string, kind: 'mover' | undefined): Promise<number> {
    const session: MovableSession = {
      leaseMs,
      kind,
      workers: new Map(),
      opening: new Map(),
      leases: new Map(),
      sent: new Map(),
      settled: { number: 0, held: new Set() },
    }
    // As it is known where it begins, unless this process has one of that number from another store.
    let worker = await this.workerIn(session, storeName)
    while (this.#sessions.has(worker)) worker += Math.sign(worker)
    this.#sessions.set(worker, session)
    return worker
  }

  get(worker: number): MovableSession | undefined {
    return this.#sessions.get(worker)
  }

  /** The worker's number in a store, opened there when it is first needed. */
  async workerIn(session: MovableSession, storeName: string): Promise<number> {
    const known = session.workers.get(storeName)
    if (known !== undefined) return known
    let opening = session.opening.get(storeName)
    if (!opening) {
      opening = this.#stores[storeName]!.openWorker(session.leaseMs, session.kind)
      session.opening.set(storeName, opening)
    }
    try {
      const worker = await opening
      session.workers.set(storeName, worker)
      return worker
    } finally {
      session.opening.delete(storeName)
    }
  }

  /** False: it was given up for dead somewhere. `left`: a store that is not worked in any more. */
  async heartbeat(
    worker: number,
    leaseMs: number,
    report: Json | undefined,
    left: string | undefined,
  ): Promise<boolean> {
    const session = this.#sessions.get(worker)
    if (!session) return false
    const holds = (storeName: string) =>
      [...session.leases.values()].some((lease) => lease.storeName === storeName)
    const alive = await Promise.all(
      [...session.workers].map(async ([storeName, own]) => {
        const store = this.#stores[storeName]!
        if (storeName !== left || holds(storeName)) return store.heartbeat(own, leaseMs, report)
        session.workers.delete(storeName)
        // The store may be gone by now: nothing depends on it.
        await store.closeWorker(own).catch(() => {})
        return true
      }),
    )
    if (alive.every(Boolean)) return true
    // Lost in one store, lost in all: what it holds in the others comes back when it has been silent there.
    this.#sessions.delete(worker)
    return false
  }

  async releaseOrphans(worker: number, known: number[], olderThanMs: number): Promise<number> {
    const session = this.#sessions.get(worker)
    if (!session) return 0
    const isKnown = new Set(known)
    let jobs = 0
    for (const [storeName, own] of session.workers) {
      const there = [...session.leases].filter(
        ([lease, { storeName: of }]) => of === storeName && isKnown.has(lease),
      )
      const leases = there.map(([, { lease }]) => lease)
      jobs += (await this.#stores[storeName]!.releaseOrphans?.(own, leases, olderThanMs)) ?? 0
    }
    return jobs
  }

  async close(worker: number): Promise<void> {
    const session = this.#sessions.get(worker)
    if (!session) return
    await Promise.all(
      [...session.workers].map(([storeName, own]) => this.#stores[storeName]!.closeWorker(own)),
    )
    if (session.leases.size === 0) this.#sessions.delete(worker)
  }

  /** Pages of one claim, under leases of this session. */
  take(session: MovableSession, storeName: string, pages: ClaimedPage[]): ClaimedPage[] {
    const own = new Map<number, number>()
    for (const { lease } of pages)
      if (!own.has(lease)) {
        own.set(lease, ++this.#lastLease)
        session.leases.set(this.#lastLease, { storeName, lease })
      }
    return pages.map((page) => ({ ...page, lease: own.get(page.lease)! }))
  }

  /** Each store records what belongs to it. Sent again after a failure, those that had it answer as before. */
  async settle(settlement: Settlement, working: string): Promise<Set<number>> {
    const session = this.#sessions.get(settlement.worker)
    if (!session) return new Set()
    if (settlement.number <= session.settled.number) return new Set(session.settled.held)
    const held = new Set<number>()
    const named = new Set<number>()
    await Promise.all(
      [...session.workers].map(async ([storeName, worker]) => {
        const part = partOf(settlement, session, storeName, storeName === working)
        if (isEmpty(part)) return
        for (const lease of leasesOf(part)) named.add(lease)
        const number = numberOf(session, storeName, settlement.number)
        const answer = await this.#stores[storeName]!.settle(translated(part, session, { worker, number }))
        for (const [lease, own] of session.leases)
          if (own.storeName === storeName && answer.has(own.lease)) held.add(lease)
      }),
    )
    for (const lease of named) if (!held.has(lease)) session.leases.delete(lease)
    for (const lease of settlement.emptied) session.leases.delete(lease)
    session.settled = { number: settlement.number, held }
    return new Set(held)
  }
}

/** The number of a settlement in a store: the same when it is sent again. */
function numberOf({ sent }: MovableSession, storeName: string, of: number): number {
  const last = sent.get(storeName)
  if (last?.of === of) return last.number
  const number = (last?.number ?? 0) + 1
  sent.set(storeName, { number, of })
  return number
}

/** What is under leases of the store; what has no lease goes to the store that is worked in, or to both. */
function partOf(
  settlement: Settlement,
  { leases }: MovableSession,
  storeName: string,
  isWorking: boolean,
): Settlement {
  const isOwn = (lease: number) => leases.get(lease)?.storeName === storeName
  const own = <Item extends { lease: number }>(items: Item[]) => items.filter(({ lease }) => isOwn(lease))
  return {
    ...settlement,
    finished: own(settlement.finished),
    partial: own(settlement.partial),
    restore: own(settlement.restore),
    reschedule: own(settlement.reschedule),
    dead: own(settlement.dead),
    released: own(settlement.released),
    emptied: settlement.emptied.filter(isOwn),
    closed: isWorking ? settlement.closed : [],
    corrections: isWorking ? settlement.corrections : [],
  }
}

/** With the store's own numbers. */
function translated(
  part: Settlement,
  { leases }: MovableSession,
  own: { worker: number; number: number },
): Settlement {
  const leaseOf = (lease: number) => leases.get(lease)!.lease
  const all = <Item extends { lease: number }>(items: Item[]) =>
    items.map((item) => ({ ...item, lease: leaseOf(item.lease) }))
  return {
    ...part,
    ...own,
    finished: all(part.finished),
    partial: all(part.partial),
    restore: all(part.restore),
    reschedule: all(part.reschedule),
    dead: all(part.dead),
    released: all(part.released),
    emptied: part.emptied.map(leaseOf),
  }
}

function leasesOf({ finished, partial, restore, reschedule, dead, released, emptied }: Settlement): number[] {
  const items = [finished, partial, restore, reschedule, dead, released].flat()
  return [...items.map(({ lease }) => lease), ...emptied]
}

const isEmpty = (part: Settlement): boolean =>
  Object.values(part).every((value) => typeof value === 'number' || value.length === 0)
