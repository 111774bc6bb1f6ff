const failuresToOpen = 5
const firstOpenMs = 30_000
const maxOpenMs = 300_000
/** How long others wait for the one send that tries an open circuit: until it must have had an answer, or none. */
const probeMs = 300_000

/**
 * Stops sending through a provider that can't be reached or refuses us, so that its messages wait instead of using up
 * their attempts. One that does not answer at all costs minutes for each mail: once is enough. After a while one send tries; its success closes the circuit, its failure opens it for twice as long.
 */
export class CircuitBreaker {
  #failures = 0
  #openMs = 0
  #openUntil = 0
  #probing = false
  #reason = ''

  /** Why it is open: the last failure. */
  get reason(): string {
    return this.#reason
  }

  /** How many of `wanted` sends may go now. */
  allow(wanted: number, nowMs: number): number {
    if (this.#openMs === 0) return wanted
    if (nowMs < this.#openUntil || wanted === 0) return 0
    this.#probing = true
    this.#openUntil = nowMs + probeMs
    return 1
  }

  /** Nothing may go now, but for the one send that tries an open circuit. */
  isClosedTo(nowMs: number): boolean {
    return this.#openMs > 0 && !this.#probing && nowMs < this.#openUntil
  }

  /** Milliseconds until another try is worth it; 0 when closed. */
  waitMs(nowMs: number): number {
    return this.#openMs === 0 ? 0 : Math.max(this.#openUntil - nowMs, 0)
  }

  get open(): boolean {
    return this.#openMs > 0
  }

  /** The one send that was to try came to nothing before it began: another may at once. */
  notTried(nowMs: number): void {
    if (!this.#probing) return
    this.#probing = false
    this.#openUntil = nowMs
  }

  /** The provider answered, whatever it said about the message. */
  succeeded(): void {
    this.#failures = 0
    this.#openMs = 0
    this.#probing = false
  }

  /** The provider could not be reached, hung, or refused the connection or the login. */
  failed(
    nowMs: number,
    reason = 'the server does not take mail',
    { silent = false }: { silent?: boolean } = {},
  ): void {
    const reopen = this.#openMs > 0 && this.#probing
    // Of a send from before it opened.
    if (this.#openMs > 0 && !reopen) return
    this.#failures = silent ? failuresToOpen : this.#failures + 1
    this.#reason = reason
    if (!reopen && this.#failures < failuresToOpen) return
    this.#openMs = reopen ? Math.min(this.#openMs * 2, maxOpenMs) : firstOpenMs
    this.#openUntil = nowMs + this.#openMs
    this.#probing = false
  }
}
