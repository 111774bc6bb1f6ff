import { setTimeout as sleep } from 'node:timers/promises'
import type { Transaction } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { addressKey } from '../../platform/email-address.ts'
import { type WaitsFor, whyItWaits } from '../sending/waiting.ts'

/** What a message row becomes. */
export interface Outcome {
  id: string
  state: 'pending' | 'sent' | 'failed' | 'skipped' | 'unknown'
  reason: string | null
  personId?: number | null
  recipient?: string | null
  subject?: string | null
  provider?: string | null
  providerMessageId?: string | null
  /** Recipients that the next try is for; the others have it. */
  left?: string[]
  /** Of `pending`: when it is tried again. */
  nextTryAt?: Date
  /** Of `pending`: it has as many tries left as before this one. */
  costsNoAttempt?: boolean
}

/** A message, and its turn as its job knows it. */
export interface Claimable {
  id: string
  turn: number
}

/** An attempt counts before the work begins. */
const claimSql = (token: string, at: string, ids: string, turns: string) =>
  `update messages m set state = 'claimed', claim = ${token}::uuid, claimed_at = ${at}::timestamptz, attempts = m.attempts + 1,
          next_try_at = null, waits_for = null
   from unnest(${ids}::uuid[], ${turns}::integer[]) as c (id, turn)
   where m.project_id = $1 and m.id = c.id and m.turn = c.turn and m.state = 'pending' returning m.id`

const columnsOf = (messages: Claimable[]) => [messages.map(({ id }) => id), messages.map(({ turn }) => turn)]

/**
 * Takes `pending` messages for this token, where no other job has taken the place of this one. Only what it returns may be handed
 * to a provider. Committed on return.
 */
export async function claimMessages(
  app: App,
  projectId: number,
  messages: Claimable[],
  token: string,
): Promise<Set<string>> {
  const { rows } = await app.pool.query<{ id: string }>(claimSql('$2', '$3', '$4', '$5'), [
    projectId,
    token,
    app.now(),
    ...columnsOf(messages),
  ])
  return new Set(rows.map((row) => row.id))
}

/**
 * {@link recordOutcomes} of some, and {@link claimMessages} with the same token, in one statement. After an `error` the outcomes
 * are recorded, and nobody knows what was claimed: that must not be sent.
 */
export async function recordAndClaim(
  app: App,
  projectId: number,
  token: string,
  outcomes: Outcome[],
  next: Claimable[],
): Promise<{ claimed: Set<string> } | { error: unknown }> {
  try {
    return await settle(app.pool, projectId, outcomes, app.now(), { claimedBy: token, claim: next })
  } catch (error) {
    await recordOutcomes(app, projectId, token, outcomes)
    return { error }
  }
}

const recordAttempts = 4
const recordPauseMs = 250

/**
 * Records what became of claimed messages; only those that this token still owns. A moment's loss of the database must
 * not leave sent messages in doubt, so it is tried a few times before giving up.
 */
export async function recordOutcomes(
  app: App,
  projectId: number,
  token: string,
  outcomes: Outcome[],
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await settle(app.pool, projectId, outcomes, app.now(), { claimedBy: token })
      return
    } catch (error) {
      if (attempt === recordAttempts) throw error
      app.log.warn(
        { err: error, projectId, messages: outcomes.length },
        'outcomes could not be recorded; trying again',
      )
      await sleep(recordPauseMs * attempt)
    }
  }
}

/**
 * Settles messages that were never claimed (skipped, not renderable, sandbox) in the caller's transaction.
 *
 * @returns the ids that were still `pending` and have changed.
 */
export const settlePending = async (
  client: Transaction,
  projectId: number,
  outcomes: Outcome[],
  at: Date,
): Promise<Set<string>> => (await settle(client, projectId, outcomes, at, 'pending')).settled

async function settle(
  client: Transaction,
  projectId: number,
  outcomes: Outcome[],
  at: Date,
  from: 'pending' | { claimedBy: string; claim?: Claimable[] },
): Promise<{ settled: Set<string>; claimed: Set<string> }> {
  if (outcomes.length === 0) return { settled: new Set(), claimed: new Set() }
  const column = <T>(read: (outcome: Outcome) => T) => outcomes.map(read)
  const claim = from === 'pending' ? [] : (from.claim ?? [])
  const { rows } = await client.query(
    `with settled as (
       update messages m set
         state = o.state,
         reason = o.reason,
         settled_at = case when o.state = 'pending' then null else $9::timestamptz end,
         claim = case when o.state in ('pending', 'unknown') then null else m.claim end,
         attempts = m.attempts - o.given_back,
         history = case when o.state in ('pending', 'failed', 'unknown')
           then m.history || jsonb_build_object('at', $9::timestamptz, 'state', o.state, 'reason', o.reason)
           else m.history end,
         person_id = coalesce(m.person_id, o.person_id),
         recipient = coalesce(o.recipient, m.recipient),
         subject = coalesce(o.subject, m.subject),
         provider = coalesce(o.provider, m.provider),
         provider_message_id = coalesce(o.provider_message_id, m.provider_message_id),
         next_try_at = o.next_try_at,
         waits_for = null,
         input = case when o.state = 'sent' and m.input -> 'forget' = 'true' then '{"forget": true}'
           else m.input || coalesce(o.remaining, '{}') end
       from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $10::text[],
         $12::timestamptz[], $13::jsonb[], $14::integer[])
         as o (id, state, reason, person_id, recipient, subject, provider, provider_message_id, next_try_at, remaining,
               given_back)
       where m.project_id = $1 and m.id = o.id
         and case when $11::uuid is null then m.state = 'pending'
                  else m.claim = $11 and m.state in ('claimed', 'unknown') end
       returning m.id, m.state, m.input
     ), forgotten as (
       -- Attachments are only kept for as long as a send may still need them.
       delete from attachments a using settled s
       where a.project_id = $1 and a.message_id = s.id and s.state in ('sent', 'skipped')
     )${claim.length > 0 ? `, claimed as (${claimSql('$11', '$9', '$15', '$16')})` : ''}
     select id, false as claimed from settled${claim.length > 0 ? ' union all select id, true from claimed' : ''}`,
    [
      projectId,
      column((o) => o.id),
      column((o) => o.state),
      column((o) => o.reason),
      column((o) => o.personId ?? null),
      column((o) => o.recipient ?? null),
      column((o) => o.subject ?? null),
      column((o) => o.provider ?? null),
      at,
      column((o) => o.providerMessageId ?? null),
      from === 'pending' ? null : from.claimedBy,
      column((o) => o.nextTryAt ?? null),
      column(({ left }) => (left ? JSON.stringify({ left }) : null)),
      column(({ costsNoAttempt }) => (costsNoAttempt ? 1 : 0)),
      ...(claim.length > 0 ? columnsOf(claim) : []),
    ],
  )
  const idsOf = (isClaimed: boolean) =>
    new Set(
      (rows as { id: string; claimed: boolean }[]).flatMap(({ id, claimed }) =>
        claimed === isClaimed ? [id] : [],
      ),
    )
  return { settled: idsOf(false), claimed: idsOf(true) }
}

