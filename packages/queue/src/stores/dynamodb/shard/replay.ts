import { isExclusive } from '../../../pages/streams.ts'
import type { ItemId } from '../keys.ts'
import { grantTo, overflowOf } from './head.ts'
import {
  applySettle,
  applyUnclaim,
  type ClaimOperation,
  type Effects,
  type Names,
  type Operation,
} from './operations.ts'
import type { Segments } from './segments.ts'
import type { ShardState } from './state.ts'
import { fromLine, type Line, nameOfPart, type StoredPage, sinceOf, sizesOf } from './stored-page.ts'

/**
 * Does again what the journal says was done since the snapshot. Pages are found by the names of their parts, wherever they
 * wait: what the last owner did with memory alone (moving due pages, writing queues to disk) is not in the journal and need
 * not have happened in the same way here.
 */
export class Replay {
  readonly #state: ShardState
  readonly #segments: Segments
  /** Pages that were ever in memory here, by the names of their parts. */
  readonly #known = new Map<string, StoredPage>()
  /** Recorded, but perhaps not done. */
  readonly effects = new Map<string, Effects>()

  constructor(state: ShardState, segments: Segments) {
    this.#state = state
    this.#segments = segments
    for (const head of state.heads.values()) {
      for (const { queue } of head.streams.values()) for (const page of queue.inMemory()) this.#remember(page)
      for (const page of head.overflow.inMemory()) this.#remember(page)
    }
    for (const page of state.due.pages) this.#remember(page)
    for (const lease of state.leases.values()) for (const page of lease.pages.values()) this.#remember(page)
    state.onArrive = (page) => this.#remember(page)
  }

  /** The journal is at its end. */
  end(): void {
    this.#state.onArrive = () => {}
  }

  async apply(operation: Operation): Promise<void> {
    const state = this.#state
    switch (operation.t) {
      case 'claim':
        this.#claim(operation)
        break
      case 'settle':
        applySettle(state, operation)
        if (operation.effects) this.effects.set(operation.effects.id, operation.effects)
        break
      case 'unclaim':
        applyUnclaim(state, operation.lease)
        break
      case 'load':
        await this.#load(operation)
        break
      case 'move':
        for (const [from, to] of operation.moves) this.#move(from, to, operation.at)
        break
      case 'drop':
        for (const names of operation.pages) this.#drop(names)
        break
      case 'done':
        this.effects.delete(operation.effects)
        break
      case 'seal':
        break
    }
  }

  #remember(page: StoredPage): void {
    for (const part of page.parts) this.#known.set(nameOfPart(part), page)
  }

  #find(names: Names): StoredPage[] {
    const pages = new Set<StoredPage>()
    for (let n = 0; n < names.length; n += 2) {
      const page = this.#known.get(nameOfPart({ item: names[n] as ItemId, entry: names[n + 1] as number }))
      if (page) pages.add(page)
    }
    return [...pages]
  }

  #claim({ lease, worker, at, pages, limits }: ClaimOperation): void {
    const state = this.#state
    const jobs = new Map<string, { lane: string; tenant: string; jobs: number }>()
    for (const [names, seq] of pages) {
      const found = this.#find(names)
      if (found.length === 0) continue
      for (const page of found) this.#takeOut(page, at)
      const page = found.length === 1 ? found[0]! : this.#join(found)
      page.seq = seq
      state.seq = Math.max(state.seq, seq)
      const head = state.head(page.lane, page.tenant)
      const stream = state.stream(head, page.stream)
      state.lend(head, stream, page, lease, worker)
      stream.served = { at, lease }
      const key = JSON.stringify([page.lane, page.tenant])
      const sum = jobs.get(key) ?? { lane: page.lane, tenant: page.tenant, jobs: 0 }
      jobs.set(key, { ...sum, jobs: sum.jobs + page.jobs })
    }
    for (const { lane, tenant, jobs: count } of jobs.values()) {
      const head = state.head(lane, tenant)
      head.vtime += (count * head.cost) / state.weightOf(tenant)
    }
    for (const [lane, tenant, grant, pacedUntil] of limits ?? []) {
      const head = state.head(lane, tenant)
      if (grant !== null) grantTo(head, lease, grant)
      if (pacedUntil !== null) {
        head.pacedUntil = pacedUntil
        state.timed.add(head)
      }
    }
    for (const { lane, tenant } of jobs.values()) state.refresh(state.head(lane, tenant))
  }

  /** From where it waits, counted as waiting in its stream: about to be leased. */
  #takeOut(page: StoredPage, at: number): void {
    const state = this.#state
    const head = state.head(page.lane, page.tenant)
    if (page.dueAt > 0) {
      state.due.remove(page)
      state.countScheduled(page, -1)
      Object.assign(page, { since: sinceOf(page), dueAt: 0, readyAt: at })
      state.countWaiting(head, page, 1)
      if (isExclusive(page.stream)) head.keyed++
    } else if (!state.stream(head, page.stream).queue.remove(page) && head.overflow.remove(page)) head.keyed++
  }

  /** Pages that had been joined when they became due, and were claimed as one. */
  #join(pages: StoredPage[]): StoredPage {
    const parts = pages.flatMap((page) => page.parts)
    const firstAt = Math.min(...pages.map((page) => page.firstAt))
    const joined = {
      ...pages[0]!,
      parts,
      ...sizesOf(parts),
      firstAt,
      since: Math.min(...pages.map(sinceOf)),
      blobs: pages.some((page) => page.blobs),
    }
    const head = this.#state.head(joined.lane, joined.tenant)
    for (const page of pages) this.#state.countWaiting(head, page, -1)
    this.#state.countWaiting(head, joined, 1)
    this.#state.countPages(1 - pages.length)
    if (isExclusive(joined.stream)) head.keyed -= pages.length - 1
    this.#remember(joined)
    return joined
  }

  async #load({ id, place }: { id: string; place?: [string, string, string | null] }): Promise<void> {
    const state = this.#state
    const pages = (await this.#segments.read(id)).filter(
      (page) => !this.#known.has(nameOfPart(page.parts[0]!)),
    )
    for (const page of pages) {
      page.order = state.nextOrder()
      this.#remember(page)
    }
    state.countPages(pages.length)
    if (!place) {
      const chunk = state.due.chunks.find((one) => one.id === id)
      if (chunk) state.due.absorb(chunk, pages)
      else for (const page of pages) state.due.add(page)
      return
    }
    const [lane, tenant, name] = place
    const head = state.head(lane, tenant)
    const stream = name === null ? undefined : state.stream(head, name)
    const queue = stream?.queue ?? overflowOf(head)
    const at = queue.chunks.findIndex((chunk) => chunk.id === id)
    if (at === 0) queue.absorb(pages)
    else if (at > 0) queue.chunks[at]!.pages = pages
    else for (const page of pages) queue.push(page)
    if (stream) state.refreshStream(head, stream)
    else state.admitKeyed(head)
    state.refresh(head)
  }

  #move(from: Names, to: Line[0], at: number): void {
    const [page] = this.#find(from)
    if (!page) return
    page.parts = fromLine([to, 0, 0, 0, 0, 0, [], 0], page).parts
    page.since = at
    this.#remember(page)
  }

  #drop(names: Names): void {
    const [page] = this.#find(names)
    if (!page || page.dueAt === 0) return
    this.#state.due.remove(page)
    this.#state.countScheduled(page, -1)
    this.#state.countPages(-1)
  }
}
