import { keyOfHead } from '../shard/state.ts'

/** Longer than a summary takes to be told and read. */
const rememberMs = 10_000
const maxHeads = 10_000

/** What this process appended in the last seconds: not yet in the numbers that owners tell. */
export class RecentAppends {
  readonly #heads = new Map<string, { at: number; jobs: number; bytes: number }[]>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  add(pages: { lane: string; tenant: string; jobs: number; bytes: number; dueAt?: number }[]): void {
    const at = this.#now()
    for (const { lane, tenant, jobs, bytes, dueAt } of pages) {
      if (dueAt !== undefined) continue
      const key = keyOfHead(lane, tenant)
      const known = (this.#heads.get(key) ?? []).filter((one) => one.at > at - rememberMs)
      known.push({ at, jobs, bytes })
      // The order of a Map is that of insertion: what was added to last comes last.
      this.#heads.delete(key)
      this.#heads.set(key, known)
    }
    for (const oldest of this.#heads.keys()) {
      if (this.#heads.size <= maxHeads) break
      this.#heads.delete(oldest)
    }
  }

  since(at: number, lane: string, tenant: string): { jobs: number; bytes: number } {
    const sum = { jobs: 0, bytes: 0 }
    for (const one of this.#heads.get(keyOfHead(lane, tenant)) ?? [])
      if (one.at > at) {
        sum.jobs += one.jobs
        sum.bytes += one.bytes
      }
    return sum
  }
}
