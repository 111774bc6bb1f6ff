import type { Batch } from './renderer.ts'

/** Batches that a project may have waiting; their callers hold them in memory. */
const mostWaiting = 64
const mostWaitingWhenSlow = 4
/** Slow mails that make a project a slow one, until it had none for a while. */
export const slowCount = 2
const slowForMs = 30_000

/**
 * Whose batch is next: projects in turn, a slice each. One project never holds the last process, nor do those together whose
 * mails take long, so that a quick mail waits for slices and not for slow templates.
 */
export class RenderQueue {
  readonly #mostHeld: number
  /** Waiting batches by project, in the order of turns. */
  readonly #lines = new Map<number, Batch[]>()
  readonly #held = new Map<number, number>()
  readonly #slow = new Map<number, { count: number; until: number }>()

  constructor(processes: number) {
    this.#mostHeld = Math.max(1, processes - 1)
  }

  isFull(projectId: number): boolean {
    const waiting = this.#lines.get(projectId)?.length ?? 0
    return waiting >= (this.#isSlow(projectId) ? mostWaitingWhenSlow : mostWaiting)
  }

  add(batch: Batch): void {
    const line = this.#lines.get(batch.projectId)
    if (line) line.push(batch)
    else this.#lines.set(batch.projectId, [batch])
  }

  /** The next batch that may have a process now; {@link release} it after its slice. */
  take(): Batch | undefined {
    for (const [projectId, line] of this.#lines) {
      if (!this.#mayHoldMore(projectId)) continue
      const batch = line.shift()!
      this.#lines.delete(projectId)
      if (line.length > 0) this.#lines.set(projectId, line)
      this.#held.set(projectId, (this.#held.get(projectId) ?? 0) + 1)
      return batch
    }
    return undefined
  }

  release({ projectId }: Batch): void {
    const held = this.#held.get(projectId)! - 1
    if (held > 0) this.#held.set(projectId, held)
    else this.#held.delete(projectId)
  }

  noteSlow(projectId: number, mails: number): void {
    const now = performance.now()
    for (const [project, { until }] of this.#slow) if (until < now) this.#slow.delete(project)
    const count = (this.#slow.get(projectId)?.count ?? 0) + mails
    this.#slow.set(projectId, { count, until: now + slowForMs })
  }

  #isSlow(projectId: number): boolean {
    const slow = this.#slow.get(projectId)
    return slow !== undefined && slow.count >= slowCount && slow.until > performance.now()
  }

  #mayHoldMore(projectId: number): boolean {
    if ((this.#held.get(projectId) ?? 0) >= this.#mostHeld) return false
    if (!this.#isSlow(projectId)) return true
    let bySlow = 0
    for (const [project, held] of this.#held) if (this.#isSlow(project)) bySlow += held
    return bySlow < this.#mostHeld
  }
}
