import { setImmediate as turn } from 'node:timers/promises'
import type { Json } from '@fairway/queue'
import { numberArray, textArray } from '../../platform/db/array.ts'
import { addressKey, foldedAddress } from '../../platform/email-address.ts'
import { addressKeySql } from './address-sql.ts'
import type { Change } from './changes.ts'
import type { Draft } from './drafts.ts'
import type { PersonRow, PersonState } from './person.ts'
import { NeedsExclusive, type PeopleSession } from './session.ts'

export interface ChangedPerson {
  draft: Draft
  /** Undefined for a new person. */
  before: PersonState | undefined
  after: PersonState
  changes: Change[]
  /** Whether the row must be written, if only for a time. */
  written: boolean
  /** Whether an import says yes where they said no. */
  metOptOut?: boolean
  /** Epoch ms of the latest write. */
  at: number
  /** Epoch ms; for a new person. */
  createdAt: number
}

/** Of rows that travel as one JSON text: quicker to make and to read than arrays of escaped JSON texts. */
const stateColumns = `external_id text, provisional boolean, email text, folded_email text, phone text, timezone text, language text, properties jsonb,
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
             select id, external_id, provisional, anonymous_id, email, phone, timezone, language, properties, written, tags,
               channels, topics, subscribed, suppressed, created_at, updated_at
             from people where project_id = $1 and id = r.id for no key update) as p`,
    values: [projectId, numberArray([...ids].sort((a, b) => a - b))],
  })
  return new Map(rows.map((row) => [row.id, row]))
}

/**
 * New people of one statement: while PostgreSQL stores these, the next are made ready. It takes three times as long, so that
 * the first are few, and it begins soon.
 */
const peopleOf = (statement: number) => Math.min(250, 50 * 3 ** statement)

/**
 * Stores new people and gives each draft its id. Where another session was quicker to create one of them, the unique index
 * of ids refuses, and the session is run again alone. `on conflict do nothing` would tell the same, and takes a seventh of
 * PostgreSQL's time.
 *
 * @param make the person of a draft; called for a few at a time, while PostgreSQL stores those before
 */
export async function insertPeople(
  session: PeopleSession,
  drafts: Draft[],
  make: (draft: Draft) => ChangedPerson,
): Promise<ChangedPerson[]> {
  // In one order over all sessions: two that create the same people don't wait for each other in a circle.
  const ordered = [...drafts].sort(byExternalId)
  const people: ChangedPerson[] = []
  const storing: Promise<void>[] = []
  while (people.length < ordered.length) {
    const some = ordered.slice(people.length, people.length + peopleOf(storing.length)).map(make)
    people.push(...some)
    const stored = insertSome(session, some)
    // Thrown below; one that fails while others are made ready must not end the process.
    stored.catch(() => {})
    storing.push(stored)
    // The socket takes a part of a long text at once, and the rest when this thread lets it.
    await turn()
  }
  session.whileStoring?.()
  for (const stored of await Promise.allSettled(storing))
    if (stored.status === 'rejected') throw stored.reason
  return people
}

function byExternalId({ externalId: a }: Draft, { externalId: b }: Draft): number {
  if (a === b) return 0
  return (a ?? '') < (b ?? '') ? -1 : 1
}

/** What few people have, as one document; undefined for the others. */
function unusualOf({ after }: ChangedPerson): string | undefined {
  const { provisional, tags, channels, topics, subscribed, suppressed, timezone, language } = after
  const unusual: Record<string, Json> = {}
  if (tags.length > 0) unusual.tags = tags
  if (channels.length > 0) unusual.channels = channels as unknown as Json
  if (Object.keys(topics).length > 0) unusual.topics = topics
  if (provisional) unusual.provisional = true
  if (!subscribed) unusual.subscribed = false
  if (suppressed) unusual.suppressed = true
  if (timezone !== null) unusual.timezone = timezone
  if (language !== null) unusual.language = language
  return Object.keys(unusual).length > 0 ? JSON.stringify(unusual) : undefined
}

/** JSON texts hold no line breaks of their own: joined by them, they need no escaping as in an array. */
const lines = (texts: (string | undefined)[]): string | null =>
  texts.some((text) => text !== undefined) ? texts.map((text) => text ?? '').join('\n') : null

/** A column that nobody has is not sent. */
const column = (values: (string | null)[]): string | null =>
  values.some((value) => value !== null) ? textArray(values) : null

/**
 * A list a column: PostgreSQL takes 11 µs to take a person of 15 columns out of a JSON text, a third of what it takes to store
 * them.
 */
function valuesOf(people: ChangedPerson[]): unknown[] {
  const times = sharedTimes(people)
  return [
    textArray(people.map(({ after }) => after.external_id)),
    column(people.map(({ draft }) => firstOf(draft.newAnonymous))),
    column(people.map(({ after }) => after.email)),
    column(people.map(({ after }) => after.email && foldedAddress(after.email))),
    column(people.map(({ after }) => after.phone)),
    lines(people.map(({ after }) => JSON.stringify(after.properties))),
    times ? null : lines(people.map(({ after }) => JSON.stringify(after.written))),
    times ? numberArray(times.places) : null,
    lines(people.map(unusualOf)),
    numberArray(people.map(({ createdAt }) => createdAt)),
    times?.texts ?? [],
  ]
}

