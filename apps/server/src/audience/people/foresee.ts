import { addressKey } from '../../platform/email-address.ts'
import { changePerson } from './apply.ts'
import { loadAddressFacts } from './consents.ts'
import type { Draft } from './drafts.ts'
import { identityOf } from './identity.ts'
import { withNormalPhones } from './phone.ts'
import type { PeopleSession } from './session.ts'
import { lockPeople } from './store.ts'
import type { WritingItem } from './writes.ts'

export interface Foreseen {
  /** Of each write, whether the person whom it is for would be other than now. */
  changes: boolean[]
  /** How many people said no before where the writes of an import say yes. */
  metOptOuts: number
}

/** Tells what writes would come to. Nobody is written. */
export async function foreseeChanges(
  session: PeopleSession,
  /** `person` is our own id; of who is not there, what is the same for all writes of theirs. */
  writes: { person: number | string; item: WritingItem }[],
): Promise<Foreseen> {
  const items = await withNormalPhones(
    session,
    writes.map(({ item }) => item),
  )
  const drafts = new Map<number | string, Draft>()
  for (const [index, { person, item }] of writes.entries()) {
    const draft = drafts.get(person)
    if (draft) draft.items.push(index)
    else
      drafts.set(person, {
        id: typeof person === 'number' ? person : undefined,
        externalId: identityOf(item.person).external ?? null,
        provisional: false,
        becameKnown: false,
        newAnonymous: undefined,
        items: [index],
      })
  }
  const { consents } = await loadAddressFacts(session, addressesThatMayBeOut(items))
  const rows = await lockPeople(
    session,
    [...drafts.keys()].filter((person) => typeof person === 'number'),
  )
  const foreseen: Foreseen = { changes: writes.map(() => false), metOptOuts: 0 }
  for (const [person, draft] of drafts) {
    const row = typeof person === 'number' ? rows.get(person) : undefined
    if (typeof person === 'number' && !row) continue
    const names = row && { externalId: row.external_id, provisional: row.provisional }
    const refusals = new Map<number, string>()
    const { changes, metOptOut } = changePerson({ ...draft, ...names }, items, row, refusals, consents)
    if (metOptOut) foreseen.metOptOuts++
    if (changes.length > 0) for (const index of draft.items) foreseen.changes[index] = !refusals.has(index)
  }
  return foreseen
}

const addressesThatMayBeOut = (items: WritingItem[]): string[] => [
  ...new Set(
    items.flatMap((item) =>
      item.kind === 'identify' && item.keepsOptOuts !== undefined && item.email
        ? [addressKey(item.email)]
        : [],
    ),
  ),
]
