/** Of Node's timers; longer ones would fire at once. */
export const maxTimerMs = 2 ** 31 - 1

/** A bell that one loop waits for. Rung while nobody waits, it is heard at the next wait. */
export class Signal {
  #raised = false
  #resolve: (() => void) | undefined

  raise(): void {
    this.#raised = true
    this.#resolve?.()
  }

  /** Resolves with true at the next ring, with false after `timeoutMs`. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(timeoutMs, maxTimerMs))
        this.#resolve = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#resolve = undefined
    }
    const raised = this.#raised
    this.#raised = false
    return raised
  }
}

/** Rejects after `ms`, whatever becomes of `work`. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`there was no answer within ${Math.round(ms)} ms`))
    const timer = setTimeout(giveUp, Math.min(ms, maxTimerMs))
    work.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
