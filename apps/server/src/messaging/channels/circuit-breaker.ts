const failuresToOpen = 5
const firstOpenMs = 30_000
const maxOpenMs = 300_000
/** How long others wait for the one send that tries an open circuit. */
const probeMs = 60_000

/**
 * Stops sending through a provider that can't be reached or refuses us, so that its messages wait instead of using up
 * their attempts. After a while one send tries; its success closes the circuit, its failure opens it for twice as long.
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

  /** Milliseconds until another try is worth it; 0 when closed. */
  waitMs(nowMs: number): number {
    return this.#openMs === 0 ? 0 : Math.max(this.#openUntil - nowMs, 0)
  }

  get open(): boolean {
    return this.#openMs > 0
  }

  /** The provider answered, whatever it said about the message. */
  succeeded(): void {
    this.#failures = 0
    this.#openMs = 0
    this.#probing = false
  }

  /** The provider could not be reached, hung, or refused the connection or the login. */
  failed(nowMs: number, reason = 'the server does not take mail'): void {
    this.#failures++
    this.#reason = reason
    const reopen = this.#openMs > 0 && this.#probing
    if (!reopen && (this.#openMs > 0 || this.#failures < failuresToOpen)) return
    this.#openMs = reopen ? Math.min(this.#openMs * 2, maxOpenMs) : firstOpenMs
    this.#openUntil = nowMs + this.#openMs
    this.#probing = false
  }
}
