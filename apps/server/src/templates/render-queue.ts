import type { Batch } from './renderer.ts'

/** Batches that a project may have waiting; their callers hold them in memory. */
const mostWaiting = 64
const mostWaitingWhenSlow = 4
/** Slow mails that make an organization a slow one, until it had none for a while. */
export const slowCount = 2
const slowForMs = 30_000

/**
 * Whose batch is next: organizations in turn and, within them, projects in turn, a slice each. One organization never holds the
 * last process, nor do those together whose mails take long, so that a quick mail waits for slices and not for slow templates:
 * of however many projects they are.
 */
export class RenderQueue {
  readonly #mostHeld: number
  /** Waiting batches by organization and project, both in the order of turns. */
  readonly #lines = new Map<string, Map<number, Batch[]>>()
  readonly #held = new Map<string, number>()
  readonly #slow = new Map<string, { count: number; until: number }>()

  constructor(processes: number) {
    this.#mostHeld = Math.max(1, processes - 1)
  }

  isFull({ organization, projectId }: Pick<Batch, 'organization' | 'projectId'>): boolean {
    const waiting = this.#lines.get(organization)?.get(projectId)?.length ?? 0
    return waiting >= (this.#isSlow(organization) ? mostWaitingWhenSlow : mostWaiting)
  }

  add(batch: Batch): void {
    const { organization, projectId } = batch
    const lines = this.#lines.get(organization) ?? new Map<number, Batch[]>()
    this.#lines.set(organization, lines)
    const line = lines.get(projectId)
    if (line) line.push(batch)
    else lines.set(projectId, [batch])
  }

  /** The next batch that may have a process now; {@link release} it after its slice. */
  take(): Batch | undefined {
    for (const [organization, lines] of this.#lines) {
      if (!this.#mayHoldMore(organization)) continue
      const [projectId, line] = lines.entries().next().value!
      const batch = line.shift()!
      // To the end of their turns, if more waits.
      lines.delete(projectId)
      if (line.length > 0) lines.set(projectId, line)
      this.#lines.delete(organization)
      if (lines.size > 0) this.#lines.set(organization, lines)
      this.#held.set(organization, (this.#held.get(organization) ?? 0) + 1)
      return batch
    }
    return undefined
  }

  release({ organization }: Batch): void {
    const held = this.#held.get(organization)! - 1
    if (held > 0) this.#held.set(organization, held)
    else this.#held.delete(organization)
  }

  noteSlow({ organization }: Batch, mails: number): void {
    const now = performance.now()
    for (const [one, { until }] of this.#slow) if (until < now) this.#slow.delete(one)
    const count = (this.#slow.get(organization)?.count ?? 0) + mails
    this.#slow.set(organization, { count, until: now + slowForMs })
  }

  #isSlow(organization: string): boolean {
    const slow = this.#slow.get(organization)
    return slow !== undefined && slow.count >= slowCount && slow.until > performance.now()
  }

  #mayHoldMore(organization: string): boolean {
    if ((this.#held.get(organization) ?? 0) >= this.#mostHeld) return false
    if (!this.#isSlow(organization)) return true
    let bySlow = 0
    for (const [one, held] of this.#held) if (this.#isSlow(one)) bySlow += held
    return bySlow < this.#mostHeld
  }
}
