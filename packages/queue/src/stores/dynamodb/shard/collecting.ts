import type { ShardState } from './state.ts'

/** Forgets heads that would start afresh anyway. Returns how many. */
export function collectHeads(state: ShardState): number {
  let count = 0
  for (const [key, head] of state.heads)
    if (state.isSpent(head)) {
      state.heads.delete(key)
      state.timed.delete(head)
      count++
    }
  return count
}

/** Answers to workers that are gone and hold nothing any more. */
export function forgetAnswers(state: ShardState, alive: Set<number>): void {
  const workers = new Set([...state.leases.values()].map(({ worker }) => worker))
  for (const worker of state.settled.keys())
    if (!alive.has(worker) && !workers.has(worker)) state.settled.delete(worker)
}
