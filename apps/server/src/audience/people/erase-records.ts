import { count, type Subject, subjectsByName } from './erasure-subject.ts'
import type { PeopleSession } from './session.ts'

type Stored = Map<number, Subject>

const columnsOf = (stored: Stored) => [
  [...stored.keys()],
  [...stored.values()].map(({ erasure }) => new Date(erasure.at)),
]

/** Events and changes up to the erasure. */
export async function eraseHistory({ client, projectId }: PeopleSession, stored: Stored): Promise<void> {
  for (const [table, time] of [
    ['events', 'received_at'],
    ['person_changes', 'at'],
  ] as const) {
    const { rows } = await client.query<{ person_id: number; count: number }>(
      `with gone as (
         delete from ${table} t using unnest($2::bigint[], $3::timestamptz[]) as e (person, at)
         where t.project_id = $1 and t.person_id = e.person and t.${time} <= e.at returning t.person_id)
       select person_id, count(*) from gone group by person_id`,
      [projectId, ...columnsOf(stored)],
    )
    const place = table === 'events' ? 'events' : 'changes'
    for (const row of rows) count(stored.get(row.person_id)!, place, row.count)
  }
}

/**
 * Messages stay as rows, for reports and so that none is sent twice, without anything personal; what a provider answered
 * often quotes the address. Those of a person who is not gone stay whole when the event that caused them does. Returns
 * whose they were.
 */
export async function eraseMessages(
  { client, projectId, now }: PeopleSession,
  stored: Stored,
  gone: Set<number>,
): Promise<Map<string, Subject>> {
  const { rows } = await client.query<{ id: string; person: number }>(
    `update messages t set person_id = null, recipient = null, subject = null, input = '{}', history = '[]',
       request_fingerprint = null,
       reason = case t.state when 'pending' then 'erased' when 'skipped' then t.reason end,
       settled_at = case when t.state = 'pending' then $5 else t.settled_at end,
       state = case when t.state = 'pending' then 'skipped' else t.state end
     from unnest($2::bigint[], $3::timestamptz[], $4::boolean[]) as e (person, at, gone)
     where t.project_id = $1 and t.person_id = e.person
       and (e.gone or (t.event_id is null and t.created_at <= e.at)
         or (t.event_id is not null and not exists (
           select from events v where v.project_id = $1 and v.occurred_at = t.event_at and v.id = t.event_id)))
     returning t.id, e.person`,
    [projectId, ...columnsOf(stored), [...stored.keys()].map((id) => gone.has(id)), now],
  )
  const messages = new Map(rows.map(({ id, person }) => [id, stored.get(person)!]))
  for (const subject of messages.values()) count(subject, 'messages', 1)
  for (const table of ['mailbox', 'attachments']) {
    const { rows: deleted } = await client.query<{ message_id: string }>(
      `delete from ${table} where project_id = $1 and message_id = any($2::uuid[]) returning message_id`,
      [projectId, [...messages.keys()]],
    )
    for (const { message_id } of deleted) count(messages.get(message_id)!, table, 1)
  }
  return messages
}

/** Rejected items that name them, whether as their person or by an address or number of theirs. */
export async function eraseRejects({ client, projectId }: PeopleSession, subjects: Subject[]): Promise<void> {
  const byName = subjectsByName(subjects)
  const { rows } = await client.query<{ name: string }>(
    `with named as (
       select r.id, (select name from (values (item #>> '{person,id}'), (item #>> '{person,anonymousId}'),
           (lower(item #>> '{person,email}' collate "C")), (item #>> '{from,id}'), (lower(item ->> 'email' collate "C")), (item ->> 'phone'),
           (lower(item #>> '{traits,email}' collate "C")), (item #>> '{traits,phone}')) as n (name)
         where name = any($2::text[]) limit 1) as name
       from ingest_rejects r where project_id = $1)
     delete from ingest_rejects r using named n
     where r.project_id = $1 and r.id = n.id and n.name is not null returning n.name`,
    [projectId, [...byName.keys()]],
  )
  for (const { name } of rows) count(byName.get(name)!, 'rejects', 1)
}
