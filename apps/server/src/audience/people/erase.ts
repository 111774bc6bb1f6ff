import { domainToUnicode } from 'node:url'
import { addressKey } from '../../platform/email-address.ts'
import type { DeleteItem } from '../items/item.ts'
import { changesBetween } from './changes.ts'
import {
  type AddressConsents,
  forgetConsents,
  loadAddressFacts,
  saveConsents,
  takeOptOuts,
} from './consents.ts'
import { eraseDeadLetters } from './erase-dead-letters.ts'
import { eraseImportRows } from './erase-imports.ts'
import { eraseHistory, eraseMessages, eraseRejects } from './erase-records.ts'
import { type Erasure, isLater, markErased, nodesOf } from './erasure-marks.ts'
import { count, type Subject } from './erasure-subject.ts'
import { identityOf, type Matches, resolve } from './identity.ts'
import { dropMemberships } from './memberships.ts'
import { optOutHolders } from './opt-outs.ts'
import { type PersonRow, readRegisters, writeState } from './person.ts'
import { addToReceipts, writeReceipts } from './receipts.ts'
import { isOfIdentity, isOptOut, type Registers, write } from './registers.ts'
import type { PeopleSession } from './session.ts'
import { lockPeople, syncSuppressions, updatePeople } from './store.ts'

/** An item that asks for it, or what is known of one that did. */
export interface Erasing {
  item: Pick<DeleteItem, 'person' | 'acceptedAt'> & {
    source?: string
    requestedBy?: string
  }
  jobId: string
}

/**
 * Erases people: what was written, happened and was sent up to the erasure, and every id but its hash. A person who has
 * something from after the erasure, which comes from items that overtook it, keeps that. Each person leaves a receipt that
 * tells what was removed, unless nobody asked for it now. Needs an exclusive session.
 */
export async function eraseItems(session: PeopleSession, items: Erasing[]): Promise<void> {
  const matches = await resolve(
    session.client,
    session.projectId,
    items.map(({ item }) => identityOf(item.person)),
  )
  const subjects = subjectsOf(items, matches)
  const stored = new Map(
    subjects.flatMap((subject) =>
      subject.personId === undefined ? [] : [[subject.personId, subject] as const],
    ),
  )
  const people = await lockPeople(session, [...stored.keys()])
  await addIds(session, stored, [...people.values()])

  await markErased(session, marksOf(subjects))
  await eraseHistory(session, stored)
  await eraseRejects(session, subjects)
  const { gone, optOuts } = await erasePeople(session, people, stored)
  await forgetConsents(
    session,
    subjects.flatMap(({ names, erasure }) => [...names].map((address) => ({ address, until: erasure.at }))),
  )
  await optOutOthers(session, optOuts, items[0]!.item)
  const messages = await eraseMessages(session, stored, gone)
  await eraseDeadLetters(session, subjects, messages)
  const receipts = await writeReceipts(session, subjects)
  // Without the lock that everybody waits for; what a crash leaves goes with the import's own end.
  session.afterwards.push(async () => {
    await eraseImportRows(session, subjects)
    await addToReceipts(session, receipts)
  })
}

function subjectsOf(items: Erasing[], matches: Matches): Subject[] {
  const subjects = new Map<string, Subject>()
  for (const { item, jobId } of items) {
    const identity = identityOf(item.person)
    const nodes = nodesOf(identity)
    const { external, anonymous } = identity
    const personId = (
      external === undefined ? matches.anonymous.get(anonymous!) : matches.external.get(external)
    )?.personId
    const key = personId === undefined ? nodes.join(' ') : `p${personId}`
    const erasure = { at: item.acceptedAt, jobId }
    let subject = subjects.get(key)
    if (!subject) {
      subject = {
        personId,
        erasure,
        nodes: new Set(),
        names: new Set(),
        requestedBy: undefined,
        removed: new Map(),
      }
      subjects.set(key, subject)
    }
    if (isLater(erasure, subject.erasure)) subject.erasure = erasure
    subject.requestedBy ??= item.requestedBy ?? item.source
    for (const node of nodes) subject.nodes.add(node)
    // What was accepted before by the same address goes, too.
    if (item.person.byAddress) subject.nodes.add(`e${addressKey(item.person.email!)}`)
    for (const name of [external, anonymous, ...spellingsOf(item.person.email)])
      if (name) subject.names.add(name)
  }
  return [...subjects.values()]
}

/** What was refused is kept as it was sent: also with the domain in its own letters. */
function spellingsOf(email: string | null | undefined): string[] {
  if (!email) return []
  const key = addressKey(email)
  const at = key.lastIndexOf('@')
  return at < 0 ? [key] : [key, `${key.slice(0, at + 1)}${domainToUnicode(key.slice(at + 1))}`]
}

/** Everything else that leads to the stored ones. */
async function addIds(
  { client, projectId }: PeopleSession,
  stored: Map<number, Subject>,
  people: PersonRow[],
): Promise<void> {
  if (people.length === 0) return
  for (const { id, external_id, email, phone } of people) {
    const subject = stored.get(id)!
    if (external_id !== null) subject.nodes.add(`e${external_id}`)
    for (const name of [external_id, ...spellingsOf(email), phone]) if (name) subject.names.add(name)
  }
  const { rows } = await client.query<{ person_id: number; kind: string; alias: string }>(
    'select person_id, kind, alias from person_aliases where project_id = $1 and person_id = any($2::bigint[])',
    [projectId, people.map(({ id }) => id)],
  )
  for (const { person_id, kind, alias } of rows) {
    stored.get(person_id)!.nodes.add((kind === 'external' ? 'e' : 'a') + alias)
    stored.get(person_id)!.names.add(alias)
  }
}

