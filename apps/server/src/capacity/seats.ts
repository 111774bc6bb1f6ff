import { ApiError, unavailable } from '../errors.ts'

export interface SeatLimits {
  /** Of all projects together. */
  seats: number
  seatsPerProject: number
  /** Who wait of one project; one more is refused. */
  waitingPerProject: number
  /** Who wait of all projects. */
  waiting: number
  longestWaitMs: number
}

/** Seconds until another try of who was refused: about what a costly read takes. */
const retrySeconds = 2

interface Waiter {
  serve(): void
}

/** The seats that a project holds, and who waits for one, first come first. */
interface Line {
  taken: number
  waiting: Waiter[]
}

/**
 * Who may read at once: so many of one project, so many of all. A seat that becomes free goes to the project that holds the
 * fewest, of equals to the one whose turn it is: who asks once does not stand behind another's forty.
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
   * @throws {ApiError} 429 when too many of the project wait, or a seat took too long; 503 when too many of all projects wait
   */
  take(projectId: number, signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { waitingPerProject, waiting } = this.#limits
    const line = this.#lines.get(projectId) ?? { taken: 0, waiting: [] }
    if (this.#mayTake(line)) return Promise.resolve(this.#give(projectId, line))
    if (line.waiting.length >= waitingPerProject) return Promise.reject(this.#busy())
    if (this.#waiting >= waiting)
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

  #wait(projectId: number, line: Line, signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const waiter = {
        serve: () => {
          stopWaiting()
          resolve(this.#give(projectId, line))
        },
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
      const deadline = setTimeout(leave, this.#limits.longestWaitMs)
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
    let next: Line | undefined
    for (const line of this.#lines.values()) {
      if (line.waiting.length === 0 || line.taken >= this.#limits.seatsPerProject) continue
      if (!next || line.taken < next.taken) next = line
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
