import { CircuitBreaker } from './circuit-breaker.ts'

const maxSenders = 1_000

/** A circuit for each sender that a provider refuses: mail of others goes on, whatever one project of an installation writes. */
export class SenderCircuits {
  readonly #circuits = new Map<string, CircuitBreaker>()

  /** No sender is refused now. */
  get closed(): boolean {
    return this.#circuits.size === 0
  }

  /** Whether a mail of this sender may go now. */
  allow(sender: string, nowMs: number): boolean {
    return (this.#circuits.get(sender)?.allow(1, nowMs) ?? 1) === 1
  }

  /** Until another try is worth it, and why; undefined for a sender whose mail goes. */
  closedFor(sender: string, nowMs: number): { waitMs: number; reason: string } | undefined {
    const circuit = this.#circuits.get(sender)
    return circuit?.open ? { waitMs: circuit.waitMs(nowMs), reason: circuit.reason } : undefined
  }

  failed(sender: string, nowMs: number, reason: string): void {
    const circuit = this.#circuits.get(sender) ?? new CircuitBreaker()
    circuit.failed(nowMs, reason)
    this.#circuits.delete(sender)
    this.#circuits.set(sender, circuit)
    // The one that failed longest ago is forgotten: its next failures open another.
    if (this.#circuits.size > maxSenders) this.#circuits.delete(this.#circuits.keys().next().value!)
  }

  succeeded(sender: string): void {
    this.#circuits.delete(sender)
  }
}
