import { foldName } from '../../audience/items/item.ts'
import { jsonColumn, plainColumn, type RowSource, textColumn, timeColumn, wordColumn } from './row-source.ts'

const person = `left join lateral (
  select external_id, anonymous_id, email from people p where p.project_id = r.project_id and p.id = r.person_id limit 1
) as p on true`

/**
 * Events that happened from `from` to before `to`, oldest first. Those that one moment shares are told apart by their
 * ids, which makes the place in the table's primary key.
 */
export const eventRows = (
  format: 'csv' | 'ndjson',
  {
    projectId,
    event,
    from,
    to,
  }: { projectId: number; event: string | null; from: string | null; to: string },
): RowSource => ({
  columns: [
    wordColumn('id', 'r.id'),
    textColumn('name', 'r.name'),
    plainColumn('personId', 'r.person_id'),
    ...(format === 'csv'
      ? [
          textColumn('person', 'p.external_id'),
          textColumn('anonymousId', 'p.anonymous_id'),
          textColumn('email', 'p.email'),
        ]
      : [
          jsonColumn(
            'person',
            `json_build_object('id', p.external_id, 'anonymousId', p.anonymous_id, 'email', p.email)`,
          ),
        ]),
    textColumn('source', 'r.source'),
    timeColumn('occurredAt', 'r.occurred_at'),
    timeColumn('receivedAt', 'r.received_at'),
    ...(format === 'ndjson' ? [jsonColumn('properties', 'r.properties')] : []),
  ],
  properties: 'r.properties',
  page(parameters, after, limit) {
    const [at, id] = after?.split('|') ?? []
    const where = [`e.project_id = ${parameters.add(projectId, 'integer')}`]
    if (event !== null) where.push(`e.folded_name = ${parameters.add(foldName(event), 'text')}`)
    // Said by itself, because PostgreSQL finds the partitions by it and not by the comparison of two columns.
    const since = at ?? from
    if (since !== null) where.push(`e.occurred_at >= ${parameters.add(since, 'timestamptz')}`)
    if (at !== undefined)
      where.push(
        `(e.occurred_at, e.id) > (${parameters.add(at, 'timestamptz')}, ${parameters.add(id, 'uuid')})`,
      )
    where.push(`e.occurred_at < ${parameters.add(to, 'timestamptz')}`)
    return `select e.*, e.occurred_at || '|' || e.id as key, true as wanted from events e
      where ${where.join(' and ')} order by e.occurred_at, e.id limit ${limit}`
  },
  joined: person,
})
