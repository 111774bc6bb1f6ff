import { findHolders, type Holder, isByAddress } from '../../audience/people/addressed.ts'
import { identityOf, type Matches, resolve } from '../../audience/people/identity.ts'
import type { PeopleSession } from '../../audience/people/session.ts'
import { addressKey } from '../../platform/email-address.ts'
import type { Draft } from './targets.ts'

/** Whom a row speaks of. */
export interface Found {
  /** The same for rows that speak of the same person. */
  key: string
  /** Numbers of those who are stored already, as far as they were looked up; of several who hold an address, a few. */
  ids: number[]
  /** Those who hold the address of a row that has nothing else. */
  holders: Holder[]
}

/** Finds the people of rows: by their id; without one by who holds the address, else by the id that the address may be. */
export async function findRows(
  session: PeopleSession,
  drafts: Draft[],
  { lookUp }: { lookUp: boolean },
): Promise<Found[]> {
  const found = drafts.map(({ person }): Found => ({ key: keyOf(person), ids: [], holders: [] }))
  const brought = new Map<string, string>()
  for (const [index, { person, email }] of drafts.entries()) {
    if (isByAddress(person)) {
      // Rows before this one may have brought the address.
      found[index]!.key = brought.get(addressKey(person.email!)) ?? found[index]!.key
    } else if (email && !brought.has(addressKey(email))) brought.set(addressKey(email), found[index]!.key)
  }
  if (lookUp) await addIds(session, drafts, found)
  return found
}

const keyOf = ({ id, email, anonymousId }: Draft['person']): string =>
  id ?? (email && anonymousId === undefined ? addressKey(email) : anonymousId!)

async function addIds(session: PeopleSession, drafts: Draft[], found: Found[]): Promise<void> {
  const byAddress = drafts.filter(({ person }) => isByAddress(person))
  const holders = await findHolders(session, [
    ...new Set(byAddress.map(({ person }) => addressKey(person.email!))),
  ])
  const identities = drafts.map(({ person }) => identityOf(person))
  const matches = await resolve(session.client, session.projectId, identities)
  for (const [index, { person }] of drafts.entries()) {
    const one = found[index]!
    if (isByAddress(person)) one.holders = holders.get(addressKey(person.email!)) ?? []
    one.ids = one.holders.map(({ id }) => id)
    const id = idIn(matches, identities[index]!)
    if (one.ids.length === 0 && id !== undefined) one.ids = [id]
  }
}

const idIn = (matches: Matches, { external, anonymous }: ReturnType<typeof identityOf>) =>
  (external === undefined ? undefined : matches.external.get(external)?.personId) ??
  (anonymous === undefined ? undefined : matches.anonymous.get(anonymous)?.personId)