async function insertSome(session: PeopleSession, people: ChangedPerson[]): Promise<void> {
  const { rows: inserted } = await session.client.query<{
    id: number
    external_id: string | null
    anonymous_id: string | null
  }>({
    name: 'people_insert',
    text: `insert into people (project_id, external_id, anonymous_id, email, folded_email, phone, timezone, language, properties,
             written, tags, channels, topics, provisional, subscribed, suppressed, created_at, updated_at)
           select $1, external_id, anonymous_id, email, folded_email, phone, u.unusual ->> 'timezone', u.unusual ->> 'language',
             properties::jsonb, coalesce(nullif(written, '')::jsonb, ($13::jsonb[])[times]),
             case when u.unusual ? 'tags' then array(select jsonb_array_elements_text(u.unusual -> 'tags')) else '{}' end,
             coalesce(u.unusual -> 'channels', '[]'), coalesce(u.unusual -> 'topics', '{}'),
             coalesce((u.unusual -> 'provisional')::boolean, false), coalesce((u.unusual -> 'subscribed')::boolean, true), coalesce((u.unusual -> 'suppressed')::boolean, false),
             to_timestamp(created / 1000), $2
           from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], string_to_array($8, e'\n'),
               string_to_array($9, e'\n'), $10::integer[], string_to_array($11, e'\n'), $12::float8[])
             as r (external_id, anonymous_id, email, folded_email, phone, properties, written, times, unusual_text, created),
             lateral (select nullif(unusual_text, '')::jsonb as unusual) as u
           returning id, external_id, anonymous_id`,
    values: [session.projectId, session.now, ...valuesOf(people)],
  })
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
  let names: string[] = []
  for (const { after } of people) {
    // Neighbours mostly share them.
    if (last === undefined || !sameInOrder(last, names, after.written)) {
      last = after.written
      names = Object.keys(last)
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

/** `names` are those of `a`, in their order. */
function sameInOrder(a: Record<string, number>, names: string[], b: Record<string, number>): boolean {
  let place = 0
  for (const name in b) if (names[place++] !== name || a[name] !== b[name]) return false
  return place === names.length
}

const firstOf = (ids: Set<string> | undefined): string | null => ids?.values().next().value ?? null

export async function updatePeople(
  session: PeopleSession,
  people: { id: number; after: PersonState; changes: Change[] }[],
): Promise<void> {
  if (people.length === 0) return
  for (const { id, changes } of people) if (changes.length > 0) session.changed.add(id)
  const rows = people.map(({ id, after, changes }) => ({
    ...after,
    id,
    folded_email: after.email && foldedAddress(after.email),
    // A write that changed nothing but its time does not bring the person to the top of the list.
    updated_at: changes.length > 0 ? session.now : null,
  }))
  const storing = session.client.query({
    name: 'people_update',
    // Everybody exists: an upsert finds each by the primary key, where an update might be planned as a join.
    text: `insert into people as p (project_id, id, external_id, provisional, email, folded_email, phone, timezone, language, properties, written,
             tags, channels, topics, subscribed, suppressed, updated_at)
           overriding system value
           select $1, id, external_id, provisional, email, folded_email, phone, timezone, language, properties, written,
             tags, channels, topics, subscribed, suppressed, coalesce(updated_at, '-infinity')
           from json_to_recordset($2) as r (id bigint, ${stateColumns}, updated_at timestamptz)
           on conflict (project_id, id) do update
             set external_id = excluded.external_id, provisional = excluded.provisional, email = excluded.email, folded_email = excluded.folded_email, phone = excluded.phone,
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
      textArray(aliases.map(({ alias }) => alias)),
      numberArray(aliases.map(({ personId }) => personId)),
      session.now,
    ],
  })
  if ((rowCount ?? 0) < aliases.length) throw new NeedsExclusive()
}

/**
 * Every address of a suppressed person is suppressed, also one they get later; of one who no longer is, those they have now.
 *
 * @param asked addresses that an item asks to lift, whoever was suppressed
 */
export async function syncSuppressions(
  session: PeopleSession,
  people: { before: PersonState | undefined; after: PersonState; changes: Change[] }[],
  asked: Iterable<string> = [],
): Promise<void> {
  const addresses = new Set<string>()
  const lifted = new Set(asked)
  for (const { before, after, changes } of people) {
    if (changes.length === 0 && before !== undefined) continue
    if (after.suppressed) {
      if (after.email) addresses.add(addressKey(after.email))
    } else if (before?.suppressed) {
      for (const email of [before.email, after.email]) if (email) lifted.add(addressKey(email))
    }
  }
  if (addresses.size > 0)
    await session.client.query(
      `insert into suppressions (project_id, address, reason, created_at, added_by)
       select $1, address, 'api', $3, $4 from unnest($2::text[]) as a (address) order by address
       on conflict do nothing`,
      [session.projectId, [...addresses], session.now, session.by ?? null],
    )
  // Bounces and complaints are not ours to lift.
  await liftSuppressions(session, [...lifted], ['api', 'import'])
}

/** Lifts what was suppressed for these reasons, unless somebody who holds the address is suppressed. */
export async function liftSuppressions(
  { client, projectId }: PeopleSession,
  addresses: string[],
  reasons: ('api' | 'import')[],
): Promise<void> {
  if (addresses.length === 0) return
  await client.query(
    // Without `offset 0`, PostgreSQL might go through everybody.
    `delete from suppressions s where project_id = $1 and address = any($2::text[]) and reason = any($3::text[])
       and not exists (
         select from people p where p.project_id = $1 and ${addressKeySql('p')} = s.address and p.suppressed offset 0)`,
    [projectId, addresses, reasons],
  )
}
