import { addressKey } from '../../platform/email-address.ts'
import type { DeleteItem, IngestItem, MergeItem, PersonRef } from '../items/item.ts'
import {
  absorbProvisional,
  ambiguous,
  findHolders,
  type Holders,
  isByAddress,
  refByAddress,
  refsOf,
  takenBy,
} from './addressed.ts'
import { applyToPeople } from './apply.ts'
import { type AddressConsents, noteConsents, optOutsOf, saveConsents } from './consents.ts'
import { type Erasing, eraseItems } from './erase.ts'
import { type ErasedAt, type Erasure, isBefore, loadErasures } from './erasure-marks.ts'
import { type Identity, identityOf, resolve } from './identity.ts'
import { mergeItems } from './merge.ts'
import { type OptedOut, optOutHolders, optOutNamedAddresses, optsOutBoth } from './opt-outs.ts'
import { NeedsExclusive, type PeopleSession } from './session.ts'
import type { ChangedPerson } from './store.ts'
import type { WritingItem } from './writes.ts'

/** An item and the job that carried it. */
export interface AcceptedItem<Item = IngestItem> {
  jobId: string
  item: Item
}

export interface Changed {
  /** Per item; undefined for merges, erasures, and where nobody may be created. */
  personIds: (number | undefined)[]
  /** Positions of items that came too late: their person was erased after they were accepted. */
  erased: Set<number>
  /** Positions of refused items, with the reason. */
  refusals: Map<number, string>
  /** What the sender of an item should know though it was processed, by position. */
  notes: Map<number, string>
  /** Everybody who is new or was written to, merges and erasures aside; some of them twice. */
  people: ChangedPerson[]
  /** Our own ids of everybody whom an opt-out of their address meant, by address. */
  optedOut: Map<string, number[]>
}

/** Merges and erasures change who is who; they need a session of their own. */
export const needsExclusive = ({ kind }: IngestItem): boolean => kind === 'merge' || kind === 'delete'

/**
 * Who is meant by the address depends on what the others of a batch say. Such items are not to be in one call with items that
 * write: an event of somebody who is merged or erased after it was told whose it is would be nobody's.
 */
export const changesWhoByAddress = (item: IngestItem): boolean =>
  needsExclusive(item) && refsOf(item).some(isByAddress)

/**
 * Applies items of any kind to the people of a project: first those that name people by ids, then those that have nothing but
 * an address, by which whoever holds it then is meant. Of each, merges and erasures in the order of their acceptance, then
 * everything else at once. That is right whatever the order of the items, because every write carries its time and an
 * erasure tells by times what belongs to it.
 */
export async function changePeople(session: PeopleSession, works: AcceptedItem[]): Promise<Changed> {
  const changed: Changed = {
    personIds: new Array(works.length),
    erased: new Set(),
    refusals: new Map(),
    notes: new Map(),
    people: [],
    optedOut: new Map(),
  }
  const placed = works.map(({ jobId, item }, index) => ({ jobId, item, index }))
  const isAddressed = ({ item }: AcceptedItem) => refsOf(item).some(isByAddress)
  const addressed = placed.filter(isAddressed)
  const named = addressed.length === 0 ? placed : placed.filter((work) => !isAddressed(work))
  const ofBoth = named.map(({ item }) => item).filter(optsOutBoth)
  // Whoever gets the address at this moment would be missed.
  if (ofBoth.length > 0 && !session.exclusive) throw new NeedsExclusive()
  await changeNamed(session, named, changed)
  if (ofBoth.length > 0) tell(changed, await optOutNamedAddresses(session, ofBoth))
  if (addressed.length > 0) await changeAddressed(session, addressed, changed)
  return changed
}

function tell(changed: Changed, { people, optedOut }: OptedOut): void {
  for (const person of people) changed.people.push(person)
  for (const [address, ids] of optedOut)
    changed.optedOut.set(address, [...(changed.optedOut.get(address) ?? []), ...ids])
}

type Placed<Item = IngestItem> = AcceptedItem<Item> & { index: number }

