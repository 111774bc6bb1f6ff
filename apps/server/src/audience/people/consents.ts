import type { Json } from '@fairway/queue'
import { addressKey } from '../../platform/email-address.ts'
import { addressKeySql } from './address-sql.ts'
import { isOfConsent, isOptOut, type Registers, write } from './registers.ts'
import type { PeopleSession } from './session.ts'
import { eachWrite, type WritingItem } from './writes.ts'

/**
 * What was said about consent by address alone, for each address: the latest write of each register. It is about the address,
 * not about who held it at that moment: an opt-out holds for whoever holds the address now or gets it later, until they
 * subscribe again.
 */
export type AddressConsents = Map<string, Registers>

/** Whether an item takes away consent, and whether it does nothing else. */
export function optOutsOf(item: WritingItem): { any: boolean; only: boolean } {
  let [any, only] = [false, item.kind !== 'event']
  eachWrite(item, (register, value) => {
    if (isOptOut(register, value)) any = true
    // The address that the call names its person by.
    else if (register !== '$email') only = false
  })
  return { any, only: any && only }
}

/** Adds what an item says about consent; `optOuts`: that alone which takes it away, as of one that keeps opt-outs. */
export function noteConsents(
  consents: AddressConsents,
  address: string,
  item: WritingItem,
  { optOuts = false } = {},
): void {
  const alone = optOuts || item.keepsOptOuts
  eachWrite(item, (register, value) => {
    if (!isOfConsent(register) || typeof value !== 'boolean' || (alone && !isOptOut(register, value))) return
    let registers = consents.get(address)
    if (!registers) consents.set(address, (registers = new Map()))
    write(registers, register, item.at, value)
  })
}

/** The items that take away the same of one person, whom `item` speaks of. */
export function optOutItems(
  registers: Registers,
  base: Pick<WritingItem, 'person' | 'acceptedAt' | 'source'>,
): WritingItem[] {
  const items: WritingItem[] = []
  for (const [register, { at, value }] of registers) {
    if (!isOptOut(register, value)) continue
    if (register === '$subscribed') items.push({ kind: 'subscription', ...base, at, subscribed: false })
    else if (register === '$suppressed') items.push({ kind: 'suppression', ...base, at, suppressed: true })
    else {
      const topics = Object.fromEntries([[register.slice('$topic:'.length), false]])
      items.push({ kind: 'identify', ...base, at, topics, updateOnly: true })
    }
  }
  return items
}

/** Whoever gets an address, or is to get it, takes on the opt-outs from it. */
export function takeOptOuts(
  registers: Registers,
  consents: AddressConsents,
  email: Json | undefined = registers.get('$email')?.value,
): void {
  if (consents.size === 0 || typeof email !== 'string') return
  for (const [register, { at, value }] of consents.get(addressKey(email)) ?? [])
    if (isOptOut(register, value)) write(registers, register, at, value)
}

/** Keeps what was said by addresses, the latest of each; of the same moment the opt-out. */
export async function saveConsents(
  { client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>,
  consents: AddressConsents,
): Promise<void> {
  const rows = [...consents].flatMap(([address, registers]) =>
    [...registers].map(([register, { at, value }]) => ({ address, register, at, value })),
  )
  if (rows.length === 0) return
  await client.query({
    name: 'address_consents_save',
    text: `insert into address_consents as c (project_id, address, register, at, value)
           select $1, address, register, at, value
           from json_to_recordset($2) as r (address text, register text, at bigint, value boolean)
           order by address collate "C", register
           on conflict (project_id, address, register) do update set at = excluded.at, value = excluded.value
           where c.at < excluded.at
             or (c.at = excluded.at and excluded.value = (c.register = '$suppressed'))`,
    values: [projectId, JSON.stringify(rows)],
  })
}

/** What is known of addresses that people of a batch get. */
export interface AddressFacts {
  /** Provisional people who hold them. */
  provisional: Map<string, number[]>
  consents: AddressConsents
}

export async function loadAddressFacts(
  { client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>,
  addresses: string[],
): Promise<AddressFacts> {
  const facts: AddressFacts = { provisional: new Map(), consents: new Map() }
  if (addresses.length === 0) return facts
  const { rows } = await client.query<{
    address: string
    person: number | null
    register: string
    at: number
    value: boolean
  }>({
    name: 'people_address_facts',
    text: `select r.address, p.id as person, null as register, null::bigint as at, null::boolean as value
           from unnest($2::text[]) as r (address) cross join lateral (
             select id from people where project_id = $1 and provisional and ${addressKeySql('people')} = r.address
             limit 10) as p
           union all
           select r.address, null, c.register, c.at, c.value
           from unnest($2::text[]) as r (address) cross join lateral (
             select register, at, value from address_consents where project_id = $1 and address = r.address offset 0) as c`,
    values: [projectId, addresses],
  })
  for (const { address, person, register, at, value } of rows) {
    if (person !== null) facts.provisional.set(address, [...(facts.provisional.get(address) ?? []), person])
    else {
      let registers = facts.consents.get(address)
      if (!registers) facts.consents.set(address, (registers = new Map()))
      registers.set(register, { at, value })
    }
  }
  return facts
}

/**
 * Forgets consents that were given by addresses of erased people, where nobody holds the address any more. An opt-out stays: it
 * may be older than the erased person, who was put at the address of somebody else, perhaps for that.
 */
export async function forgetConsents(
  { client, projectId }: Pick<PeopleSession, 'client' | 'projectId'>,
  said: { address: string; until: number }[],
): Promise<void> {
  await client.query(
    `delete from address_consents c using unnest($2::text[], $3::bigint[]) as r (address, until)
     where c.project_id = $1 and c.address = r.address and c.at <= r.until and c.value <> (c.register = '$suppressed')
       and not exists (select from people p where p.project_id = $1 and ${addressKeySql('p')} = r.address offset 0)`,
    [projectId, said.map(({ address }) => address), said.map(({ until }) => until)],
  )
}
