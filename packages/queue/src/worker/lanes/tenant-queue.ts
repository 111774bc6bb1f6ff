import { priorityStepMs } from '../../pages/streams.ts'
import { FairScheduler } from './fair-scheduler.ts'
import { Fifo, type Waiting } from './fifo.ts'

/** What decides a job's place among the jobs of its tenant: its page, because all jobs of a page are of one stream. */
export interface QueuedJob {
  page: { key: string | undefined; priority: number; readyAt: number }
}

/**
 * The jobs of one tenant in a worker's memory. Ordinary ones in the order of coming; those with a priority ahead of ordinary
 * ones that came up to a minute a step earlier; those with a key one at a time per key, the keys in turn. Where there are
 * jobs with and without key, they take turns.
 */
export class TenantQueue<T extends QueuedJob> implements Waiting<T> {
  /** By priority. Nearly always there is only the first. */
  readonly #bands: Fifo<T>[] = [new Fifo<T>()]
  #ordinary = 0
  #keys: FairScheduler<T> | undefined
  #keyed = 0
  #keysTurn = false
  /** Keys of which a job was taken and has not ended. */
  #busy: Set<string> | undefined

  get length(): number {
    return this.#ordinary + (this.#keys ? this.#keys.active : 0)
  }

  get size(): number {
    return this.#ordinary + this.#keyed
  }

  push(item: T): void {
    const { key, priority } = item.page
    if (key !== undefined) {
      this.#keys ??= new FairScheduler<T>()
      this.#keys.push(key, item)
      if (this.#busy?.has(key)) this.#keys.park(key)
      this.#keyed++
      return
    }
    while (this.#bands.length <= priority) this.#bands.push(new Fifo<T>())
    this.#bands[priority]!.push(item)
    this.#ordinary++
  }

  first(): T | undefined {
    return this.#takesKey() ? this.#keys!.peek()!.item : this.#firstBand()?.first()
  }

  /** A key whose job is taken is out of turn until {@link free}. */
  shift(): T | undefined {
    if (this.#takesKey()) {
      const { name, item } = this.#keys!.peek()!
      this.#keys!.serve(1, true)
      this.#busy ??= new Set()
      this.#busy.add(name)
      this.#keyed--
      this.#keysTurn = false
      return item
    }
    const item = this.#firstBand()?.shift()
    if (item) {
      this.#ordinary--
      this.#keysTurn = true
    }
    return item
  }

  /** The job of the key that was taken has ended: the next one may be taken. */
  free(key: string): void {
    this.#busy?.delete(key)
    this.#keys?.unpark(key)
  }

  /** Takes out what waits behind a job that must run again first. */
  drainKey(key: string): T[] {
    const items = this.#keys?.takeOut(key, (waiting) => waiting.drain()) ?? []
    this.#keyed -= items.length
    return items
  }

  /** Takes out what is not wanted. */
  removeUnless(isWanted: (item: T) => boolean): T[] {
    const out: T[] = []
    for (const item of this.drain())
      if (isWanted(item)) this.push(item)
      else out.push(item)
    return out
  }

  drain(): T[] {
    const items = this.#bands.flatMap((band) => band.drain())
    if (this.#keys) items.push(...this.#keys.drain())
    this.#ordinary = 0
    this.#keyed = 0
    return items
  }

  #takesKey(): boolean {
    if (!this.#keys || this.#keys.active === 0) return false
    return this.#ordinary === 0 || this.#keysTurn
  }

  #firstBand(): Fifo<T> | undefined {
    if (this.#bands.length === 1) return this.#bands[0]
    let best: Fifo<T> | undefined
    let bestRank = Number.POSITIVE_INFINITY
    for (const [priority, band] of this.#bands.entries()) {
      const item = band.first()
      if (!item) continue
      const rank = item.page.readyAt - priority * priorityStepMs
      if (rank <= bestRank) {
        best = band
        bestRank = rank
      }
    }
    return best
  }
}
