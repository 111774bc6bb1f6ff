import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { integerShape, type Page, readCursor, writeCursor } from '../../platform/db/cursor.ts'
import { addressKey } from '../../platform/email-address.ts'
import { phonePrefix } from '../../platform/phone.ts'
import { addressKeySql } from './address-sql.ts'
import { loadFirstEntries, type PersonEntry } from './list.ts'

/** Where a search looks: a value of people, of their aliases or inside their names, and the beginning that it must have. */
interface Stage {
  /** SQL of the value: of `people p`, `person_aliases a` or `person_inner_names n`. An index has them in order. */
  value: string
  prefix: string
  /** Of aliases, or of what is inside names. */
  kind?: 'external' | 'anonymous' | 'inner_name'
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
 * People looked at by one request at most, each a row at a random place. Only those that an earlier stage told already are
 * looked at in vain, as when addresses serve as ids or begin with the name; a page may then be shorter than asked for, and
 * its cursor goes on.
 */
const mostLooked = 500

/** Greater than everything that begins with `prefix`, byte by byte. */
const beyond = (place: string) => `${place} || chr(1114111)`

/**
 * By id first, then by ids of merged people and of visitors that lead to them, by address, phone and name, and by what is
 * inside names, such as the surname; each in the order of its values. Nobody comes twice.
 */
export async function searchPeople(
  reading: Reading,
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
    const most = Math.min(Math.max(limit + 1 - found.length, looked), mostLooked - looked)
    const rows = await scan(reading, projectId, stages, position, most)
    looked += rows.length
    for (const { id, key, earlier } of rows)
      if (!earlier) found.push({ id, position: { stage, after: { key, id } } })
    position =
      rows.length < most ? { stage: stage + 1, after: undefined } : { stage, after: rows[rows.length - 1] }
  }
  const shown = found.slice(0, limit)
  const { items, through } = await loadFirstEntries(
    reading,
    projectId,
    shown.map(({ id }) => id),
  )
  const last = found.length > through ? shown[through - 1]!.position : position
  return {
    items,
    nextCursor: last.stage < stages.length ? writePosition(last) : null,
  }
}

export interface Matches {
  /** 10,000 at most. */
  count: number
  /** There are more. */
  more: boolean
}

const maxCounted = 10_000

/** How many people a search finds. Of each stage {@link maxCounted} values are read at most. */
export async function countFound(
  reading: Reading,
  { id: projectId, defaultCountry }: { id: number; defaultCountry: string | null },
  search: string,
): Promise<Matches> {
  const values: unknown[] = [projectId]
  const stages = stagesOf(search, defaultCountry).map(({ value, prefix, kind }) => {
    const least = `$${values.push(prefix)}::text`
    const range = `${value} >= ${least} and ${value} < ${beyond(least)}`
    const order = `order by ${value} limit ${maxCounted + 1}`
    return kind === undefined
      ? `(select p.id from people p where p.project_id = $1 and ${range} ${order})`
      : `(select person_id from ${tableOf(kind)} and ${range} ${order})`
  })
  const { rows } = await reading.pool.query<{ count: number }>(
    `select count(*) as count
     from (select distinct id from (${stages.join(' union all ')}) as found (id) limit ${maxCounted + 1}) as people`,
    values,
  )
  const { count } = rows[0]!
  return { count: Math.min(count, maxCounted), more: count > maxCounted }
}

function stagesOf(search: string, country: string | null): Stage[] {
  const folded = foldedName(search)
  return [
    { value: 'p.external_id', prefix: search, unique: true },
    { value: 'a.alias', prefix: search, kind: 'external', unique: true },
    { value: 'a.alias', prefix: search, kind: 'anonymous', unique: true },
    { value: addressKeySql('p'), prefix: addressKey(search) },
    ...phonePrefixes(search, country).map((prefix) => ({ value: 'p.phone collate "C"', prefix })),
    { value: 'person_name(p.properties) collate "C"', prefix: folded },
    { value: 'n.name', prefix: innerPrefix(folded), kind: 'inner_name' },
  ]
}

/** As function `person_name` has names: in lower case, whatever the locale of the database, with one kind of i. */
const foldedName = (name: string): string => name.replace(/[Iİı]/g, 'i').toLowerCase()

/** Of a kind: where its values are, as far as `$1` is its project. */
const tableOf = (kind: NonNullable<Stage['kind']>): string =>
  kind === 'inner_name'
    ? 'person_inner_names n where n.project_id = $1'
    : `person_aliases a where a.project_id = $1 and a.kind = '${kind}'`

