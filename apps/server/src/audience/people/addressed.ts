import { addressKey } from '../../platform/email-address.ts'
import type { IngestItem, PersonRef } from '../items/item.ts'
import { addressKeySql } from './address-sql.ts'
import { refOf } from './identity.ts'
import { mergeStored } from './merge.ts'
import { NeedsExclusive, type PeopleSession } from './session.ts'

/** Somebody who holds an address. */
export interface Holder {
  id: number
  external_id: string | null
  anonymous_id: string | null
  provisional: boolean
}

/** Those who hold each address, the one changed last first; of more than a few, the first few. */
export type Holders = Map<string, Holder[]>

/** A reference that has nothing but an address. */
export const isByAddress = ({ id, anonymousId, email }: PersonRef): boolean =>
  id === undefined && anonymousId === undefined && Boolean(email)

export const refsOf = (item: IngestItem): PersonRef[] =>
  item.kind === 'merge' ? [item.person, item.from] : [item.person]

/** So many are named in a reason. */
const mostNamed = 10

export async function findHolders(
  { client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>,
  addresses: string[],
): Promise<Holders> {
  const holders: Holders = new Map()
  if (addresses.length === 0) return holders
  const { rows } = await client.query<Holder & { address: string }>({
    name: 'people_holders',
    // Without `offset 0`, PostgreSQL might go through everybody by time until the address comes.
    text: `select r.address, h.* from unnest($2::text[]) as r (address) cross join lateral (
             select id, external_id, anonymous_id, provisional from (
               select id, external_id, anonymous_id, provisional, updated_at from people
               where project_id = $1 and ${addressKeySql('people')} = r.address
                 and (external_id is not null or anonymous_id is not null) offset 0) as p
             order by updated_at desc, id desc limit ${mostNamed + 1}) as h`,
    values: [projectId, addresses],
  })
  for (const { address, ...holder } of rows) {
    const others = holders.get(address)
    if (others) others.push(holder)
    else holders.set(address, [holder])
  }
  return holders
}

/** Everybody who holds one of the addresses, page by page. */
export async function* allHolders(
  { client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>,
  addresses: string[],
): AsyncGenerator<(Holder & { address: string })[]> {
  const page = 1_000
  for (let after = 0; ; ) {
    const { rows } = await client.query<Holder & { address: string }>({
      name: 'people_all_holders',
      text: `select r.address, p.* from unnest($2::text[]) as r (address) cross join lateral (
               select id, external_id, anonymous_id, provisional from people
               where project_id = $1 and ${addressKeySql('people')} = r.address and id > $3
                 and (external_id is not null or anonymous_id is not null)
               order by id limit ${page}) as p
             order by p.id limit ${page}`,
      values: [projectId, addresses, after],
    })
    if (rows.length > 0) yield rows
    if (rows.length < page) return
    after = rows.at(-1)!.id
  }
}

/** Why a call by address alone is refused where several hold it. */
export const ambiguous = (address: string, holders: Holder[]): string =>
  `${namedHolders(address, holders)}; name the one by id`

/** What the log says of an event that one of several got. */
export const takenBy = (address: string, holders: Holder[]): string =>
  `Taken for ${nameOf(holders[0]!)}, the one changed last: ${namedHolders(address, holders)}; name people by id`

function namedHolders(address: string, holders: Holder[]): string {
  const named = holders.slice(0, mostNamed).map(nameOf).sort()
  const many = holders.length > mostNamed ? `more than ${mostNamed}` : String(holders.length)
  return `${address} is the address of ${many} people (${named.join(', ')}${holders.length > mostNamed ? ', …' : ''})`
}

const nameOf = ({ external_id, anonymous_id }: Holder): string =>
  external_id === null ? `the anonymous ${anonymous_id}` : external_id

/** A reference to the one who holds the address, or to the provisional person of the address where nobody does. */
export function refByAddress(ref: PersonRef, holders: Holders): PersonRef {
  const address = addressKey(ref.email!)
  const one = holders.get(address)?.[0]
  const named: PersonRef = one ? refOf(one) : { id: address, provisional: true }
  return { ...named, email: ref.email, byAddress: true }
}

/**
 * Where a provisional person holds an address together with somebody who has an id, or with another provisional one, they are
 * one: the first who got an id. Needs an exclusive session.
 *
 * @returns whom each who is gone became
 */
export async function absorbProvisional(
  session: PeopleSession,
  addresses: string[],
): Promise<Map<number, number>> {
  const became = new Map<number, number>()
  if (addresses.length === 0) return became
  const { client, projectId } = session
  const holding = `project_id = $1 and ${addressKeySql('people')} = r.address`
  const { rows } = await client.query<{ provisional: number[]; first: number | null }>({
    name: 'people_absorb',
    text: `select p.ids as provisional, f.id as first
           from unnest($2::text[]) as r (address)
           cross join lateral (
             select array_agg(id order by id) as ids from people where provisional and ${holding}) as p
           left join lateral (
             select id from (
               select id, created_at from people
               where ${holding} and not provisional and (external_id is not null or anonymous_id is not null) offset 0) as k
             order by created_at, id limit 1) as f on true
           where p.ids is not null`,
    values: [projectId, addresses],
  })
  for (const { provisional, first } of rows) {
    const [into, ...others] = first === null ? provisional : [first, ...provisional]
    for (const id of others) became.set(id, into!)
  }
  if (became.size === 0) return became
  if (!session.exclusive) throw new NeedsExclusive()
  await mergeStored(session, [...became])
  return became
}
