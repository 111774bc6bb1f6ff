import { addressKey } from '../email-address.ts'
import type { PersonRef } from '../ingest/item.ts'
import { addressKeySql } from '../people/address-sql.ts'
import { identityOf, type Matches, resolve } from '../people/identity.ts'
import type { PeopleSession } from '../people/session.ts'
import type { Draft } from './targets.ts'

/** Whom a row speaks of. */
export interface Found {
  /** How items name them; a row without an id may mean several people with one address. */
  refs: PersonRef[]
  /** Numbers of those who are stored already, as far as they were looked up. */
  ids: number[]
}

/** People of one address that are told apart. */
const mostOfOneAddress = 20

/**
 * Finds the people of rows: by their id; without one by the id that the address may be, else by the address. So a list of
 * bare addresses reaches the people who have them, whatever their ids are.
 *
 * @param everybody all who have an address, not only the first of them
 */
export async function findRows(
  session: PeopleSession,
  drafts: Draft[],
  { everybody, lookUp }: { everybody: boolean; lookUp: boolean },
): Promise<Found[]> {
  const byAddress = await findByAddress(session, drafts)
  // Rows before this one may have brought the address.
  const brought = new Map<string, PersonRef>()
  const found = drafts.map(({ person, email }): Found => {
    const address = person.email && addressKey(person.email)
    if (person.id !== undefined || person.anonymousId !== undefined || address === undefined) {
      if (email && !brought.has(addressKey(email))) brought.set(addressKey(email), person)
      return { refs: [person], ids: [] }
    }
    const owners = byAddress.get(address)
    if (owners) return everybody ? several(owners) : several(owners.slice(0, 1))
    return { refs: [brought.get(address) ?? person], ids: [] }
  })
  if (lookUp) await addIds(session, found)
  return found
}

interface Owner {
  address: string
  id: number
  external_id: string | null
  anonymous_id: string | null
}

const several = (owners: Owner[]): Found => ({
  refs: owners.map(({ external_id, anonymous_id }) =>
    external_id === null ? { anonymousId: anonymous_id! } : { id: external_id },
  ),
  ids: owners.map(({ id }) => id),
})

/** First whose id the address is, then those whom we know longest. */
async function findByAddress(session: PeopleSession, drafts: Draft[]): Promise<Map<string, Owner[]>> {
  const addresses = new Set<string>()
  for (const { person } of drafts)
    if (person.id === undefined && person.anonymousId === undefined && person.email !== undefined)
      addresses.add(addressKey(person.email))
  const owners = new Map<string, Owner[]>()
  if (addresses.size === 0) return owners
  const { rows } = await session.client.query<Owner>({
    name: 'import_people_by_address',
    text: `select r.address, p.id, p.external_id, p.anonymous_id
           from unnest($2::text[]) as r (address) cross join lateral (
             select id, external_id, anonymous_id from people
             where project_id = $1 and ${addressKeySql('people')} = r.address
               and (external_id is not null or anonymous_id is not null)
             order by id limit ${mostOfOneAddress}) as p
           order by p.external_id = r.address desc nulls last, p.id`,
    values: [session.projectId, [...addresses]],
  })
  for (const row of rows) {
    const others = owners.get(row.address)
    if (others) others.push(row)
    else owners.set(row.address, [row])
  }
  return owners
}

async function addIds(session: PeopleSession, found: Found[]): Promise<void> {
  const unknown = found.filter(({ ids }) => ids.length === 0)
  const identities = unknown.map(({ refs }) => identityOf(refs[0]!))
  const matches = await resolve(session.client, session.projectId, identities)
  for (const [index, one] of unknown.entries()) {
    const id = idIn(matches, identities[index]!)
    if (id !== undefined) one.ids = [id]
  }
}

const idIn = (matches: Matches, { external, anonymous }: ReturnType<typeof identityOf>) =>
  (external === undefined ? undefined : matches.external.get(external)?.personId) ??
  (anonymous === undefined ? undefined : matches.anonymous.get(anonymous)?.personId)
