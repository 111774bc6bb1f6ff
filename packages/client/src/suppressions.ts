import type { Suppression } from '@fairway/api'
import { List } from './list.ts'
import type { Transport } from './transport.ts'

/** Addresses that are never sent to, whoever has them. */
export class Suppressions {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Those listed last first; by a part of the address, by how the reason begins. */
  list(filter: { search?: string; reason?: string; limit?: number } = {}): List<Suppression> {
    return List.of(this.#transport, this.#transport.path('suppressions'), filter)
  }

  /** One that is there already stays as it is. */
  add(address: string, reason?: string): Promise<Suppression> {
    return this.#transport.send({
      method: 'POST',
      path: this.#transport.path('suppressions'),
      body: { address, reason },
      repeatable: true,
    })
  }

  async remove(address: string): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#transport.path('suppressions', address) })
  }
}