/**
 * Messages whose claim outlived its owner: the lease of the job that claimed them has ended, so nobody will say any more
 * whether they left. The owner, should it still be there, may yet correct it.
 */
export async function markUnknown(
  app: App,
  projectId: number,
  messages: { id: string; claim: string | null }[],
): Promise<void> {
  if (messages.length === 0) return
  await app.pool.query(
    `update messages m set state = 'unknown', settled_at = $4,
            reason = 'the sender stopped between claiming this message and recording the result',
            history = m.history || jsonb_build_object('at', $4::timestamptz, 'state', 'unknown', 'reason',
              'the sender stopped between claiming this message and recording the result')
     from unnest($2::uuid[], $3::uuid[]) as d (id, claim)
     where m.project_id = $1 and m.id = d.id and m.state = 'claimed' and m.claim = d.claim`,
    [projectId, messages.map((message) => message.id), messages.map((message) => message.claim), app.now()],
  )
}

export interface Postponed extends Claimable {
  nextTryAt: Date
}

/**
 * Messages that could not be tried because their provider takes nothing for now: why (null: as the last try said), and when they
 * will be.
 */
export async function recordPostponed(
  app: App,
  projectId: number,
  provider: string | null,
  reason: string | null,
  postponed: Postponed[],
): Promise<void> {
  if (postponed.length === 0) return
  await app.pool.query(
    `update messages m set reason = coalesce($3, m.reason), provider = coalesce($4, m.provider), next_try_at = o.next_try_at, waits_for = null
     from unnest($2::uuid[], $5::integer[], $6::timestamptz[]) as o (id, turn, next_try_at)
     where m.project_id = $1 and m.id = o.id and m.turn = o.turn and m.state = 'pending'`,
    [
      projectId,
      postponed.map(({ id }) => id),
      reason,
      provider,
      postponed.map(({ turn }) => turn),
      postponed.map(({ nextTryAt }) => nextTryAt),
    ],
  )
}

export interface Waiting extends Claimable {
  waitsFor: WaitsFor
}

/** Messages that can't leave as their project is now. They are written once, and have no job until they are woken. */
export async function recordWaiting(app: App, projectId: number, waiting: Waiting[]): Promise<void> {
  if (waiting.length === 0) return
  await app.pool.query(
    `update messages m set waits_for = w.waits_for, reason = w.reason, next_try_at = null, try_now_at = null
     from unnest($2::uuid[], $3::integer[], $4::text[], $5::text[]) as w (id, turn, waits_for, reason)
     where m.project_id = $1 and m.id = w.id and m.turn = w.turn and m.state = 'pending'
       and m.waits_for is distinct from w.waits_for`,
    [
      projectId,
      waiting.map(({ id }) => id),
      waiting.map(({ turn }) => turn),
      waiting.map(({ waitsFor }) => waitsFor),
      waiting.map(({ waitsFor }) => whyItWaits[waitsFor]),
    ],
  )
}

/**
 * Addresses that do not exist are never sent to again. One that was listed while its mail was under way keeps its time; where
 * the reason is one that is lifted with somebody's suppression, the bounce takes its place, which is not.
 */
export async function suppressBounced(
  app: App,
  projectId: number,
  bounces: { address: string; reason: string }[],
): Promise<void> {
  if (bounces.length === 0) return
  await app.pool.query(
    `insert into suppressions as s (project_id, address, reason, created_at)
     select distinct on (b.address) $1, b.address, b.reason, $4
     from unnest($2::text[], $3::text[]) as b (address, reason) order by b.address
     on conflict (project_id, address) do update set reason = excluded.reason, added_by = null where s.reason in ('api', 'import')`,
    [
      projectId,
      bounces.map(({ address }) => addressKey(address)),
      bounces.map(({ reason }) => `hard bounce: ${reason}`),
      app.now(),
    ],
  )
}
