import { setImmediate as turn } from 'node:timers/promises'
import type { Change } from './changes.ts'
import type { Draft } from './drafts.ts'
import type { PersonRow, PersonState } from './person.ts'
import { NeedsExclusive, type PeopleSession } from './session.ts'

/** Rows travel as one JSON text: quicker to make and to read than arrays of escaped JSON texts. */

export interface ChangedPerson {
  draft: Draft
  /** Undefined for a new person. */
  before: PersonState | undefined
  after: PersonState
  changes: Change[]
  /** Whether the row must be written, if only for a time. */
  written: boolean
  /** Epoch ms of the latest write. */
  at: number
  /** Epoch ms; for a new person. */
  createdAt: number
}

const stateColumns = `external_id text, email text, phone text, timezone text, language text, properties jsonb,
  written jsonb, tags text[], channels jsonb, topics jsonb, subscribed boolean, suppressed boolean`

/** Reads people for a change. The order keeps two sessions that change the same people from waiting for each other. */
export async function lockPeople(
  { client, projectId }: PeopleSession,
  ids: number[],
): Promise<Map<number, PersonRow>> {
  if (ids.length === 0) return new Map()
  const { rows } = await client.query<PersonRow>({
    name: 'people_lock',
    text: `select p.* from unnest($2::bigint[]) as r (id) cross join lateral (
             select id, external_id, anonymous_id, email, phone, timezone, language, properties, written, tags,
               channels, topics, subscribed, suppressed, created_at, updated_at
             from people where project_id = $1 and id = r.id for no key update) as p`,
    values: [projectId, [...ids].sort((a, b) => a - b)],
  })
  return new Map(rows.map((row) => [row.id, row]))
}

/** New people of one statement: while PostgreSQL stores these, the next are made ready. */
const peoplePerInsert = 250

/**
 * Stores new people and gives each draft its id.
 *
 * @param make the person of a draft; called for a few at a time, while PostgreSQL stores those before
 * @throws {@link NeedsExclusive} when another session was quicker to create one of them
 */
export async function insertPeople(
  session: PeopleSession,
  drafts: Draft[],
  make: (draft: Draft) => ChangedPerson,
): Promise<ChangedPerson[]> {
  // In one order over all statements, as `order by` does it within one.
  const ordered = drafts.length > peoplePerInsert ? [...drafts].sort(byExternalId) : drafts
  const people: ChangedPerson[] = []
  let storing: Promise<void> | undefined
  for (let from = 0; from < ordered.length; from += peoplePerInsert) {
    const some = ordered.slice(from, from + peoplePerInsert).map(make)
    const values = valuesOf(some)
    await storing
    storing = insertSome(session, some, values)
    // Awaited only when the next are ready.
    storing.catch(() => {})
    people.push(...some)
    // The socket takes a part of the text at once, and the rest when this thread lets it: PostgreSQL begins then.
    for (let turns = 0; turns < 4; turns++) await turn()
  }
  await storing
  return people
}

const byExternalId = (a: Draft, b: Draft): number => ((a.externalId ?? '') < (b.externalId ?? '') ? -1 : 1)

function valuesOf(people: ChangedPerson[]): { rows: string; times: string[] } {
  const times = sharedTimes(people)
  // What is absent or as usual is not sent.
  const rows = people.map(({ draft, after, createdAt }, index) => ({
    external_id: after.external_id ?? undefined,
    email: after.email ?? undefined,
    phone: after.phone ?? undefined,
    timezone: after.timezone ?? undefined,
    language: after.language ?? undefined,
    properties: after.properties,
    written: times ? undefined : after.written,
    times: times?.places[index],
    tags: after.tags.length > 0 ? after.tags : undefined,
    channels: after.channels.length > 0 ? after.channels : undefined,
    topics: Object.keys(after.topics).length > 0 ? after.topics : undefined,
    subscribed: after.subscribed ? undefined : false,
    suppressed: after.suppressed || undefined,
    anonymous_id: firstOf(draft.newAnonymous) ?? undefined,
    created: createdAt,
  }))
  return { rows: JSON.stringify(rows), times: times?.texts ?? [] }
}

async function insertSome(
  session: PeopleSession,
  people: ChangedPerson[],
  { rows, times }: { rows: string; times: string[] },
): Promise<void> {
  const storing = session.client.query<{
    id: number
    external_id: string | null
    anonymous_id: string | null
  }>({
    name: 'people_insert',
    text: `insert into people (project_id, external_id, anonymous_id, email, phone, timezone, language, properties,
             written, tags, channels, topics, subscribed, suppressed, created_at, updated_at)
           select $1, external_id, anonymous_id, email, phone, timezone, language, properties,
             coalesce(written, ($4::jsonb[])[times]), coalesce(tags, '{}'), coalesce(channels, '[]'), coalesce(topics, '{}'),
             coalesce(subscribed, true), coalesce(suppressed, false), to_timestamp(created / 1000), $3
           from json_to_recordset($2) as r (${stateColumns}, times integer, anonymous_id text, created float8)
           order by external_id collate "C"
           on conflict (project_id, external_id) where external_id is not null do nothing
           returning id, external_id, anonymous_id`,
    values: [session.projectId, rows, session.now, times],
  })
  session.whileStoring?.()
  const { rows: inserted } = await storing
  if (inserted.length < people.length) throw new NeedsExclusive()
  const known = new Map(inserted.map((row) => [row.external_id, row.id]))
  const visitors = new Map(
    inserted.filter((row) => row.external_id === null).map((row) => [row.anonymous_id, row.id]),
  )
  for (const { draft } of people) {
    draft.id =
      draft.externalId === null ? visitors.get(firstOf(draft.newAnonymous)) : known.get(draft.externalId)
    session.changed.add(draft.id!)
  }
}

