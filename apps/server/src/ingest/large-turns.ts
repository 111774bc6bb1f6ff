import type { App } from '../platform/app.ts'
import { tooManyRequests, unavailable } from '../platform/errors.ts'
import { memoizePerObject } from '../platform/memoize-per-object.ts'

/** How long the loop is held in one go; then whatever else there is to do comes first. */
const sliceMs = 8
/** Large bodies of one project that are being worked on or wait for it. */
export const maxOfProject = 16
export const maxInAll = 32

/** Somebody's time at work on a large body. */
export interface Turn {
  /** It is time for {@link next}. */
  readonly isOver: boolean
  /** Resolves when it goes on. Rejects once the client has gone. */
  next(): Promise<void>
}

/** A connection. */
interface Client {
  readonly destroyed: boolean
}

/**
 * Who works on a large body, and when: one project after the other for some milliseconds each, and of each project one body
 * after the other. Between two of them the loop turns once, so that small requests never wait for more than one slice.
 */
export class LargeTurns {
  readonly #waiting: (() => void)[] = []
  /** The end of each project's line: how many are in it, and when its last one is done. */
  readonly #lines = new Map<number, { length: number; last: Promise<unknown> }>()
  #length = 0

  /** Resolves in a turn of the loop in which nobody else works on a large body. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) setImmediate(this.#wake)
    })
  }

  /**
   * Works on a body when the project's earlier ones are done.
   *
   * @param client when it has gone nobody waits for the outcome: the work ends at its next turn
   * @throws {ApiError} 429 when the project has too many, 503 when all together have
   */
  async run<T>(projectId: number, client: Client, work: (turn: Turn) => Promise<T>): Promise<T> {
    const line = this.#lines.get(projectId) ?? { length: 0, last: Promise.resolve() }
    if (line.length >= maxOfProject)
      throw tooManyRequests(`This project has ${maxOfProject} large requests under way: try again later`, 1)
    if (this.#length >= maxInAll) throw unavailable('Too many large requests at once: try again later.', 1)
    this.#lines.set(projectId, line)
    line.length++
    this.#length++
    const mine = line.last.then(() => work(this.#turnOf(client)))
    line.last = mine.catch(() => {})
    try {
      return await mine
    } finally {
      this.#length--
      if (--line.length === 0) this.#lines.delete(projectId)
    }
  }

  #turnOf(client: Client): Turn {
    // Its first slice begins with its first turn.
    let until = 0
    return {
      get isOver() {
        return performance.now() >= until
      },
      next: async () => {
        await this.next()
        if (client.destroyed) throw tooManyRequests('The client has gone', 1)
        until = performance.now() + sliceMs
      },
    }
  }

  readonly #wake = () => {
    this.#waiting.shift()!()
    if (this.#waiting.length > 0) setImmediate(this.#wake)
  }
}

export const largeTurnsOf = memoizePerObject((_app: App) => new LargeTurns())
