import type { Client } from 'pg'
import { addressKey, canonicalAddress, foldedAddress, withoutUnseen } from '../../email-address.ts'

/**
 * Addresses as email-address.ts has them. Outside of a transaction, so that no table is locked for longer than a statement on some
 * rows takes; begun again from the start after a crash, because what is done needs nothing more.
 */
export async function addresses(client: Client): Promise<void> {
  // The key, where folding the ASCII letters of the address does not tell it. A column without a default takes no time.
  await client.query('alter table people add column if not exists folded_email text collate "C"')
  await canonicalPeople(client)
  await canonicalSuppressions(client)
  await indexByAddress(client)
}

const rowsAtOnce = 1_000
/** Certainly in canonical form, in the expressions of PostgreSQL; all the others are looked at. */
const isPlain = (column: string, letters: string) =>
  `(${column} collate "C" ~ '^[${letters}0-9.!#$%&''*+/=?^_\`{|}~-]+@[a-z0-9.-]+$' and ${column} not like '%xn--%')`

interface PersonRow {
  project_id: number
  id: string
  external_id: string | null
  email: string
}

async function canonicalPeople(client: Client): Promise<void> {
  let last = { project_id: 0, id: '0' }
  for (;;) {
    const { rows } = await client.query<PersonRow>(
      `select project_id, id, external_id, email from people
       where (project_id, id) > ($1, $2) and email is not null and not ${isPlain('email', 'A-Za-z')}
       order by project_id, id limit ${rowsAtOnce}`,
      [last.project_id, last.id],
    )
    if (rows.length === 0) return
    last = rows.at(-1)!
    await changePeople(client, rows)
    await leadFromNewIds(client, rows)
  }
}

async function changePeople(client: Client, rows: PersonRow[]): Promise<void> {
  const after = rows.map(({ email }) => canonicalAddress(email) ?? email)
  await client.query(
    `update people p set email = r.email, folded_email = r.folded
     from unnest($1::integer[], $2::bigint[], $3::text[], $4::text[], $5::text[]) as r (project_id, id, before, email, folded)
     where p.project_id = r.project_id and p.id = r.id and p.email = r.before
       and (r.before <> r.email or p.folded_email is distinct from r.folded)`,
    [
      rows.map(({ project_id }) => project_id),
      rows.map(({ id }) => id),
      rows.map(({ email }) => email),
      after,
      after.map(foldedAddress),
    ],
  )
}

/** An address that served as the id is looked up by its key from now on. */
async function leadFromNewIds(client: Client, rows: PersonRow[]): Promise<void> {
  const named = rows.filter(
    ({ external_id, email }) =>
      external_id !== null && external_id === email.trim().toLowerCase() && addressKey(email) !== external_id,
  )
  await client.query(
    `insert into person_aliases (project_id, kind, alias, person_id)
     select r.project_id, 'external', r.alias, r.id
     from unnest($1::integer[], $2::bigint[], $3::text[]) as r (project_id, id, alias)
     where not exists (select from people p where p.project_id = r.project_id and p.external_id = r.alias)
     on conflict do nothing`,
    [
      named.map(({ project_id }) => project_id),
      named.map(({ id }) => id),
      named.map(({ email }) => addressKey(email)),
    ],
  )
}

async function canonicalSuppressions(client: Client): Promise<void> {
  let last = { project_id: 0, address: '' }
  for (;;) {
    const { rows } = await client.query<{ project_id: number; address: string }>(
      `select project_id, address from suppressions
       where (project_id, address) > ($1, $2) and not ${isPlain('address', 'a-z')}
       order by project_id, address limit ${rowsAtOnce}`,
      [last.project_id, last.address],
    )
    if (rows.length === 0) return
    last = rows.at(-1)!
    await client.query(
      `with moved as (
         delete from suppressions s using unnest($1::integer[], $2::text[], $3::text[]) as r (project_id, before, address)
         where s.project_id = r.project_id and s.address = r.before and r.before <> r.address
         returning r.project_id, r.address, s.reason, s.created_at)
       insert into suppressions (project_id, address, reason, created_at)
       select distinct on (project_id, address) project_id, address, reason, created_at from moved
       order by project_id, address, created_at
       on conflict do nothing`,
      [
        rows.map(({ project_id }) => project_id),
        rows.map(({ address }) => address),
        rows.map(({ address }) => suppressedKey(address)),
      ],
    )
  }
}

/** Whom a list with invisible characters in an address named is not to be mailed. */
const suppressedKey = (address: string): string =>
  addressKey(canonicalAddress(address) ?? canonicalAddress(withoutUnseen(address)) ?? address)

/** In the order of audience/people/address-sql.ts. */
async function indexByAddress(client: Client): Promise<void> {
  const key = `coalesce(folded_email, lower(email collate "C"))`
  const { rows } = await client.query<{ indisvalid: boolean }>(
    `select indisvalid from pg_index where indexrelid = to_regclass('people_address')`,
  )
  // A build that was interrupted leaves what is of no use.
  if (rows[0]?.indisvalid === false) await client.query('drop index concurrently people_address')
  await client.query(
    `create index concurrently if not exists people_address on people (project_id, (${key}), id) where (${key}) is not null`,
  )
  await client.query('drop index concurrently if exists people_email')
}
