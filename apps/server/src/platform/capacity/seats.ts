import { ApiError, unavailable } from '../errors.ts'

export interface SeatLimits {
  /** Of all projects together. */
  seats: number
  seatsPerProject: number
  /** Who wait of one project; one more is refused. */
  waitingPerProject: number
  /** Who wait of all projects. */
  waiting: number
  maxWaitMs: number
}

/** Seconds until another try of who was refused: about what a costly read takes. */
const retrySeconds = 2

interface Waiter {
  serve(): void
  /** Its place is wanted by an organization that has fewer waiting. */
  displace(): void
}

/** The seats that a project holds, and who waits for one, first come first. */
interface Line {
  organization: string
  taken: number
  waiting: Waiter[]
}

/**
 * Who may read at once: so many of one project, so many of all. A seat that becomes free goes to the organization that holds the
 * fewest, within it to the project that does, of equals to the one whose turn it is: who asks once does not stand behind
 * another's forty, nor behind another's forty projects. When too many wait, the organization with most of them loses its newest.
 */
export class Seats {
  readonly #limits: SeatLimits
  /** Of projects with a seat or somebody who waits, the one served last at the end. */
  readonly #lines = new Map<number, Line>()
  #taken = 0
  #waiting = 0

  constructor(limits: SeatLimits) {
    this.#limits = limits
  }

  /**
   * Resolves with the function that gives the seat back.
   *
   * @param organization whose project it is; default: the project stands for itself
   * @throws {ApiError} 429 when too many of the project wait, or a seat took too long; 503 when too many of all projects wait,
   *   and most of them are of this organization
   */
  take(projectId: number, signal?: AbortSignal, organization = String(projectId)): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { waitingPerProject, waiting } = this.#limits
    const line = this.#lines.get(projectId) ?? { organization, taken: 0, waiting: [] }
    if (this.#mayTake(line)) return Promise.resolve(this.#give(projectId, line))
    if (line.waiting.length >= waitingPerProject) return Promise.reject(this.#busy())
    if (this.#waiting >= waiting && !this.#makeRoomFor(organization))
      return Promise.reject(unavailable('Too many costly reads wait: try again later.', retrySeconds))
    this.#lines.set(projectId, line)
    return this.#wait(projectId, line, signal)
  }

  #mayTake(line: Line): boolean {
    return (
      line.waiting.length === 0 &&
      line.taken < this.#limits.seatsPerProject &&
      this.#taken < this.#limits.seats
    )
  }

  /** Takes the newest waiter of the organization that has most of them, if that is another with more than this one will have. */
  #makeRoomFor(organization: string): boolean {
    const waiting = new Map<string, number>()
    for (const line of this.#lines.values())
      waiting.set(line.organization, (waiting.get(line.organization) ?? 0) + line.waiting.length)
    const [most, count] = [...waiting].reduce((a, b) => (b[1] > a[1] ? b : a))
    if (most === organization || count <= (waiting.get(organization) ?? 0) + 1) return false
    let fullest: Line | undefined
    for (const line of this.#lines.values())
      if (line.organization === most && line.waiting.length >= (fullest?.waiting.length ?? 1)) fullest = line
    fullest!.waiting.at(-1)!.displace()
    return true
  }

  #wait(projectId: number, line: Line, signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const waiter = {
        serve: () => {
          stopWaiting()
          resolve(this.#give(projectId, line))
        },
        displace: () => leave(),
      }
      const stopWaiting = () => {
        clearTimeout(deadline)
        signal?.removeEventListener('abort', leave)
        line.waiting.splice(line.waiting.indexOf(waiter), 1)
        this.#waiting--
        this.#forgetIfIdle(projectId, line)
      }
      const leave = () => {
        stopWaiting()
        reject(signal?.aborted ? signal.reason : this.#busy())
      }
      const deadline = setTimeout(leave, this.#limits.maxWaitMs)
      signal?.addEventListener('abort', leave)
      line.waiting.push(waiter)
      this.#waiting++
    })
  }

  #give(projectId: number, line: Line): () => void {
    line.taken++
    this.#taken++
    // Served last: to the end.
    this.#lines.delete(projectId)
    this.#lines.set(projectId, line)
    return () => {
      line.taken--
      this.#taken--
      this.#forgetIfIdle(projectId, line)
      this.#serveNext()
    }
  }

  #serveNext(): void {
    if (this.#taken >= this.#limits.seats) return
    const taken = new Map<string, number>()
    for (const line of this.#lines.values())
      taken.set(line.organization, (taken.get(line.organization) ?? 0) + line.taken)
    const before = (a: Line, b: Line) =>
      taken.get(a.organization)! - taken.get(b.organization)! || a.taken - b.taken
    let next: Line | undefined
    for (const line of this.#lines.values()) {
      if (line.waiting.length === 0 || line.taken >= this.#limits.seatsPerProject) continue
      if (!next || before(line, next) < 0) next = line
    }
    next?.waiting[0]?.serve()
  }

  #forgetIfIdle(projectId: number, line: Line): void {
    if (line.taken === 0 && line.waiting.length === 0) this.#lines.delete(projectId)
  }

  #busy(): ApiError {
    const { seatsPerProject, waitingPerProject } = this.#limits
    return new ApiError(
      429,
      'busy',
      `A project reads ${seatsPerProject} costly things at once, and ${waitingPerProject} more may wait: try again in a moment.`,
      { retryAfterSeconds: retrySeconds },
    )
  }
}
