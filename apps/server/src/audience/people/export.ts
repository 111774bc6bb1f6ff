import type { App } from '../../platform/app.ts'
import { describePerson } from './list.ts'

/** Of a quarter of a megabyte at most. */
const rowsPerPage = 200

/** A list of the export: where it is, how it is ordered, and what it tells of a row. */
interface Section {
  name: string
  table: string
  /** Unique within the person; the cursor. */
  key: [column: string, type: string][]
  tells: string
}

const sections: Section[] = [
  {
    name: 'aliases',
    table: 'person_aliases',
    key: [
      ['kind', 'text'],
      ['alias', 'text'],
    ],
    tells: `'alias', t.alias, 'kind', t.kind, 'createdAt', t.created_at`,
  },
  {
    name: 'events',
    table: 'events',
    key: [
      ['occurred_at', 'timestamptz'],
      ['id', 'uuid'],
    ],
    tells: `'id', t.id, 'name', t.name, 'properties', t.properties, 'source', t.source, 'occurredAt', t.occurred_at,
      'receivedAt', t.received_at`,
  },
  {
    name: 'messages',
    table: 'messages',
    key: [
      ['created_at', 'timestamptz'],
      ['id', 'uuid'],
    ],
    tells: `'id', t.id, 'origin', t.origin, 'originId', t.origin_id, 'consent', t.consent, 'class', t.class, 'channel', t.channel, 'state', t.state, 'reason', t.reason, 'recipient', t.recipient,
      'subject', t.subject, 'input', t.input, 'campaignId', t.campaign_id, 'templateId', t.template_id,
      'openedAt', t.opened_at, 'clickedAt', t.clicked_at, 'settledAt', t.settled_at, 'history', t.history,
      'createdAt', t.created_at`,
  },
  {
    name: 'changes',
    table: 'person_changes',
    key: [
      ['at', 'timestamptz'],
      ['id', 'bigint'],
    ],
    tells: `'change', t.kind, 'detail', t.detail, 'at', t.at`,
  },
]

/**
 * Everything that is held about a person, as the text of one JSON object, piece by piece: a person may have millions of
 * events. Not of one moment: what comes in meanwhile may be in it or not.
 *
 * @throws {ApiError} 404, before the first piece
 */
export async function* exportPerson(app: App, projectId: number, personId: number): AsyncGenerator<string> {
  // Aliases come whole, below.
  const { aliases: _, segments, ...person } = await describePerson(app, projectId, personId)
  yield `{"exportedAt":${JSON.stringify(app.now())},\n"person":${JSON.stringify(person)},\n"segments":${JSON.stringify(segments)}`
  for (const section of sections) {
    yield `,\n${JSON.stringify(section.name)}:[`
    let separator = '\n'
    for await (const rows of pagesOf(app, projectId, personId, section)) {
      yield rows
        .map((row) => JSON.stringify(row))
        .reduce((text, row) => {
          const joined = text + separator + row
          separator = ',\n'
          return joined
        }, '')
    }
    yield ']'
  }
  yield '}\n'
}

async function* pagesOf(
  app: App,
  projectId: number,
  personId: number,
  { table, key, tells }: Section,
): AsyncGenerator<object[]> {
  const columns = key.map(([column]) => `t.${column}`).join(', ')
  const places = key.map(([, type], i) => `$${i + 4}::${type}`).join(', ')
  // A seat for each page, not for the whole: its reader may be slow, or gone.
  const read = { projectId, narrow: 'Try again.' }
  let after: string[] | undefined
  for (;;) {
    const { rows } = await app.expensiveReads.run(read, ({ pool }) =>
      pool.query<{ told: object; after: string[] }>(
        `select jsonb_build_object(${tells}) as told, array[${key.map(([column]) => `t.${column}::text`).join(', ')}] as after
       from ${table} t where t.project_id = $1 and t.person_id = $2 ${after ? `and (${columns}) > (${places})` : ''}
       order by ${columns} limit $3`,
        [projectId, personId, rowsPerPage, ...(after ?? [])],
      ),
    )
    if (rows.length > 0) yield rows.map(({ told }) => told)
    if (rows.length < rowsPerPage) return
    after = rows.at(-1)!.after
  }
}
