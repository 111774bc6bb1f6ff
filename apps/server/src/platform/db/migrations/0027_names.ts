import type { Client } from 'pg'

/**
 * Names as a search compares them, the same in a database of any locale: in one of Turkish locale `lower` makes a dotless i of
 * an I, in one of ICU two characters of an İ. Every i becomes the plain one before; what the letters of other languages become
 * is the same everywhere. Outside of a transaction, so that nobody who writes waits for longer than some rows take; begun again
 * from the start after a crash, because what is done needs nothing more.
 */
export async function names(client: Client): Promise<void> {
  // As in 0007, but for `translate`; search.ts folds what is looked for in the same way.
  await client.query(`
    create or replace function person_name(properties jsonb) returns text
    language sql immutable parallel safe as $$
      select nullif(left(lower(translate(btrim(coalesce(
        nullif(properties ->> 'name', ''), nullif(properties ->> 'full_name', ''), nullif(properties ->> 'fullName', ''),
        coalesce(properties ->> 'first_name', properties ->> 'firstName', properties ->> 'firstname', '') || ' ' ||
        coalesce(properties ->> 'last_name', properties ->> 'lastName', properties ->> 'lastname', '')
      )), 'Iİı', 'iii')), 100), '')
    $$`)
  await indexByName(client)
  await dropOtherSpellings(client)
  await addInnerNames(client)
}

/** Also has every session plan anew, and waits for those that still use the function as it was. */
async function indexByName(client: Client): Promise<void> {
  // A build that was interrupted leaves what is of no use.
  await client.query('drop index concurrently if exists people_name_ccnew')
  await client.query('drop index concurrently if exists people_name_ccold')
  await client.query('reindex index concurrently people_name')
}

/** What `lower` made of the letters, and nobody is called any more. */
async function dropOtherSpellings(client: Client): Promise<void> {
  await client.query(`
    delete from person_inner_names n
    where (strpos(n.name, 'ı') > 0 or strpos(n.name, 'i' || chr(775)) > 0)
      and not exists (
        select from people p, inner_names(person_name(p.properties)) as inner_name
        where p.project_id = n.project_id and p.id = n.person_id and inner_name collate "C" = n.name)`)
}

const peopleAtOnce = 2_000

async function addInnerNames(client: Client): Promise<void> {
  for (let last: [project: number, id: string] = [0, '0']; ; ) {
    const { rows } = await client.query<{ project_id: number; id: string; named: boolean }>(
      `select project_id, id, properties::text ~ '[Iİı]' as named from people
       where (project_id, id) > ($1, $2) order by project_id, id limit ${peopleAtOnce}`,
      last,
    )
    const named = rows.filter((row) => row.named)
    if (named.length > 0)
      await addInnerNamesOf(client, [named.map((row) => row.project_id), named.map(({ id }) => id)])
    if (rows.length < peopleAtOnce) return
    const { project_id, id } = rows.at(-1)!
    last = [project_id, id]
  }
}

/** Locked first, so that whoever renames or removes them meanwhile finds what is added here. */
async function addInnerNamesOf(client: Client, people: [projects: number[], ids: string[]]): Promise<void> {
  const of =
    'from unnest($1::integer[], $2::bigint[]) as r (project_id, id) join people p using (project_id, id)'
  await client.query('begin')
  await client.query(`select ${of} order by p.project_id, p.id for no key update of p`, people)
  await client.query(
    `insert into person_inner_names (project_id, name, person_id)
     select p.project_id, inner_name, p.id
     ${of} cross join lateral inner_names(person_name(p.properties)) as inner_name
     on conflict do nothing`,
    people,
  )
  await client.query('commit')
}