/** As what is inside names is stored: function `inner_names`. */
const innerPrefix = (folded: string): string =>
  folded
    .replace(/[ ,.'’-]+/g, ' ')
    .trimStart()
    .slice(0, maxInnerNameLength)
const maxInnerNameLength = 40

/** As numbers are stored, and as written, because those that could not be read are stored so. */
function phonePrefixes(search: string, country: string | null): string[] {
  const normal = phonePrefix(search, country)
  if (normal === undefined) return []
  return normal === search ? [search] : [normal, search]
}

/** The next `most` of a stage in its order, those told earlier among them. */
async function scan(
  reading: Reading,
  projectId: number,
  stages: Stage[],
  { stage, after }: Position,
  most: number,
): Promise<Found[]> {
  const { value, prefix, kind, unique } = stages[stage]!
  const values: unknown[] = [projectId]
  const place = (content: unknown, type: string) => `$${values.push(content)}::${type}`
  const begins = (text: string, beginning: string) => {
    const least = place(beginning, 'text')
    return `${text} >= ${least} and ${text} < ${beyond(least)}`
  }
  const tells = (of: Stage) => `coalesce(${begins(of.value, of.prefix)}, false)`
  /**
   * Whether an alias of this kind that comes before `end` leads to `people p`. Compared as rows and in their order, which
   * is that of the index by person alone, and fenced by `offset 0`: otherwise PostgreSQL may read all the aliases that
   * begin so, of whomever, to answer for a page of fifty. The project is the row's: of `$1` that is newer than its
   * statistics the planner expects nothing, so that any index would do.
   */
  const leads = (of: Stage, end?: string) => {
    const least = place(of.prefix, 'text')
    return `exists (select from person_aliases a where a.project_id = p.project_id
      and (a.person_id, a.kind, a.alias) >= (p.id, '${of.kind}', ${least})
      and (a.person_id, a.kind, a.alias) < (p.id, '${of.kind}', ${end ?? beyond(least)})
      order by a.person_id, a.kind, a.alias offset 0)`
  }
  const hasWord = (beginning: string, end: string) => {
    const least = place(beginning, 'text')
    return `exists (select from inner_names(person_name(p.properties)) as word
      where word collate "C" >= ${least} and word collate "C" < ${end})`
  }
  const id = kind === 'inner_name' ? 'n.person_id' : 'p.id'
  const range = [begins(value, prefix)]
  if (after)
    range.push(
      unique
        ? `${value} > ${place(after.key, 'text')}`
        : `(${value}, ${id}) > (${place(after.key, 'text')}, ${place(after.id, 'bigint')})`,
    )
  const first = `${range.join(' and ')} order by ${unique ? value : `${value}, ${id}`} limit ${place(most, 'integer')}`

  const before = stages.slice(0, stage)
  // What the row itself says comes first: then most need no look at their aliases.
  const earlier = [
    ...before.filter((of) => of.kind === undefined).map(tells),
    ...before.filter((of) => of.kind !== undefined).map((of) => leads(of)),
    // Of several aliases, or words of a name, the first one tells.
    ...(kind === undefined
      ? []
      : [kind === 'inner_name' ? hasWord(prefix, 'here.key') : leads(stages[stage]!, 'here.key')]),
  ]
  const told = `${earlier.join(' or ') || 'false'} as earlier`
  const { rows } = await reading.pool.query<Found>(
    kind === undefined
      ? `select p.id, ${value} as key, ${told} from people p where p.project_id = $1 and ${first}`
      : // First the aliases or names, then each one's person: joined freely, everybody of the project may be read.
        `select here.id, here.key, ${told}
         from (select project_id, person_id as id, ${value} as key from ${tableOf(kind)} and ${first}) as here
         left join lateral (select * from people p where p.project_id = here.project_id and p.id = here.id limit 1) as p
           on true
         order by here.key, here.id`,
    values,
  )
  return rows
}

const writePosition = ({ stage, after }: Position): string =>
  writeCursor(String(stage), after?.key ?? '', String(after?.id ?? 0))

function readPosition(cursor: string, stages: Stage[]): Position {
  const [stage, key, id] = readCursor(
    cursor,
    { test: (text) => /^\d$/.test(text) && Number(text) < stages.length },
    /^[^\0]*$/,
    integerShape,
  )
  return { stage: Number(stage), after: id === '0' ? undefined : { key: key!, id: Number(id) } }
}
