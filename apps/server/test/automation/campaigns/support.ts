import { randomUUID } from 'node:crypto'
import type { Json } from '@fairway/queue'
import type { PoolClient } from 'pg'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { ensurePartitions } from '../../../src/audience/events/partitions.ts'
import { foldName, type StoredEvent } from '../../../src/audience/items/item.ts'
import { loadPeople } from '../../../src/audience/people/lookup.ts'
import {
  type Campaign,
  type CampaignFields,
  createCampaign,
  parseCampaign,
} from '../../../src/automation/campaigns/campaigns.ts'
import { enrolTriggered } from '../../../src/automation/campaigns/enrol.ts'
import { type GatedMessage, gateCampaignMessages } from '../../../src/automation/campaigns/gate.ts'
import { withTransaction } from '../../../src/platform/db/transaction.ts'

export const dayMs = 86_400_000

export interface Shop extends TestServer {
  clock: { now: Date }
  templateId: number
  addCampaign(fields?: Record<string, unknown>): Promise<Campaign>
  addPerson(person?: Record<string, unknown>): Promise<number>
  /** Stores an event of now, as processing would; triggers nothing. */
  addEvent(personId: number, name: string, properties?: Record<string, Json>, at?: Date): Promise<StoredEvent>
  enrol(events: StoredEvent[]): Promise<void>
  /** All messages of a campaign, oldest first, as the gate gets them. */
  messages(campaignId: number): Promise<StoredMessage[]>
  /** What the gate says, in words. */
  gate(ids: string[]): Promise<string[]>
}

export interface StoredMessage extends GatedMessage {
  state: string
  reason: string | null
  dueAt: Date
  class: string
  origin: string
  consent: unknown
  personId: number
}

/** A server without workers, a clock to move, and a project with one template. */
export async function openShop(role: 'api' | 'all' = 'api'): Promise<Shop> {
  const clock = { now: new Date('2026-11-23T10:00:00Z') }
  const server = await startTestServer({ now: () => clock.now, config: { role } })
  const { app, projectId } = server
  const { rows } = await app.pool.query<{ id: number }>(
    `insert into templates (project_id, name, from_address, subject, html)
     values ($1, 'Hello', 'Shop <hello@shop.example>', 'About {{ event.sku }}', '<p>Hi {{ user.first_name }}</p>') returning id`,
    [projectId],
  )
  const templateId = rows[0]!.id

  const messages = async (campaignId: number) => {
    const { rows } = await app.pool.query<StoredMessage>(
      `select id, class, origin, consent, state, reason, test, origin_id as "originId", person_id as "personId", event_id as "eventId",
         event_at as "eventAt", due_at as "dueAt", input
       from messages where project_id = $1 and origin = 'campaign' and origin_id = $2 order by created_at, id`,
      [projectId, campaignId],
    )
    return rows
  }

  return {
    ...server,
    clock,
    templateId,
    messages,
    addCampaign: (fields = {}) =>
      createCampaign(
        app,
        projectId,
        parseCampaign({
          name: 'Thanks',
          triggerEvent: 'Purchased item',
          templateId,
          state: 'live',
          ...fields,
        }) as CampaignFields,
      ),
    async addPerson(person = {}) {
      const row = { external_id: randomUUID(), email: `${randomUUID()}@example.com`, ...person }
      const columns = Object.keys(row)
      const { rows } = await app.pool.query<{ id: number }>(
        `insert into people (project_id, ${columns.join(', ')}) values ($1, ${columns.map((_, i) => `$${i + 2}`).join(', ')}) returning id`,
        [projectId, ...Object.values(row)],
      )
      return rows[0]!.id
    },
    async addEvent(personId, name, properties = {}, at = clock.now) {
      const event: StoredEvent = {
        id: randomUUID(),
        personId,
        name,
        foldedName: foldName(name),
        properties,
        occurredAt: at,
        receivedAt: at,
      }
      await ensurePartitions(app.pool, [at.getTime()])
      await app.pool.query(
        `insert into events (project_id, person_id, id, name, folded_name, properties, occurred_at, received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)`,
        [projectId, personId, event.id, name, event.foldedName, JSON.stringify(properties), at],
      )
      return event
    },
    enrol: (events) =>
      withTransaction(app.pool, (client: PoolClient) => enrolTriggered(app, client, projectId, events)),
    async gate(ids) {
      const { rows } = await app.pool.query<GatedMessage & { personId: number }>(
        `select id, test, origin_id as "originId", person_id as "personId", event_id as "eventId",
           event_at as "eventAt", input
         from messages where project_id = $1 and id = any($2::uuid[]) order by array_position($2::uuid[], id)`,
        [projectId, ids],
      )
      const people = await loadPeople(
        app.pool,
        projectId,
        rows.map(({ personId }) => personId),
      )
      const verdicts = await gateCampaignMessages(
        app,
        projectId,
        rows.map((row) => ({ ...row, person: people.get(row.personId) })),
      )
      return ids.map((id) => {
        const verdict = verdicts.get(id)!
        return 'skip' in verdict ? verdict.skip : 'send'
      })
    },
  }
}