/**
 * Times of writes by their place, counted from 1, in a list of the few that there are; undefined where nearly everybody has
 * times of their own. The people of an import share them: sent once, they save a quarter of PostgreSQL's time.
 */
function sharedTimes(people: ChangedPerson[]): { texts: string[]; places: number[] } | undefined {
  const most = people.length >> 3
  const known = new Map<string, number>()
  const places: number[] = []
  let last: Record<string, number> | undefined
  for (const { after } of people) {
    // Neighbours mostly share them.
    if (last === undefined || !sameInOrder(last, after.written)) {
      last = after.written
      const text = JSON.stringify(last)
      if (!known.has(text)) {
        if (known.size >= most) return undefined
        known.set(text, known.size + 1)
      }
      places.push(known.get(text)!)
    } else places.push(places.at(-1)!)
  }
  return { texts: [...known.keys()], places }
}

function sameInOrder(a: Record<string, number>, b: Record<string, number>): boolean {
  const names = Object.keys(a)
  const others = Object.keys(b)
  return (
    names.length === others.length &&
    names.every((name, index) => name === others[index] && a[name] === b[name])
  )
}

const firstOf = (ids: Set<string>): string | null => ids.values().next().value ?? null

export async function updatePeople(
  session: PeopleSession,
  people: { id: number; after: PersonState; changes: Change[] }[],
): Promise<void> {
  if (people.length === 0) return
  for (const { id, changes } of people) if (changes.length > 0) session.changed.add(id)
  const rows = people.map(({ id, after, changes }) => ({
    ...after,
    id,
    // A write that changed nothing but its time does not bring the person to the top of the list.
    updated_at: changes.length > 0 ? session.now : null,
  }))
  const storing = session.client.query({
    name: 'people_update',
    // Everybody exists: an upsert finds each by the primary key, where an update might be planned as a join.
    text: `insert into people as p (project_id, id, external_id, email, phone, timezone, language, properties, written,
             tags, channels, topics, subscribed, suppressed, updated_at)
           overriding system value
           select $1, id, external_id, email, phone, timezone, language, properties, written,
             tags, channels, topics, subscribed, suppressed, coalesce(updated_at, '-infinity')
           from json_to_recordset($2) as r (id bigint, ${stateColumns}, updated_at timestamptz)
           on conflict (project_id, id) do update
             set external_id = excluded.external_id, email = excluded.email, phone = excluded.phone,
               timezone = excluded.timezone, language = excluded.language, properties = excluded.properties,
               written = excluded.written, tags = excluded.tags, channels = excluded.channels,
               topics = excluded.topics, subscribed = excluded.subscribed, suppressed = excluded.suppressed,
               updated_at = greatest(p.updated_at, excluded.updated_at)`,
    values: [session.projectId, JSON.stringify(rows)],
  })
  session.whileStoring?.()
  await storing
}

/** Links anonymous ids to people. Throws {@link NeedsExclusive} when another session was quicker with one of them. */
export async function addAliases(
  session: PeopleSession,
  aliases: { alias: string; personId: number }[],
): Promise<void> {
  if (aliases.length === 0) return
  const { rowCount } = await session.client.query({
    name: 'people_aliases_insert',
    text: `insert into person_aliases (project_id, kind, alias, person_id, created_at)
           select $1, 'anonymous', alias, person_id, $4
           from unnest($2::text[], $3::bigint[]) as a (alias, person_id) order by alias collate "C"
           on conflict do nothing`,
    values: [
      session.projectId,
      aliases.map(({ alias }) => alias),
      aliases.map(({ personId }) => personId),
      session.now,
    ],
  })
  if ((rowCount ?? 0) < aliases.length) throw new NeedsExclusive()
}

/** Every address of a suppressed person is suppressed, also one they get later. */
export async function syncSuppressions(
  session: PeopleSession,
  people: { before: PersonState | undefined; after: PersonState; changes: Change[] }[],
): Promise<void> {
  const addresses = new Set<string>()
  const lifted = new Set<string>()
  for (const { before, after, changes } of people) {
    if (changes.length === 0 && before !== undefined) continue
    if (after.suppressed) {
      if (after.email) addresses.add(after.email.toLowerCase())
    } else if (before?.suppressed) {
      for (const email of [before.email, after.email]) if (email) lifted.add(email.toLowerCase())
    }
  }
  if (addresses.size > 0)
    await session.client.query(
      `insert into suppressions (project_id, address, reason, created_at)
       select $1, address, 'api', $3 from unnest($2::text[]) as a (address) order by address
       on conflict do nothing`,
      [session.projectId, [...addresses], session.now],
    )
  // Bounces and complaints are not ours to lift.
  if (lifted.size > 0)
    await session.client.query(
      `delete from suppressions where project_id = $1 and address = any($2::text[]) and reason in ('api', 'import')`,
      [session.projectId, [...lifted]],
    )
}
