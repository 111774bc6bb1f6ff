import { type StoredPage, sinceOf } from './stored-page.ts'

/** Waiting pages that were written to the table to free memory; in `pages` for as long as that is not done. */
export interface Chunk {
  id: string
  count: number
  jobs: number
  bytes: number
  /** The earliest of its pages. */
  firstAt: number
  since: number
  pages: StoredPage[] | undefined
}

/**
 * Pages, first in, first out, of which the middle may be on disk: those at the front are in memory to be handed out, those
 * at the back because they came last. So the memory of a backlog does not grow with it.
 */
export class PageQueue {
  #front: StoredPage[] = []
  #start = 0
  readonly chunks: Chunk[] = []
  back: StoredPage[] = []
  /** The first chunk is being read. */
  loading = false

  /** Pages that can be taken at once. */
  get ready(): number {
    return this.#front.length - this.#start
  }

  get empty(): boolean {
    return this.ready === 0 && this.chunks.length === 0 && this.back.length === 0
  }

  get front(): StoredPage[] {
    return this.#front.slice(this.#start)
  }

  /** Everything that is in memory. */
  inMemory(): StoredPage[] {
    return [...this.front, ...this.chunks.flatMap((chunk) => chunk.pages ?? []), ...this.back]
  }

  /** The time at which its oldest job first became ready. */
  oldest(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (let n = this.#start; n < this.#front.length; n++) oldest = Math.min(oldest, this.#front[n]!.firstAt)
    for (const { firstAt } of this.chunks) oldest = Math.min(oldest, firstAt)
    for (const { firstAt } of this.back) oldest = Math.min(oldest, firstAt)
    return oldest
  }

  push(page: StoredPage): void {
    if (this.chunks.length > 0) this.back.push(page)
    // An array of one takes less memory than one that was pushed to, and most queues never have two.
    else if (this.#front.length === 0) this.#front = [page]
    else this.#front.push(page)
  }

  first(): StoredPage | undefined {
    return this.#front[this.#start]
  }

  shift(): StoredPage | undefined {
    const page = this.#front[this.#start]
    if (!page) return undefined
    this.#start++
    if (this.#start > 32 && this.#start * 2 > this.#front.length) {
      this.#front = this.#front.slice(this.#start)
      this.#start = 0
    }
    return page
  }

  unshift(page: StoredPage): void {
    if (this.#start > 0) this.#front[--this.#start] = page
    else this.#front.unshift(page)
  }

  /** Takes out a page wherever it is in memory. */
  remove(page: StoredPage): boolean {
    for (const list of [this.#front, ...this.chunks.map((chunk) => chunk.pages ?? []), this.back]) {
      const at = list.indexOf(page, list === this.#front ? this.#start : 0)
      if (at < 0) continue
      list.splice(at, 1)
      return true
    }
    return false
  }

  /** Pages that could go to disk now, leaving `keep` at the front. */
  spillable(keep: number): number {
    return this.chunks.length > 0 ? this.back.length : Math.max(0, this.ready - keep)
  }

  /** Makes a chunk of them, of `most` pages. */
  spill(id: string, keep: number, most: number): Chunk {
    const pages =
      this.chunks.length > 0 ? this.back.splice(0, most) : this.#front.splice(this.#start + keep, most)
    // What stays behind the chunk is at the back from now on.
    if (this.chunks.length === 0) this.back = this.#front.splice(this.#start + keep)
    const chunk = chunkOf(id, pages)
    this.chunks.push(chunk)
    return chunk
  }

  /** The first chunk's pages came into memory. */
  absorb(pages: StoredPage[]): void {
    this.chunks.shift()
    this.#front.push(...pages)
    if (this.chunks.length === 0) this.#front.push(...this.back.splice(0))
  }

  clear(): void {
    this.#front = []
    this.#start = 0
    this.chunks.length = 0
    this.back = []
  }
}

export function chunkOf(id: string, pages: StoredPage[]): Chunk {
  const chunk: Chunk = {
    id,
    count: pages.length,
    jobs: 0,
    bytes: 0,
    firstAt: Infinity,
    since: Infinity,
    pages,
  }
  for (const page of pages) {
    chunk.jobs += page.jobs
    chunk.bytes += page.bytes
    chunk.firstAt = Math.min(chunk.firstAt, page.firstAt)
    chunk.since = Math.min(chunk.since, sinceOf(page))
  }
  return chunk
}
