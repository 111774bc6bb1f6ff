import { unitMs } from '../../audience/conditions/parts/time.ts'
import type { App } from '../../platform/app.ts'
import type { Frequency } from './campaigns.ts'

/** A message that everything else lets through, of a campaign with a frequency rule. */
export interface FrequencyCandidate {
  id: string
  campaignId: number
  personId: number
  test: boolean
  frequency: Frequency
}

/**
 * Which of these messages the frequency rules stop, with the reason. The others hold the right to be sent: until they
 * end without having been sent, nobody else gets it, however many batches ask at once. Two statements.
 */
export async function limitFrequency(
  app: App,
  projectId: number,
  candidates: readonly FrequencyCandidate[],
): Promise<Map<string, string>> {
  if (candidates.length === 0) return new Map()
  const now = app.now()
  const stopped = await findSentBefore(app, projectId, candidates, now)
  const remaining = candidates.filter(({ id }) => !stopped.has(id))
  const holders = await takeHolds(app, projectId, remaining, now)
  for (const { id } of remaining) {
    if (!holders.has(id)) stopped.set(id, 'frequency: another one is being sent')
  }
  return stopped
}

/** Start of the window in which an earlier send counts. */
const windowStart = ({ notAgainWithinDays: days }: Frequency, now: Date): Date | string =>
  days === -1 ? '-infinity' : new Date(now.getTime() - days * unitMs.days)

/** Claimed and unknown messages count: they may have left. */
async function findSentBefore(
  app: App,
  projectId: number,
  candidates: readonly FrequencyCandidate[],
  now: Date,
): Promise<Map<string, string>> {
  const { rows } = await app.pool.query<{ id: string; sentAt: Date }>(
    `select asked.id, earlier.sent_at as "sentAt"
     from unnest($2::uuid[], $3::integer[], $4::bigint[], $5::boolean[], $6::timestamptz[])
       as asked (id, campaign, person, test, since),
     lateral (
       select max(coalesce(m.settled_at, m.claimed_at)) as sent_at from messages m
       where m.project_id = $1 and m.campaign_id = asked.campaign and m.person_id = asked.person
         and m.state in ('claimed', 'sent', 'unknown') and m.test = asked.test and m.id <> asked.id
     ) as earlier
     where earlier.sent_at > asked.since`,
    [projectId, ...columnsOf(candidates), candidates.map(({ frequency }) => windowStart(frequency, now))],
  )
  return new Map(
    rows.map(({ id, sentAt }) => [id, `frequency: sent ${ago(now.getTime() - sentAt.getTime())}`]),
  )
}

/**
 * Takes the right to send for one message of each (campaign, person): if it is free, its own already, older than the
 * rule looks back, or held by a message that ended without being sent. Rows are taken in key order, so that two
 * batches can't wait for each other. Returns the messages that have it.
 */
async function takeHolds(
  app: App,
  projectId: number,
  candidates: readonly FrequencyCandidate[],
  now: Date,
): Promise<Set<string>> {
  if (candidates.length === 0) return new Set()
  const windows = new Map(
    candidates.map(({ campaignId, frequency }) => [campaignId, windowStart(frequency, now)]),
  )
  const { rows } = await app.pool.query<{ id: string }>(
    `insert into frequency_holds as held (project_id, campaign_id, person_id, test, message_id, held_at)
     select distinct on (campaign, person, test) $1, campaign, person, test, id, $6::timestamptz
     from unnest($2::uuid[], $3::integer[], $4::bigint[], $5::boolean[]) with ordinality
       as asked (id, campaign, person, test, place)
     order by campaign, person, test, place
     on conflict (project_id, campaign_id, person_id, test) do update
       set message_id = excluded.message_id, held_at = excluded.held_at
       where held.message_id = excluded.message_id
         or held.held_at <= (
           select since from unnest($7::integer[], $8::timestamptz[]) as rule (campaign, since)
           where rule.campaign = held.campaign_id
         )
         or exists (
           select from messages m
           where m.project_id = held.project_id and m.id = held.message_id and m.state in ('skipped', 'failed')
         )
     returning message_id as id`,
    [projectId, ...columnsOf(candidates), now, [...windows.keys()], [...windows.values()]],
  )
  return new Set(rows.map(({ id }) => id))
}

const columnsOf = (candidates: readonly FrequencyCandidate[]) => [
  candidates.map(({ id }) => id),
  candidates.map(({ campaignId }) => campaignId),
  candidates.map(({ personId }) => personId),
  candidates.map(({ test }) => test),
]

function ago(ms: number): string {
  for (const unit of ['days', 'hours', 'minutes'] as const) {
    const amount = Math.floor(ms / unitMs[unit])
    if (amount > 0) return `${amount} ${amount === 1 ? unit.slice(0, -1) : unit} ago`
  }
  return 'just now'
}
