interface Counts {
  /** Items that were refused because a quota or the store was full. */
  refused: number
  /** Items whose add took longer because a quota is nearly full. */
  slowed: number
}

const windowMs = 30_000
/** Projects counted in a window; those that come later are left out of it. */
const maxProjects = 1_000
/** From this share of a quota on, the queue slows adds. */
export const slowedFrom = 0.9

/** What this process refused and slowed of each project's items, over the last one to two windows. */
export class AdmissionCounts {
  #current = new Map<number, Counts>()
  #previous = new Map<number, Counts>()
  #startedAt: number
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#startedAt = now()
  }

  record(projectId: number, what: keyof Counts, items: number): void {
    this.#turn()
    const counts = this.#current.get(projectId)
    if (counts) counts[what] += items
    else if (this.#current.size < maxProjects)
      this.#current.set(projectId, { refused: 0, slowed: 0, [what]: items })
  }

  read(projectId: number): Counts {
    this.#turn()
    const sum = { refused: 0, slowed: 0 }
    for (const window of [this.#previous, this.#current]) {
      sum.refused += window.get(projectId)?.refused ?? 0
      sum.slowed += window.get(projectId)?.slowed ?? 0
    }
    return sum
  }

  #turn(): void {
    const age = this.#now() - this.#startedAt
    if (age < windowMs) return
    this.#previous = age < 2 * windowMs ? this.#current : new Map()
    this.#current = new Map()
    this.#startedAt = this.#now()
  }
}
