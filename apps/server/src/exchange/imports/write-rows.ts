import { eventId as idOfEvent, type NewEvent, uuidOf } from '../../audience/events/store.ts'
import { foldName, type IngestItem } from '../../audience/items/item.ts'
import { ambiguous, type Holder, isByAddress } from '../../audience/people/addressed.ts'
import {
  type AcceptedItem,
  type Changed,
  changePeople,
  needsExclusive,
} from '../../audience/people/change.ts'
import { foreseeChanges } from '../../audience/people/foresee.ts'
import { NeedsExclusive, type PeopleSession } from '../../audience/people/session.ts'
import type { ChangedPerson } from '../../audience/people/store.ts'
import type { WritingItem } from '../../audience/people/writes.ts'
import { Counts as HourlyCounts, recordNotes } from '../../ingest/process-counters.ts'
import { storeEvents } from '../../ingest/process-events.ts'
import { addressKey } from '../../platform/email-address.ts'
import { type Changes, noteChanges, saveChanges } from './changes.ts'
import { type Found, findRows } from './found.ts'
import { itemsOf } from './items.ts'
import type { ImportKind } from './kinds.ts'
import type { Options } from './options.ts'
import type { Refusal } from './rejects.ts'
import type { Row } from './row.ts'
import { addMembers } from './segment-members.ts'
import { suppressAddresses } from './suppress.ts'
import type { Draft } from './targets.ts'

/** What an import does with its rows. */
export interface Purpose {
  importId: number
  kind: ImportKind
  options: Options
  /** When it began, epoch ms: the time of all its writes. */
  at: number
}

export interface ReadyRow {
  row: Row
  draft: Draft
  /** What it does to the person whom it names. */
  items: IngestItem[]
}

/** Made while the rows before are stored: of a row that names its person by an id it is all there is to know. */
export const readyRow = (purpose: Purpose, row: Row, draft: Draft): ReadyRow => ({
  row,
  draft,
  items: itemsOf(purpose.kind, draft, draft.person, purpose, purpose.options),
})

/** What came of rows. The first three add up with the refusals to all of them. */
export interface Written {
  created: number
  updated: number
  unchanged: number
  /** People who opted out of what a row says they want. */
  optedOut: number
  refusals: { row: Row; refusal: Refusal }[]
}

type RowOutcome = 'created' | 'updated' | 'unchanged' | Refusal

/** Sorts every import's works behind all jobs of its millisecond. */
const jobId = '~'

/** Writes rows, in a handful of statements however many there are. */
export async function writeRows(
  session: PeopleSession,
  purpose: Purpose,
  rows: ReadyRow[],
): Promise<Written> {
  const found = await findPeople(session, purpose, rows)
  const outcomes = decideEarly(purpose, rows, found)
  const works: (AcceptedItem & { row: number })[] = []
  const merges: AcceptedItem[] = []
  for (const [index, { items }] of rows.entries()) {
    if (outcomes[index] !== undefined) continue
    for (const item of items)
      if (needsExclusive(item)) merges.push({ jobId, item })
      else works.push({ jobId, item, row: index })
  }
  const changes: Changes = noteChanges()
  if (merges.length > 0 && !session.exclusive) throw new NeedsExclusive()
  const changed = await changePeople(session, works)
  changes.addPeople(changed.people)
  changes.optedOut = [...changed.optedOut.keys()]
  noteOutcomes(outcomes, works, changed)
  await recordNotes(
    session.app,
    session,
    [...changed.notes].map(([index, reason]) => ({ work: works[index]!, reason })),
  )
  if (purpose.kind === 'events')
    await writeEvents(session, purpose, { rows, works, changed, outcomes, changes })
  if (purpose.kind === 'suppressions') await writeSuppressions(session, { rows, outcomes, changes })
  await writeMembers(session, purpose, { found, works, changed, outcomes, changes })
  // Once everybody is there who is merged into.
  if (merges.length > 0) await changePeople(session, merges)
  await saveChanges(session, purpose.importId, changes)
  return summary(rows, outcomes, changed.people.filter(({ metOptOut }) => metOptOut).length)
}

/** What the same rows would come to; nobody is written. */
export async function tryRows(session: PeopleSession, purpose: Purpose, rows: ReadyRow[]): Promise<Written> {
  const found = await findPeople(session, purpose, rows, { lookUp: true })
  const early = decideEarly(purpose, rows, found)
  const { changing, optedOut } = await foreseeRows(session, purpose, rows, found, early)
  const created = new Set<string>()
  const outcomes = early.map((outcome, index): RowOutcome => {
    if (outcome !== undefined) return outcome
    if (found[index]!.holders.length > 1 && !meansSeveral(purpose.kind))
      return refuseSeveral(rows[index]!.draft, found[index]!.holders)
    if (purpose.kind === 'events') return 'created'
    const { key } = found[index]!
    if (found[index]!.ids.length > 0) return changing.has(index) ? 'updated' : 'unchanged'
    if (created.has(key)) return 'updated'
    created.add(key)
    return 'created'
  })
  return summary(rows, outcomes, optedOut)
}