/** By their ids. */
async function changeNamed(session: PeopleSession, works: Placed[], changed: Changed): Promise<void> {
  await changeWhoIsWho(session, works)

  const writing = works.filter((work): work is Placed<WritingItem> => !needsExclusive(work.item))
  if (writing.length === 0) return

  // Asked for together with the erasures, of which there are nearly always none.
  const matching = resolve(
    session.client,
    session.projectId,
    writing.map(({ item }) => identityOf(item.person)),
  )
  matching.catch(() => {})
  const before = await loadErasuresOf(session, writing)
  const erasedAt = await eraseLinkedVisitors(session, writing, before)
  const alive = writing.filter((work) => !isErased(work, erasedAt, changed))
  const applied = await applyToPeople(
    session,
    alive.map(({ item }) => item),
    erasedAt === before ? await matching : undefined,
  )
  // A thousand at a time are no arguments of a call.
  for (const person of applied.people) changed.people.push(person)
  for (const [position, { index, item }] of alive.entries()) {
    changed.personIds[index] = applied.personIds[position]
    const refusal = applied.refusals.get(position)
    if (refusal !== undefined) changed.refusals.set(index, refusal)
    else session.catalogue.see(item, session.sightings)
  }
}

function isErased(
  { item, jobId, index }: Placed<WritingItem>,
  erasedAt: ErasedAt,
  changed: Changed,
): boolean {
  const erasure = erasedAt(identityOf(item.person))
  const late = erasure !== undefined && isBefore(item, jobId, erasure)
  if (late) changed.erased.add(index)
  return late
}

/**
 * By whoever holds the address now. One who holds it is meant; of several, an opt-out means all, an event goes to the one
 * changed last, and the rest is refused.
 */
async function changeAddressed(session: PeopleSession, works: Placed[], changed: Changed): Promise<void> {
  const erasedAt = await loadErasuresOf(session, works)
  const alive = works.filter(
    (work) => needsExclusive(work.item) || !isErased(work as Placed<WritingItem>, erasedAt, changed),
  )
  const consents: AddressConsents = new Map()
  const optOuts = new Set<string>()
  for (const { item } of alive)
    if (!isWhoIsWho(item) && optOutsOf(item).any) {
      const address = addressKey(item.person.email!)
      noteConsents(consents, address, item, { optOuts: true })
      optOuts.add(address)
    }
  // Whoever gets the address at this moment would be missed.
  if (optOuts.size > 0 && !session.exclusive) throw new NeedsExclusive()
  const holders = await findOwnHolders(session, alive)
  const named: Placed[] = []
  for (const { jobId, item, index } of alive) {
    const several = refsOf(item)
      .filter(isByAddress)
      .map(({ email }) => addressKey(email!))
      .find((address) => (holders.get(address)?.length ?? 0) > 1)
    if (several !== undefined && item.kind === 'event')
      changed.notes.set(index, takenBy(several, holders.get(several)!))
    else if (several !== undefined && !(!isWhoIsWho(item) && optOutsOf(item).only)) {
      changed.refusals.set(index, ambiguous(several, holders.get(several)!))
      continue
    }
    if (!isWhoIsWho(item)) noteConsents(consents, addressKey(item.person.email!), item)
    named.push({ jobId, item: nameByAddress(item, holders), index })
  }
  await saveConsents(session, consents)
  await changeNamed(session, named, changed)
  if (optOuts.size > 0) tell(changed, await optOutHolders(session, [...optOuts], consents, alive[0]!.item))
}

const isWhoIsWho = (item: IngestItem): item is MergeItem | DeleteItem => needsExclusive(item)

/** Provisional people beside others who hold the address become one with them before. */
async function findOwnHolders(session: PeopleSession, works: AcceptedItem[]): Promise<Holders> {
  const addresses = [
    ...new Set(
      works.flatMap(({ item }) => refsOf(item).filter(isByAddress)).map(({ email }) => addressKey(email!)),
    ),
  ]
  const holders = await findHolders(session, addresses)
  const unsettled = addresses.filter((address) => {
    const those = holders.get(address) ?? []
    return those.length > 1 && those.some(({ provisional }) => provisional)
  })
  if ((await absorbProvisional(session, unsettled)).size === 0) return holders
  return findHolders(session, addresses)
}