function marksOf(subjects: Subject[]): Map<string, Erasure> {
  const marks = new Map<string, Erasure>()
  for (const { nodes, erasure } of subjects)
    for (const node of nodes) {
      const before = marks.get(node)
      if (!before || isLater(erasure, before)) marks.set(node, erasure)
    }
  return marks
}

/**
 * An opt-out outlives the person, as one of their address: whoever brings the address back did not ask for mail, and somebody
 * who opted out and is erased wants none there by another id either.
 */
async function optOutOthers(
  session: PeopleSession,
  optOuts: AddressConsents,
  { acceptedAt, source = 'erasure' }: Erasing['item'],
): Promise<void> {
  if (optOuts.size > 0) await optOutHolders(session, [...optOuts.keys()], optOuts, { acceptedAt, source })
}

/** Suppressed addresses are kept in a list of their own. */
function noteOptOuts(optOuts: AddressConsents, person: PersonRow, erasedAt: number): void {
  if (person.email === null) return
  const address = addressKey(person.email)
  for (const [register, { at, value }] of readRegisters(person)) {
    if (at > erasedAt || register === '$suppressed' || !isOptOut(register, value)) continue
    if (!optOuts.has(address)) optOuts.set(address, new Map())
    write(optOuts.get(address)!, register, at, value)
  }
}

/** Returns those who are gone, and what they had opted out of; the others keep what is from after their erasure. */
async function erasePeople(
  session: PeopleSession,
  people: Map<number, PersonRow>,
  stored: Map<number, Subject>,
): Promise<{ gone: Set<number>; optOuts: AddressConsents }> {
  const { client, projectId } = session
  const optOuts: AddressConsents = new Map()
  if (people.size === 0) return { gone: new Set(), optOuts }
  for (const [id, person] of people) noteOptOuts(optOuts, person, stored.get(id)!.erasure.at)
  await saveConsents(session, optOuts)
  const { rows } = await client.query<{ id: number }>(
    `select id from unnest($2::bigint[]) as p (id)
     where exists (select from events where project_id = $1 and person_id = p.id)`,
    [projectId, [...people.keys()]],
  )
  const active = new Set(rows.map(({ id }) => id))
  const { consents } = await loadAddressFacts(
    session,
    [...people.values()].flatMap(({ email }) => (email === null ? [] : [addressKey(email)])),
  )
  const kept: {
    id: number
    before: PersonRow
    after: PersonRow
    changes: ReturnType<typeof changesBetween>
  }[] = []
  const gone: number[] = []
  for (const [id, before] of people) {
    const { at } = stored.get(id)!.erasure
    const registers = registersAfter(before, at)
    const lives =
      active.has(id) ||
      before.created_at.getTime() > at ||
      [...registers.keys()].some((name) => !isOfIdentity(name))
    // An address that serves as the id stays the address of who goes on under it.
    if (before.email !== null && before.email === before.external_id)
      write(registers, '$email', 1, before.email)
    takeOptOuts(registers, consents)
    const after = { ...before, ...writeState(registers) }
    if (lives) kept.push({ id, before, after, changes: changesBetween(before, after) })
    else gone.push(id)
  }
  await forgetOldIds(
    session,
    kept.filter(({ after }) => after.external_id !== null).map(({ id }) => stored.get(id)!),
  )
  await updatePeople(session, kept)
  await syncSuppressions(session, kept)
  for (const [table, place] of [
    ['person_aliases', 'ids'],
    ['person_changes', 'changes'],
    ['frequency_holds', 'holds'],
  ] as const) {
    const { rows: deleted } = await client.query<{ person_id: number }>(
      `delete from ${table} where project_id = $1 and person_id = any($2::bigint[]) returning person_id`,
      [projectId, gone],
    )
    for (const { person_id } of deleted) count(stored.get(person_id)!, place, 1)
  }
  for (const [id, memberships] of await dropMemberships(session, gone))
    count(stored.get(id)!, 'segments', memberships)
  for (const { id } of kept) session.changed.add(id)
  await client.query('delete from people where project_id = $1 and id = any($2::bigint[])', [projectId, gone])
  for (const id of gone) count(stored.get(id)!, 'people', 1)
  return { gone: new Set(gone), optOuts }
}

/** Ids of before the erasure that lead to people who go on; a visitor has no other. */
async function forgetOldIds({ client, projectId }: PeopleSession, subjects: Subject[]): Promise<void> {
  if (subjects.length === 0) return
  const { rows } = await client.query<{ person_id: number }>(
    `with forgotten as (
       delete from person_aliases a using unnest($2::bigint[], $3::timestamptz[]) as k (person, at)
       where a.project_id = $1 and a.person_id = k.person and a.created_at <= k.at returning a.person_id, a.alias),
     shown as (
       update people p set anonymous_id = null from forgotten f
       where p.project_id = $1 and p.id = f.person_id and p.anonymous_id = f.alias)
     select person_id from forgotten`,
    [
      projectId,
      subjects.map(({ personId }) => personId),
      subjects.map(({ erasure }) => new Date(erasure.at)),
    ],
  )
  const byId = new Map(subjects.map((subject) => [subject.personId, subject]))
  for (const { person_id } of rows) count(byId.get(person_id)!, 'ids', 1)
}

/** The main id, and what was written after the erasure. */
function registersAfter(before: PersonRow, erasedAt: number): Registers {
  const registers = readRegisters(before)
  for (const [name, { at }] of registers) if (at <= erasedAt && !isOfIdentity(name)) registers.delete(name)
  if (!registers.has('$id')) registers.set('$id', { at: 0, value: null })
  return registers
}
