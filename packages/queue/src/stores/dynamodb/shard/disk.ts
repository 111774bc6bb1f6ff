import { QueueUnavailable } from '../../../api/errors.ts'
import { pause } from '../client/retrying.ts'
import type { DueChunk } from './due-queue.ts'
import type { Journal } from './journal.ts'
import type { Chunk } from './page-queue.ts'
import { type Segments, segmentPages } from './segments.ts'
import { type QueueAddress, type ShardState, spillFrom } from './state.ts'
import type { StoredPage } from './stored-page.ts'

/** A single queue, or what is scheduled, goes to disk beyond so many pages even when there is memory left. */
const longQueue = 4_096
const manyScheduled = 16_384
/** When memory is tight, what is scheduled goes from so many pages on. */
const fewScheduled = 1_024
/** As long as there is memory, long queues are looked for only now and then. */
const callsBetweenLooks = 64
const retryMs = 500
/** Taking in stops while memory is so far above its limit and writing to disk goes on. */
const tooFull = 1.25

/** Moves the middle of long queues to the table and back, so that memory does not grow with what waits. */
export class Disk {
  readonly #state: ShardState
  readonly #segments: Segments
  readonly #journal: () => Journal
  readonly #nextId: () => string
  readonly #writing = new Set<Promise<void>>()
  #spent: string[] = []
  #closed = false
  #calls = 0

  constructor(state: ShardState, segments: Segments, journal: () => Journal, nextId: () => string) {
    this.#state = state
    this.#segments = segments
    this.#journal = journal
    this.#nextId = nextId
    state.onLow = (place) => this.#load(place)
  }

  /** Reads back what queues that run low have on disk: after loading a shard, of which nobody was told. */
  begin(): void {
    for (const head of this.#state.heads.values()) {
      for (const stream of [...head.streams.values()]) this.#state.refreshStream(head, stream)
      this.#state.admitKeyed(head)
      this.#state.refresh(head)
    }
  }

  close(): void {
    this.#closed = true
    this.#state.onLow = () => {}
  }

  /** Segments whose pages are in memory again: they can go once a snapshot says so. */
  takeSpent(): string[] {
    return this.#spent.splice(0)
  }

  spend(ids: string[]): void {
    this.#spent.push(...ids)
  }

  inUse(): Set<string> {
    const ids = new Set<string>(this.#state.due.chunks.map(({ id }) => id))
    for (const head of this.#state.heads.values()) {
      for (const { queue } of head.streams.values()) for (const { id } of queue.chunks) ids.add(id)
      for (const { id } of head.overflow.chunks) ids.add(id)
    }
    return ids
  }

  /** Writes to disk what is too much. */
  relieve(): void {
    const { memory } = this.#state.around
    if (!memory.tight && ++this.#calls % callsBetweenLooks !== 0) return
    const from = memory.tight ? spillFrom : longQueue
    for (const [queue, place] of this.#state.long) {
      while (queue.spillable(spillFrom) >= from)
        this.#write(queue.spill(this.#nextId(), spillFrom, segmentPages), place)
      if (queue.spillable(spillFrom) < spillFrom) this.#state.long.delete(queue)
    }
    if (this.#state.due.size > (memory.tight ? fewScheduled : manyScheduled))
      for (const chunk of this.#state.due.spill(segmentPages, this.#nextId)) this.#write(chunk)
  }

  async room(): Promise<void> {
    this.relieve()
    const { memory } = this.#state.around
    while (memory.pages > tooFull * memory.limit && this.#writing.size > 0) await Promise.race(this.#writing)
  }

  /** Scheduled pages that are due by then come into memory. */
  async loadDue(by: number): Promise<void> {
    for (let chunk = this.#state.due.chunkDue(by); chunk; chunk = this.#state.due.chunkDue(by)) {
      const pages = chunk.pages ?? (await this.#segments.read(chunk.id))
      if (this.#closed || !this.#state.due.chunks.includes(chunk)) return
      this.absorbDue(chunk, pages)
    }
  }

  /** The pages of a chunk of scheduled ones come into memory. */
  absorbDue(chunk: DueChunk, pages: StoredPage[]): void {
    if (!chunk.pages) this.#readBack(chunk, pages.length)
    for (const page of pages) page.order ||= this.#state.nextOrder()
    this.#state.due.absorb(chunk, pages)
  }

  /** The pages of a chunk come into memory, to be changed; {@link putAway} writes them again. */
  async takeUp(chunk: Chunk, { queue, head, stream }: QueueAddress): Promise<boolean> {
    if (chunk.pages || (queue.loading && queue.chunks[0] === chunk)) return false
    const pages = await this.#segments.read(chunk.id)
    if (this.#closed || chunk.pages || !queue.chunks.includes(chunk)) return false
    this.#readBack(chunk, pages.length, [head.lane, head.tenant, stream?.name ?? null])
    chunk.pages = pages
    return true
  }

  putAway(chunk: Chunk, place: QueueAddress): void {
    if (!place.queue.chunks.includes(chunk)) return
    chunk.id = this.#nextId()
    this.#write(chunk, place)
  }

  #write(chunk: Chunk | DueChunk, place?: QueueAddress): void {
    const writing = this.#segments
      .write(chunk.id, chunk.pages!)
      .then(() => {
        const chunks: (Chunk | DueChunk)[] = place ? place.queue.chunks : this.#state.due.chunks
        // Needed again before it was written, or emptied meanwhile.
        if (!chunks.includes(chunk) || this.#closed) return this.#spent.push(chunk.id)
        this.#state.countPages(-chunk.count)
        chunk.pages = undefined
      })
      // It stays in memory; when the table is away for long the shard is given up anyway.
      .catch(() => {})
      .finally(() => this.#writing.delete(writing)) as Promise<void>
    this.#writing.add(writing)
  }

  #load(place: QueueAddress): void {
    const { queue, head, stream } = place
    const lane = this.#state.around.lanes.get(head.lane)
    queue.loading = true
    const loading = this.#loadChunk(place)
      .catch((error: Error) => {
        if (!(error instanceof QueueUnavailable)) process.emitWarning(error)
        return pause(retryMs)
      })
      .finally(() => {
        lane.loading.delete(loading)
        queue.loading = false
        if (this.#closed) return
        if (stream) this.#state.refreshStream(head, stream)
        else this.#state.admitKeyed(head)
        this.#state.refresh(head)
      })
    lane.loading.add(loading)
  }

  async #loadChunk({ queue, head, stream }: QueueAddress): Promise<void> {
    const chunk = queue.chunks[0]!
    const pages = chunk.pages ?? (await this.#segments.read(chunk.id))
    if (this.#closed || queue.chunks[0] !== chunk) return
    if (!chunk.pages) this.#readBack(chunk, pages.length, [head.lane, head.tenant, stream?.name ?? null])
    for (const page of pages) page.order ||= this.#state.nextOrder()
    queue.absorb(pages)
  }

  #readBack(chunk: Chunk | DueChunk, count: number, place?: [string, string, string | null]): void {
    this.#state.countPages(count)
    this.#spent.push(chunk.id)
    // Before any claim of these pages. If it cannot be written the shard is lost, and they were never in memory.
    this.#journal()
      .push({ t: 'load', id: chunk.id, ...(place && { place }) })
      .catch(() => {})
  }
}
