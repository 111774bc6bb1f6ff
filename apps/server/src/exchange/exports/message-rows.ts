import { plainColumn, type RowSource, textColumn, timeColumn, wordColumn } from './row-source.ts'

const person = `left join lateral (
  select external_id from people p where p.project_id = r.project_id and p.id = r.person_id limit 1) as p on true`

/** Messages made from `from` to before `to`, oldest first. */
export const messageRows = ({
  projectId,
  from,
  to,
}: {
  projectId: number
  from: string | null
  to: string
}): RowSource => ({
  columns: [
    wordColumn('id', 'r.id'),
    wordColumn('class', 'r.class'),
    wordColumn('channel', 'r.channel'),
    plainColumn('personId', 'r.person_id'),
    textColumn('person', 'p.external_id'),
    plainColumn('campaignId', 'r.campaign_id'),
    plainColumn('templateId', 'r.template_id'),
    wordColumn('eventId', 'r.event_id'),
    wordColumn('state', 'r.state'),
    textColumn('reason', 'r.reason'),
    textColumn('recipient', 'r.recipient'),
    textColumn('subject', 'r.subject'),
    plainColumn('attempts', 'r.attempts'),
    textColumn('provider', 'r.provider'),
    textColumn('providerMessageId', 'r.provider_message_id'),
    plainColumn('test', 'r.test'),
    timeColumn('dueAt', 'r.due_at'),
    timeColumn('claimedAt', 'r.claimed_at'),
    timeColumn('settledAt', 'r.settled_at'),
    timeColumn('createdAt', 'r.created_at'),
    wordColumn('origin', 'r.origin'),
    plainColumn('originId', 'r.origin_id'),
    wordColumn('consent', `r.consent ->> 'kind'`),
    textColumn('topic', `r.consent ->> 'topic'`),
    textColumn('legalReason', `r.consent ->> 'reason'`),
  ],
  properties: `'{}'::jsonb`,
  page(parameters, after, limit) {
    const [at, id] = after?.split('|') ?? []
    const project = parameters.add(projectId, 'integer')
    const end = parameters.add(to, 'timestamptz')
    const read = (place: string) =>
      `(select * from messages where project_id = ${project} and ${place} and created_at < ${end}
        order by created_at, id desc limit ${limit})`
    // The index of the console, read backwards. A newsletter's messages share their moment, so the rest of the moment and
    // what follows are two ranges of the index; one comparison of both columns would read the moment again for every page.
    const rows = at
      ? `${read(`created_at = ${parameters.add(at, 'timestamptz')} and id < ${parameters.add(id, 'uuid')}`)}
         union all ${read(`created_at > ${parameters.add(at, 'timestamptz')}`)}`
      : read(`created_at >= ${parameters.add(from ?? '-infinity', 'timestamptz')}`)
    return `select m.*, m.created_at || '|' || m.id as key, true as wanted from (${rows}) as m
      order by m.created_at, m.id desc limit ${limit}`
  },
  joined: person,
})
