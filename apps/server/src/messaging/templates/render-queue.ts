import { TemplateError } from './template-error.ts'

/** Batches that a project may have waiting; their callers hold them in memory. */
const maxWaiting = 64
const maxWaitingWhenSlow = 4
/** Slow mails that make a project a slow one, until it had none for a while. */
export const slowCount = 2
const slowForMs = 30_000

/**
 * Whose batch is next: the organization that holds the fewest processes, of equals the one whose turn it is, and within it
 * projects in turn, a slice each. One project never holds the last process, nor do those together whose mails take long, so
 * that a quick mail waits for slices and not for slow templates; and never for more than one slice of another organization,
 * however many projects that has.
 */
export class RenderQueue {
  readonly #mostHeld: number
  /** Waiting batches by organization and project, both in the order of turns. */
  readonly #lines = new Map<string, Map<number, Batch[]>>()
  readonly #heldByOrganization = new Counts<string>()
  readonly #held = new Counts<number>()
  readonly #slow = new Map<number, { count: number; until: number }>()

  constructor(processes: number) {
    this.#mostHeld = Math.max(1, processes - 1)
  }

  isFull({ organization, projectId }: Pick<Batch, 'organization' | 'projectId'>): boolean {
    const waiting = this.#lines.get(organization)?.get(projectId)?.length ?? 0
    return waiting >= (this.#isSlow(projectId) ? maxWaitingWhenSlow : maxWaiting)
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
    const held = (organization: string) => this.#heldByOrganization.of(organization)
    const organizations = [...this.#lines.keys()].sort((a, b) => held(a) - held(b))
    for (const organization of organizations)
      for (const projectId of this.#lines.get(organization)!.keys())
        if (this.#mayHoldMore(projectId)) return this.#takeOf(organization, projectId)
    return undefined
  }

  /** Both go to the end of their turns, if more of them waits. */
  #takeOf(organization: string, projectId: number): Batch {
    const lines = this.#lines.get(organization)!
    const line = lines.get(projectId)!
    const batch = line.shift()!
    lines.delete(projectId)
    if (line.length > 0) lines.set(projectId, line)
    this.#lines.delete(organization)
    if (lines.size > 0) this.#lines.set(organization, lines)
    this.#heldByOrganization.add(organization, 1)
    this.#held.add(projectId, 1)
    return batch
  }

  release({ organization, projectId }: Batch): void {
    this.#heldByOrganization.add(organization, -1)
    this.#held.add(projectId, -1)
  }

  noteSlow({ projectId }: Batch, mails: number): void {
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
    if (this.#held.of(projectId) >= this.#mostHeld) return false
    if (!this.#isSlow(projectId)) return true
    let bySlow = 0
    for (const [project, held] of this.#held.entries()) if (this.#isSlow(project)) bySlow += held
    return bySlow < this.#mostHeld
  }
}

/** How many of each; what is down to none is forgotten. */
class Counts<Key> {
  readonly #counts = new Map<Key, number>()

  of(key: Key): number {
    return this.#counts.get(key) ?? 0
  }

  entries(): IterableIterator<[Key, number]> {
    return this.#counts.entries()
  }

  add(key: Key, count: number): void {
    const sum = this.of(key) + count
    if (sum > 0) this.#counts.set(key, sum)
    else this.#counts.delete(key)
  }
}

/**
 * What became of a mail. An error that is no {@link TemplateError} is a fault of ours; `later` says that its project has used
 * its share, and may ask again in some seconds.
 */
export type End<Result> = { result: Result } | { error: Error } | { later: true }

/** Items of one project under way. `left` are the indices of those without an end. */
export interface Batch {
  projectId: number
  organization: string
  work: string
  shared: unknown
  items: unknown[]
  ends: End<unknown>[]
  left: number[]
  usedMs: number
  size: number
  /** The next item may be what ended a process: it gets one for itself. */
  alone: boolean
  done(error?: unknown): void
}
