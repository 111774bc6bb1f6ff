import { addressKey } from '../../platform/email-address.ts'
import type { IngestItem } from '../items/item.ts'
import { allHolders, isByAddress } from './addressed.ts'
import { applyToPeople } from './apply.ts'
import { type AddressConsents, noteConsents, optOutItems, saveConsents } from './consents.ts'
import { refOf } from './identity.ts'
import type { PeopleSession } from './session.ts'
import type { ChangedPerson } from './store.ts'
import type { WritingItem } from './writes.ts'

/** Whom opt-outs of addresses meant. */
export interface OptedOut {
  people: ChangedPerson[]
  /** Our own ids of everybody, by address. */
  optedOut: Map<string, number[]>
}

/** Of so many at most it is told who they were, for the undo of an import. */
const mostTold = 10_000

/** Takes away from everybody who holds the addresses, however many, what `consents` do. */
export async function optOutHolders(
  session: PeopleSession,
  addresses: string[],
  consents: AddressConsents,
  { acceptedAt, source }: Pick<WritingItem, 'acceptedAt' | 'source'>,
): Promise<OptedOut> {
  const those: OptedOut = { people: [], optedOut: new Map(addresses.map((address) => [address, []])) }
  for await (const holders of allHolders(session, addresses)) {
    const { people } = await applyToPeople(
      session,
      holders.flatMap((holder) =>
        optOutItems(consents.get(holder.address)!, { person: refOf(holder), acceptedAt, source }),
      ),
    )
    for (const { address, id } of holders) those.optedOut.get(address)?.push(id)
    if (those.people.length < mostTold) for (const person of people) those.people.push(person)
  }
  return those
}

/** An opt-out by itself that names an address beside an id is about both. */
export const optsOutBoth = (item: IngestItem): item is WritingItem =>
  ((item.kind === 'subscription' && !item.subscribed) || (item.kind === 'suppression' && item.suppressed)) &&
  Boolean(item.person.email) &&
  !isByAddress(item.person)

/** Opts out the addresses that such items name, also where their person was erased since: it is the mailbox's. */
export async function optOutNamedAddresses(session: PeopleSession, items: WritingItem[]): Promise<OptedOut> {
  const consents: AddressConsents = new Map()
  for (const item of items) noteConsents(consents, addressKey(item.person.email!), item, { optOuts: true })
  await saveConsents(session, consents)
  return optOutHolders(session, [...consents.keys()], consents, items[0]!)
}