function nameByAddress(item: IngestItem, holders: Holders): IngestItem {
  const name = (ref: PersonRef) => (isByAddress(ref) ? refByAddress(ref, holders) : ref)
  if (item.kind === 'merge') return { ...item, person: name(item.person), from: name(item.from) }
  return { ...item, person: name(item.person) }
}

const loadErasuresOf = (session: PeopleSession, works: AcceptedItem[]): Promise<ErasedAt> =>
  loadErasures(
    session,
    () => works.flatMap(({ item }) => identitiesOf(item)),
    works.reduce((least, { item }) => Math.min(least, item.acceptedAt), Number.POSITIVE_INFINITY),
  )

/**
 * An item that comes too late may still tell that a visitor was the erased person: then the visitor is erased, too. One who
 * is known to be somebody else only shared a device. Returns the erasures as they are afterwards.
 */
async function eraseLinkedVisitors(
  session: PeopleSession,
  works: AcceptedItem<WritingItem>[],
  erasedAt: ErasedAt,
): Promise<ErasedAt> {
  const linked = new Map<string, Erasure>()
  for (const { item, jobId } of works) {
    const { external, anonymous } = identityOf(item.person)
    if (external === undefined || anonymous === undefined) continue
    const erasure = erasedAt({ external })
    if (erasure && isBefore(item, jobId, erasure) && !covers(erasedAt({ anonymous }), erasure))
      linked.set(anonymous, erasure)
  }
  if (linked.size === 0) return erasedAt
  const { anonymous: known } = await resolve(
    session.client,
    session.projectId,
    [...linked.keys()].map((anonymous) => ({ anonymous })),
  )
  const visitors = [...linked].filter(([id]) => !known.get(id)?.externalId)
  if (visitors.length === 0) return erasedAt
  if (!session.exclusive) throw new NeedsExclusive()
  await eraseItems(
    session,
    visitors.map(([anonymousId, { at, jobId }]) => ({
      item: { person: { anonymousId }, acceptedAt: at },
      jobId,
    })),
  )
  return loadErasuresOf(session, works)
}

const covers = (earlier: Erasure | undefined, { at, jobId }: Erasure) =>
  earlier !== undefined && isBefore({ acceptedAt: at }, jobId, earlier)

const identitiesOf = (item: IngestItem): Identity[] =>
  item.kind === 'merge' ? [identityOf(item.person), identityOf(item.from)] : [identityOf(item.person)]

/** Runs of merges and runs of erasures, each run in one go. */
async function changeWhoIsWho(session: PeopleSession, works: AcceptedItem[]): Promise<void> {
  const queue = works.filter(({ item }) => needsExclusive(item)).sort(byAcceptance)
  while (queue.length > 0) {
    const { kind } = queue[0]!.item
    const end = queue.findIndex(({ item }) => item.kind !== kind)
    const run = queue.splice(0, end === -1 ? queue.length : end)
    if (kind === 'delete') await eraseItems(session, run as AcceptedItem<DeleteItem>[])
    else await mergeAlive(session, run as AcceptedItem<MergeItem>[])
  }
}

const byAcceptance = (a: AcceptedItem, b: AcceptedItem) =>
  a.item.acceptedAt - b.item.acceptedAt || (a.jobId < b.jobId ? -1 : a.jobId > b.jobId ? 1 : 0)

/** Two ids that were one person when either of them was erased, as we learn too late, are both erased. */
async function mergeAlive(session: PeopleSession, works: AcceptedItem<MergeItem>[]): Promise<void> {
  const erasedAt = await loadErasuresOf(session, works)
  const merges: MergeItem[] = []
  const erasures: Erasing[] = []
  for (const { item, jobId } of works) {
    const before = identitiesOf(item)
      .map(erasedAt)
      .find((erasure) => erasure !== undefined && isBefore(item, jobId, erasure))
    if (!before) merges.push(item)
    else
      for (const person of [item.person, item.from])
        erasures.push({ item: { person, acceptedAt: before.at }, jobId: before.jobId })
  }
  if (erasures.length > 0) await eraseItems(session, erasures)
  if (merges.length > 0) await mergeItems(session, merges)
}
