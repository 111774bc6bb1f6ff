import type { Session } from './sessions.ts'

/**
 * Tells living from dead by watching: a session whose count of heartbeats has stood still for its lease, by this process's
 * own monotonic clock, is dead. What others' clocks say plays no part, so they may be off by any amount.
 */
export class Observer {
  readonly #seen = new Map<number, { beat: number; since: number }>()
  /** Members of which all sessions were seen to fall silent. */
  readonly #dead = new Set<string>()

  observe(sessions: Session[], now = performance.now()): { living: Session[]; silent: Session[] } {
    const living: Session[] = []
    const silent: Session[] = []
    const current = new Set<number>()
    for (const session of sessions) {
      const { worker, beat, leaseMs } = session
      current.add(worker)
      let seen = this.#seen.get(worker)
      if (seen?.beat !== beat) {
        seen = { beat, since: now }
        this.#seen.set(worker, seen)
      }
      // A lease of less than nothing is how a session says that it is over.
      if (leaseMs < 0 || now - seen.since > leaseMs) silent.push(session)
      else living.push(session)
    }
    for (const worker of this.#seen.keys()) if (!current.has(worker)) this.#seen.delete(worker)
    for (const { member } of silent) this.#dead.add(member)
    for (const { member } of living) this.#dead.delete(member)
    return { living, silent }
  }

  isDead(member: string): boolean {
    return this.#dead.has(member)
  }
}