/** Rows after which people who are there would be other than they are. */
async function foreseeRows(
  session: PeopleSession,
  purpose: Purpose,
  rows: ReadyRow[],
  found: Found[],
  early: (RowOutcome | undefined)[],
): Promise<{ changing: Set<number>; optedOut: number }> {
  // A member is told by the segment, an event by itself.
  if (purpose.kind === 'segment' || purpose.kind === 'events')
    return { changing: new Set(rows.keys()), optedOut: 0 }
  const writes: { person: number | string; item: WritingItem; row: number }[] = []
  const merging = new Set<number>()
  for (const [row, { ids, key }] of found.entries()) {
    if (early[row] !== undefined) continue
    // Of who is not there it only matters whether somebody opted out by their address.
    for (const person of ids.length > 0 ? ids : [key])
      for (const item of rows[row]!.items)
        if (needsExclusive(item)) merging.add(row)
        else if (person !== key || item.keepsOptOuts !== undefined)
          writes.push({ person, item: item as WritingItem, row })
  }
  const { changes, metOptOuts } = await foreseeChanges(session, writes)
  const changing = writes.filter((_, index) => changes[index]).map(({ row }) => row)
  return { changing: new Set([...merging, ...changing]), optedOut: metOptOuts }
}

function findPeople(
  session: PeopleSession,
  { kind, options }: Purpose,
  rows: ReadyRow[],
  { lookUp = false } = {},
) {
  const must = kind === 'segment' || kind === 'suppressions' || options.updateOnly || options.createOnly
  return findRows(
    session,
    rows.map(({ draft }) => draft),
    { lookUp: lookUp || must === true },
  )
}

/** Decides rows that may not create, or not change, somebody. */
function decideEarly(purpose: Purpose, rows: ReadyRow[], found: Found[]): (RowOutcome | undefined)[] {
  const begun = new Set<string>()
  return rows.map(({ draft }, index) => {
    const outcome = decideAlone(purpose, draft, found[index]!)
    if (outcome !== undefined || !purpose.options.createOnly) return outcome
    // Whom a row before this one creates is there.
    const { key } = found[index]!
    if (begun.has(key)) return 'unchanged'
    begun.add(key)
    return undefined
  })
}

function decideAlone(
  { kind, options }: Purpose,
  draft: Draft,
  { ids, holders }: Found,
): RowOutcome | undefined {
  const isKnown = ids.length > 0
  if (options.createOnly && isKnown) return 'unchanged'
  if (kind === 'segment' && holders.length > 1) return refuseSeveral(draft, holders)
  if (isKnown) return undefined
  if (kind === 'suppressions') return draft.email ? 'created' : nobody
  return kind === 'segment' || options.updateOnly ? nobody : undefined
}

/** A row that has nothing but an address means everybody who holds it, or of several the one who was changed last. */
const meansSeveral = (kind: ImportKind) =>
  kind === 'unsubscribes' || kind === 'suppressions' || kind === 'events'

const refuseSeveral = (draft: Draft, holders: Holder[]): Refusal => ({
  column: null,
  reason: ambiguous(draft.person.email!, holders),
})

const nobody: Refusal = { column: null, reason: 'is about nobody who is in the project' }

/** Whom else an opt-out of an address meant. */
const othersOf = ({ kind, person }: IngestItem, { optedOut }: Changed): number[] =>
  isByAddress(person) || (person.email && (kind === 'subscription' || kind === 'suppression'))
    ? (optedOut.get(addressKey(person.email!)) ?? [])
    : []

function noteOutcomes(
  outcomes: (RowOutcome | undefined)[],
  works: { row: number; item: IngestItem }[],
  changed: Changed,
): void {
  const people = new Map<number, ChangedPerson>()
  for (const person of changed.people) {
    const { id } = person.draft
    const earlier = people.get(id!)
    // Of those who are there twice, what made or changed them.
    if (id !== undefined && (!earlier || (earlier.before !== undefined && earlier.changes.length === 0)))
      people.set(id, person)
  }
  const counted = new Map<ChangedPerson, string>()
  for (const [index, { row, item }] of works.entries()) {
    const refusal = changed.refusals.get(index)
    if (refusal !== undefined) outcomes[row] = { column: null, reason: refusal }
    else if (changed.erased.has(index))
      outcomes[row] = { column: null, reason: 'is about a person who was erased meanwhile' }
    if (typeof outcomes[row] === 'object') continue
    const person = people.get(changed.personIds[index]!)
    if (!person) outcomes[row] ??= 'unchanged'
    else if (person.before === undefined && !counted.has(person)) outcomes[row] = 'created'
    // Another row about who was made just now says the same, or adds to it.
    else if (person.before === undefined && outcomes[row] !== 'created')
      outcomes[row] = counted.get(person) === factsOf(item) ? 'unchanged' : 'updated'
    // A write that says what is there already only makes it younger.
    else if (outcomes[row] !== 'created')
      outcomes[row] = person.changes.length > 0 ? 'updated' : (outcomes[row] ?? 'unchanged')
    if (person) counted.set(person, factsOf(item))
    if (
      outcomes[row] === 'unchanged' &&
      othersOf(works[index]!.item, changed).some((id) => (people.get(id)?.changes.length ?? 0) > 0)
    )
      outcomes[row] = 'updated'
  }
}

