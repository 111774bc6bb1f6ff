import {
  type CountedState,
  countedStateSql,
  countsByState,
  type MessageState,
} from '../../messaging/messages/state.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'

export interface ReportPeriod {
  /** Of the messages' making. */
  from: Date
  /** Null: until now. */
  to: Date | null
  /** Test messages instead of real ones. */
  test: boolean
}

export interface CampaignReport {
  from: Date
  to: Date | null
  total: number
  states: Record<CountedState, number>
  /** Why messages were not sent, the most frequent first. Frequency rules count as one reason. */
  reasons: { state: CountedState; reason: string; count: number }[]
}

const maxReasons = 50

/** What became of a campaign's messages. */
export async function reportCampaign(
  reading: Reading,
  projectId: number,
  campaignId: number,
  { from, to, test }: ReportPeriod,
): Promise<CampaignReport> {
  const { rows } = await reading.pool.query<{ state: CountedState; reason: string | null; count: number }>(
    `select ${countedStateSql} as state, case when reason like 'frequency:%' then 'frequency' else reason end as reason, count(*) as count
     from messages
     where project_id = $1 and origin = 'campaign' and origin_id = $2 and created_at >= $3 and created_at < coalesce($4::timestamptz, 'infinity') and test = $5
     group by 1, 2 order by 3 desc, 2`,
    [projectId, campaignId, from, to, test],
  )
  const states = countsByState()
  const reasons: CampaignReport['reasons'] = []
  for (const { state, reason, count } of rows) {
    states[state] += count
    if (reason !== null && reasons.length < maxReasons) reasons.push({ state, reason, count })
  }
  const total = rows.reduce((sum, { count }) => sum + count, 0)
  return { from, to, total, states, reasons }
}

export interface CampaignMessage {
  id: string
  state: MessageState
  reason: string | null
  test: boolean
  personId: number | null
  eventId: string | null
  recipient: string | null
  subject: string | null
  dueAt: Date
  settledAt: Date | null
  createdAt: Date
}

/** Newest first; `after` is the id of the message that a page ended with. */
export async function listCampaignMessages(
  reading: Reading,
  projectId: number,
  campaignId: number,
  { limit, after, state }: { limit: number; after?: string; state?: MessageState },
): Promise<CampaignMessage[]> {
  const { rows } = await reading.pool.query<CampaignMessage>(
    `select id, state, reason, test, person_id as "personId", event_id as "eventId", recipient, subject,
       due_at as "dueAt", settled_at as "settledAt", created_at as "createdAt"
     from messages
     where project_id = $1 and origin = 'campaign' and origin_id = $2 and ($3::text is null or state = $3)
       and ($4::uuid is null or (created_at, id) < (
         select last.created_at, last.id from messages last where last.project_id = $1 and last.id = $4
       ))
     order by created_at desc, id desc limit $5`,
    [projectId, campaignId, state ?? null, after ?? null, limit],
  )
  return rows
}
