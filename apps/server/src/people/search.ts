import type { App } from '../app.ts'
import { integerShape, type Page, readCursor, writeCursor } from '../db/cursor.ts'
import { loadEntries, type PersonEntry } from './list.ts'
import { phonePrefix } from './phone.ts'

/** Where a search looks: a value of people or of their aliases, and the beginning that it must have. */
interface Stage {
  /** SQL of the value: of `people p`, or of `person_aliases a`. An index has them in order. */
  value: string
  prefix: string
  /** Of aliases. */
  kind?: 'external' | 'anonymous'
  /** Nobody shares it, so that it alone is the order. */
  unique?: boolean
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
const mostLooked = 1_000

/** Greater than everything that begins with `prefix`, byte by byte. */
const beyond = (place: string) => `${place} || chr(1114111)`

/**
 * By id first, then by ids of merged people and of visitors that lead to them, by address, phone and name, each in the order
 * of its values. Nobody comes twice.
 */
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
  const folded = search.toLowerCase()
  return [
    { value: 'p.external_id', prefix: search, unique: true },
    { value: 'a.alias', prefix: search, kind: 'external', unique: true },
    { value: 'a.alias', prefix: search, kind: 'anonymous', unique: true },
    { value: 'lower(p.email) collate "C"', prefix: folded },
    ...phonePrefixes(search, country).map((prefix) => ({ value: 'p.phone collate "C"', prefix })),
    { value: 'person_name(p.properties) collate "C"', prefix: folded },
  ]
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
  const here = stages[stage]!
  const values: unknown[] = [projectId]
  const place = (content: unknown, type: string) => `$${values.push(content)}::${type}`
  const begins = (value: string, prefix: string) => {
    const least = place(prefix, 'text')
    return `${value} >= ${least} and ${value} < ${beyond(least)}`
  }
  /** Whether a stage tells `people p`; by an alias of which `more` is true. */
  const tells = ({ value, prefix, kind }: Stage, more = 'true') =>
    kind === undefined
      ? `coalesce(${begins(value, prefix)}, false)`
      : `exists (select from person_aliases a where a.project_id = $1 and a.person_id = p.id and a.kind = '${kind}'
           and ${begins(value, prefix)} and ${more})`

  const earlier = stages.slice(0, stage).map((of) => tells(of))
  let { value } = here
  let from = 'people p where p.project_id = $1'
  if (here.kind !== undefined) {
    value = 'here.alias'
    from = `person_aliases here join people p on p.project_id = $1 and p.id = here.person_id
      where here.project_id = $1 and here.kind = '${here.kind}'`
    // Of several aliases the first one tells.
    earlier.push(tells(here, 'a.alias < here.alias'))
  }
  const where = [`${value} is not null`, begins(value, here.prefix)]
  if (after)
    where.push(
      here.unique
        ? `${value} > ${place(after.key, 'text')}`
        : `(${value}, p.id) > (${place(after.key, 'text')}, ${place(after.id, 'bigint')})`,
    )
  const { rows } = await app.pool.query<Found>(
    `select p.id, ${value} as key, ${earlier.join(' or ') || 'false'} as earlier from ${from} and ${where.join(' and ')}
     order by ${here.unique ? value : `${value}, p.id`} limit ${place(most, 'integer')}`,
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
