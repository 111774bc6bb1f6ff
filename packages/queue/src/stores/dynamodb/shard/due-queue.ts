import { Heap } from '../../../common/heap.ts'
import type { StoredPage } from './stored-page.ts'

/** Scheduled pages that were written to the table to free memory. */
export interface DueChunk {
  id: string
  count: number
  /** When the first of them is due; the chunk is read before. */
  dueAt: number
  pages: StoredPage[] | undefined
}

/**
 * Scheduled pages by due time. In memory are those due first; when there are too many, the half that is due last goes to
 * disk in runs of adjacent due times, so that a run is read back about when all of it is due.
 */
export class DueQueue {
  readonly #heap = new Heap<StoredPage>(
    (a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order),
  )
  /** By due time. */
  readonly chunks: DueChunk[] = []

  get size(): number {
    return this.#heap.size
  }

  get pages(): readonly StoredPage[] {
    return this.#heap.items
  }

  get nextAt(): number | undefined {
    const times = [this.#heap.first()?.dueAt, this.chunks[0]?.dueAt].filter((at) => at !== undefined)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  add(page: StoredPage): void {
    this.#heap.push(page)
  }

  remove(page: StoredPage): void {
    this.#heap.remove(page)
  }

  /** The next page in memory, if it is due. */
  shiftDue(now: number): StoredPage | undefined {
    const first = this.#heap.first()
    return first && first.dueAt <= now ? this.#heap.pop() : undefined
  }

  /** A chunk that must be read before anything due by then is taken. */
  chunkDue(by: number): DueChunk | undefined {
    const first = this.chunks[0]
    return first && first.dueAt <= by ? first : undefined
  }

  /** Takes the half that is due last out of memory, in chunks of `most` pages. */
  spill(most: number, nextId: () => string): DueChunk[] {
    const sorted = [...this.#heap.items].sort((a, b) => a.dueAt - b.dueAt || a.order - b.order)
    const last = sorted.slice(sorted.length >> 1)
    for (const page of last) this.#heap.remove(page)
    const made: DueChunk[] = []
    for (let start = 0; start < last.length; start += most) {
      const pages = last.slice(start, start + most)
      made.push({ id: nextId(), count: pages.length, dueAt: pages[0]!.dueAt, pages })
    }
    this.chunks.push(...made)
    this.chunks.sort((a, b) => a.dueAt - b.dueAt)
    return made
  }

  /** A chunk's pages came into memory. */
  absorb(chunk: DueChunk, pages: StoredPage[]): void {
    this.chunks.splice(this.chunks.indexOf(chunk), 1)
    for (const page of pages) this.#heap.push(page)
  }
}
