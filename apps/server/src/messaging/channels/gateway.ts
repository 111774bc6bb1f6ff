import { CircuitBreaker } from './circuit-breaker.ts'
import { RateLimit } from './rate-limit.ts'
import type { SendResult } from './result.ts'
import { SenderCircuits } from './sender-circuits.ts'
import { Slots } from './slots.ts'

export interface ProviderLimits {
  /** Messages per second and process; 0 is without a limit. */
  perSecond: number
  /** Connections per process. */
  connections: number
}

/** What a channel made of a message: ready to be handed over. */
export interface Made {
  /** Who it is from, as far as a provider may refuse one sender and take the next; and whom it is for. */
  envelope: { from: string; to: string[] }
  subject: string
}

/**
 * What leads to one provider, with its limits and its circuit breaker. A channel says how one message is handed over; when, and what
 * follows from its end, is the same for all.
 */
export abstract class Gateway<Product extends Pick<Made, 'envelope'> = Made> {
  readonly breaker = new CircuitBreaker()
  readonly senders = new SenderCircuits()
  readonly rate: RateLimit
  /**
   * Twice the connections, so that a connection finds its next message while outcomes are being recorded.
   * {@link chunkSize} messages are claimed at once.
   */
  readonly slots: Slots
  readonly chunkSize: number
  protected readonly now: () => Date

  constructor({ limits, now }: { limits: ProviderLimits; now: () => Date }) {
    this.rate = new RateLimit(limits.perSecond)
    this.chunkSize = limits.connections
    this.slots = new Slots(limits.connections * 2)
    this.now = now
  }

  /** Never throws: every end is a {@link SendResult}. */
  async send(product: Product): Promise<SendResult> {
    const result = await this.hand(product)
    this.#note(product.envelope.from, result)
    return result
  }

  /** Hands one message over, within `maxSendMs`. Never throws. */
  protected abstract hand(product: Product): Promise<SendResult>

  /** Ends idle connections now and busy ones after their message. */
  abstract close(): void

  /** Why nothing may be begun just now; undefined when it may. */
  protected whyClosed(): string | undefined {
    return this.breaker.isClosedTo(this.now().getTime()) ? this.breaker.reason : undefined
  }

  #note(sender: string, result: SendResult): void {
    const now = this.now().getTime()
    if (result.outcome === 'unknown' || (result.outcome === 'retry' && result.refusedBy === 'provider')) {
      this.breaker.failed(now, result.reason, { silent: result.silent })
      return
    }
    this.breaker.succeeded()
    if (result.outcome === 'retry' && result.refusedBy === 'sender')
      this.senders.failed(sender, now, result.reason)
    else this.senders.succeeded(sender)
  }
}
