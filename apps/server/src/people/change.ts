import type { DeleteItem, IngestItem, MergeItem } from '../ingest/item.ts'
import { applyToPeople } from './apply.ts'
import { type Erasing, eraseItems } from './erase.ts'
import { type ErasedAt, type Erasure, isBefore, loadErasures } from './erasure-marks.ts'
import { type Identity, identityOf, resolve } from './identity.ts'
import { mergeItems } from './merge.ts'
import { NeedsExclusive, type PeopleSession } from './session.ts'
import type { ChangedPerson } from './store.ts'
import type { WritingItem } from './writes.ts'

/** An item and the job that carried it. */
export interface Work<Item = IngestItem> {
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
  /** Everybody who is new or was written to, merges and erasures aside. */
  people: ChangedPerson[]
}

/** Merges and erasures change who is who; they need a session of their own. */
export const needsExclusive = ({ kind }: IngestItem): boolean => kind === 'merge' || kind === 'delete'

/**
 * Applies items of any kind to the people of a project: first merges and erasures in the order of their acceptance, then
 * everything else at once. That is right whatever the order of the items, because every write carries its time and an
 * erasure tells by times what belongs to it.
 */
export async function changePeople(session: PeopleSession, works: Work[]): Promise<Changed> {
  await changeWhoIsWho(session, works)

  const writing = works
    .map(({ jobId, item }, index) => ({ jobId, item, index }))
    .filter((work): work is Work<WritingItem> & { index: number } => !needsExclusive(work.item))
  const changed: Changed = {
    personIds: new Array(works.length),
    erased: new Set(),
    refusals: new Map(),
    people: [],
  }
  if (writing.length === 0) return changed

  // Asked for together with the erasures, of which there are nearly always none.
  const matching = resolve(
    session.client,
    session.projectId,
    writing.map(({ item }) => identityOf(item.person)),
  )
  matching.catch(() => {})
  const before = await loadErasuresOf(session, writing)
  const erasedAt = await eraseLinkedVisitors(session, writing, before)
  const alive = writing.filter(({ item, jobId, index }) => {
    const erasure = erasedAt(identityOf(item.person))
    const late = erasure !== undefined && isBefore(item, jobId, erasure)
    if (late) changed.erased.add(index)
    return !late
  })
  const applied = await applyToPeople(
    session,
    alive.map(({ item }) => item),
    erasedAt === before ? await matching : undefined,
  )
  changed.people = applied.people
  for (const [position, { index }] of alive.entries()) {
    changed.personIds[index] = applied.personIds[position]
    const refusal = applied.refusals.get(position)
    if (refusal !== undefined) changed.refusals.set(index, refusal)
    else session.catalogue.see(works[index]!.item, session.sightings)
  }
  return changed
}

const loadErasuresOf = (session: PeopleSession, works: Work[]): Promise<ErasedAt> =>
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
  works: Work<WritingItem>[],
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
async function changeWhoIsWho(session: PeopleSession, works: Work[]): Promise<void> {
  const queue = works.filter(({ item }) => needsExclusive(item)).sort(byAcceptance)
  while (queue.length > 0) {
    const { kind } = queue[0]!.item
    const end = queue.findIndex(({ item }) => item.kind !== kind)
    const run = queue.splice(0, end === -1 ? queue.length : end)
    if (kind === 'delete') await eraseItems(session, run as Work<DeleteItem>[])
    else await mergeAlive(session, run as Work<MergeItem>[])
  }
}

const byAcceptance = (a: Work, b: Work) =>
  a.item.acceptedAt - b.item.acceptedAt || (a.jobId < b.jobId ? -1 : a.jobId > b.jobId ? 1 : 0)

/** Two ids that were one person when either of them was erased, as we learn too late, are both erased. */
async function mergeAlive(session: PeopleSession, works: Work<MergeItem>[]): Promise<void> {
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