const factsOf = ({ at: _at, acceptedAt: _acceptedAt, ...facts }: IngestItem) => JSON.stringify(facts)

interface WriteContext {
  works: (AcceptedItem & { row: number })[]
  changed: Changed
  outcomes: (RowOutcome | undefined)[]
  changes: Changes
}

/** Counted are the events: stored now, or there already. */
async function writeEvents(
  session: PeopleSession,
  { importId, options, at }: Purpose,
  { rows, works, changed, outcomes, changes }: WriteContext & { rows: ReadyRow[] },
): Promise<void> {
  const { projectId } = session
  const events: NewEvent[] = []
  const rowOf = new Map<string, number>()
  const receivedAt = new Date(at)
  for (const [index, { item, row }] of works.entries()) {
    const personId = changed.personIds[index]
    if (item.kind !== 'event' || personId === undefined || typeof outcomes[row] === 'object') continue
    const { eventId } = rows[row]!.draft
    const id =
      eventId === undefined
        ? idOfEvent(projectId, `import ${importId} ${rows[row]!.row.end}`)
        : uuidOf(`imported event\0${projectId}\0${eventId}`)
    outcomes[row] = 'unchanged'
    rowOf.set(id, row)
    events.push(newEvent(item, { id, personId, receivedAt }))
  }
  const counts = new HourlyCounts()
  const stored = await storeEvents(session, events, counts, { trigger: options.trigger === true })
  for (const { id } of stored) outcomes[rowOf.get(id)!] = 'created'
  changes.addEvents(stored)
  await counts.save(session)
}

const newEvent = (
  item: IngestItem & { kind: 'event' },
  of: { id: string; personId: number; receivedAt: Date },
): NewEvent => ({
  ...of,
  name: item.name,
  foldedName: foldName(item.name),
  properties: item.properties,
  source: item.source,
  occurredAt: new Date(item.at),
})

/** An address is suppressed also when nobody has it yet. */
async function writeSuppressions(
  session: PeopleSession,
  { rows, outcomes, changes }: Pick<WriteContext, 'outcomes' | 'changes'> & { rows: ReadyRow[] },
): Promise<void> {
  const rowOf = new Map<string, number>()
  for (const [index, { draft }] of rows.entries())
    if (draft.email && typeof outcomes[index] !== 'object' && !rowOf.has(addressKey(draft.email)))
      rowOf.set(addressKey(draft.email), index)
  const added = await suppressAddresses(session, [...rowOf.keys()])
  changes.addAddresses(added)
  const isNew = new Set([...added].map((address) => rowOf.get(address)!))
  for (const [index, outcome] of outcomes.entries())
    if (outcome === 'created' && !isNew.has(index)) outcomes[index] = 'unchanged'
}

async function writeMembers(
  session: PeopleSession,
  { kind, options }: Purpose,
  { found, works, changed, outcomes, changes }: WriteContext & { found: Found[] },
): Promise<void> {
  if (options.segment === undefined) return
  const people = new Map<number, number>()
  if (kind === 'segment') {
    for (const [index, { ids }] of found.entries())
      if (typeof outcomes[index] !== 'object') for (const id of ids) people.set(id, people.get(id) ?? index)
  } else
    for (const [index, { row }] of works.entries())
      if (changed.personIds[index] !== undefined && typeof outcomes[row] !== 'object')
        people.set(changed.personIds[index], row)
  const added = await addMembers(session, options.segment, [...people.keys()])
  changes.addMembers(options.segment, added)
  if (kind !== 'segment') return
  for (const [index, outcome] of outcomes.entries()) outcomes[index] = outcome ?? 'unchanged'
  for (const id of added) outcomes[people.get(id)!] = 'updated'
}

function summary(rows: ReadyRow[], outcomes: (RowOutcome | undefined)[], optedOut: number): Written {
  const written: Written = { created: 0, updated: 0, unchanged: 0, optedOut, refusals: [] }
  for (const [index, outcome = 'unchanged'] of outcomes.entries()) {
    if (typeof outcome === 'object') written.refusals.push({ row: rows[index]!.row, refusal: outcome })
    else written[outcome]++
  }
  return written
}
