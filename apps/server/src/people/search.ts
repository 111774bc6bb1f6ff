import type { App } from '../app.ts'
import { integerShape, type Page, readCursor, writeCursor } from '../db/cursor.ts'
import { loadEntries, type PersonEntry } from './list.ts'
import { phonePrefix } from './phone.ts'

/** Where a search looks: a value of people, an index that orders by it, and the beginning that it must have. */
interface Stage {
  field: 'id' | 'email' | 'phone' | 'name'
  /** SQL of the value. */
  value: string
  prefix: string
}

/** Where a page ended. */
interface Position {
  stage: number
  after: { key: string; id: number } | undefined
}

interface Found {
  id: number
  key: string
  /** Was told by an earlier stage. */
  earlier: boolean
}

/**
 * People looked at by one request at most. Only those that an earlier stage told already are looked at in vain, as when
 * addresses serve as ids or begin with the name; a page may then be shorter than asked for, and its cursor goes on.
 */
const mostLooked = 2_000

/** Greater than everything that begins with `prefix`, byte by byte. */
const beyond = (place: string) => `${place} || chr(1114111)`

/** By id first, then by address, phone and name, each in the order of its values. Nobody comes twice. */
export async function searchPeople(
  app: App,
  { id: projectId, defaultCountry }: { id: number; defaultCountry: string | null },
  search: string,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<PersonEntry>> {
  const stages = stagesOf(search, defaultCountry)
  let position = cursor === undefined ? { stage: 0, after: undefined } : readPosition(cursor, stages)
  const found: { id: number; position: Position }[] = []
  let looked = 0
  while (position.stage < stages.length && found.length <= limit && looked < mostLooked) {
    const { stage } = position
    // As many as are missing; then, among those told already, ever more.
    const most = Math.max(limit + 1 - found.length, looked)
    const rows = await scan(app, projectId, stages, position, most)
    looked += rows.length
    for (const { id, key, earlier } of rows)
      if (!earlier) found.push({ id, position: { stage, after: { key, id } } })
    position =
      rows.length < most ? { stage: stage + 1, after: undefined } : { stage, after: rows[rows.length - 1] }
  }
  const shown = found.slice(0, limit)
  const last = found.length > limit ? shown[limit - 1]!.position : position
  return {
    items: await loadEntries(
      app,
      projectId,
      shown.map(({ id }) => id),
    ),
    nextCursor: last.stage < stages.length ? writePosition(last) : null,
  }
}

function stagesOf(search: string, country: string | null): Stage[] {
  const stages: Stage[] = [
    { field: 'id', value: 'external_id', prefix: search },
    { field: 'email', value: 'lower(email) collate "C"', prefix: search.toLowerCase() },
  ]
  for (const prefix of phonePrefixes(search, country))
    stages.push({ field: 'phone', value: 'phone collate "C"', prefix })
  stages.push({ field: 'name', value: 'person_name(properties) collate "C"', prefix: search.toLowerCase() })
  return stages
}

/** As numbers are stored, and as written, because those that could not be read are stored so. */
function phonePrefixes(search: string, country: string | null): string[] {
  const normal = phonePrefix(search, country)
  if (normal === undefined) return []
  return normal === search ? [search] : [normal, search]
}

async function scan(
  app: App,
  projectId: number,
  stages: Stage[],
  { stage, after }: Position,
  most: number,
): Promise<Found[]> {
  const { value, field } = stages[stage]!
  const values: unknown[] = [projectId]
  const place = (content: unknown, type: string) => `$${values.push(content)}::${type}`
  const within = (of: Stage) => {
    const prefix = place(of.prefix, 'text')
    return `${of.value} >= ${prefix} and ${of.value} < ${beyond(prefix)}`
  }
  const where = ['project_id = $1', `${value} is not null`, within(stages[stage]!)]
  // Ids are unique; the others are told apart by our own id.
  const order = field === 'id' ? value : `${value}, id`
  if (after)
    where.push(
      field === 'id'
        ? `${value} > ${place(after.key, 'text')}`
        : `(${value}, id) > (${place(after.key, 'text')}, ${place(after.id, 'bigint')})`,
    )
  const earlier = stages.slice(0, stage).map((of) => `coalesce(${within(of)}, false)`)
  const { rows } = await app.pool.query<Found>(
    `select id, ${value} as key, ${earlier.join(' or ') || 'false'} as earlier from people
     where ${where.join(' and ')} order by ${order} limit ${place(most, 'integer')}`,
    values,
  )
  return rows
}

const writePosition = ({ stage, after }: Position): string =>
  writeCursor(String(stage), after?.key ?? '', String(after?.id ?? 0))

function readPosition(cursor: string, stages: Stage[]): Position {
  const [stage, key, id] = readCursor(
    cursor,
    new RegExp(`^[0-${stages.length - 1}]$`),
    /^[^\0]*$/,
    integerShape,
  )
  return { stage: Number(stage), after: id === '0' ? undefined : { key: key!, id: Number(id) } }
}
