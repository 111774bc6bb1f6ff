import type {
  Campaign,
  CampaignMessage,
  CampaignReport,
  CampaignState,
  MessageState,
  Wait,
} from '@fairway/api'
import { List } from './list.ts'
import type { Transport } from './transport.ts'

export interface NewCampaign {
  name: string
  triggerEvent: string
  wait: Wait
  templateId: number
  conditions?: object | null
  frequency?: { notAgainWithinDays: number } | null
  transactional?: boolean
  /** Default: off. */
  state?: CampaignState
}

/** With the `updatedAt` that was read, a change of somebody else since is not overwritten (409). */
export type CampaignChanges = Partial<NewCampaign> & { updatedAt?: string }

/** Behavioral campaigns. */
export class Campaigns {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  list(): List<Campaign> {
    return List.of(this.#transport, this.#transport.path('behavioral'))
  }

  get(id: number): Promise<Campaign> {
    return this.#transport.send({ method: 'GET', path: this.#path(id) })
  }

  create(campaign: NewCampaign): Promise<Campaign> {
    return this.#transport.send({
      method: 'POST',
      path: this.#transport.path('behavioral'),
      body: campaign,
    })
  }

  update(id: number, changes: CampaignChanges): Promise<Campaign> {
    return this.#transport.send({ method: 'PATCH', path: this.#path(id), body: changes })
  }

  async delete(id: number): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path(id) })
  }

  /** Default: of the last 30 days. */
  report(
    id: number,
    { from, to, test }: { from?: Date; to?: Date; test?: boolean } = {},
  ): Promise<CampaignReport> {
    const query = { from: from?.toISOString(), to: to?.toISOString(), test }
    return this.#transport.send({ method: 'GET', path: this.#path(id, 'report'), query })
  }

  messages(id: number, filter: { state?: MessageState } = {}): List<CampaignMessage> {
    return List.of(this.#transport, this.#path(id, 'messages'), filter)
  }

  #path(id: number, ...more: string[]): string {
    return this.#transport.path('behavioral', id, ...more)
  }
}
