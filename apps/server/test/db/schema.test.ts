import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createTestDatabase } from '../../../../testing/postgres.ts'

/** better-auth owns these; a test of accounts compares them with what it wants. */
const foreign = [
  'users',
  'sessions',
  'user_accounts',
  'verifications',
  'organizations',
  'members',
  'invitations',
  'migrations',
]

it('schema.ts names the tables and columns that the migrations make', async () => {
  const database = await createTestDatabase()
  const { rows } = await database.pool.query<{ name: string; columns: string[] }>(
    `select c.relname as name, array_agg(a.attname::text order by a.attname) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname <> all($1) group by 1 order by 1`,
    [foreign],
  )
  await database.drop()
  expect(described()).toEqual(Object.fromEntries(rows.map(({ name, columns }) => [name, columns])))
})

/** Table → sorted columns, read from the source: types leave nothing to ask at run time. */
function described(): Record<string, string[]> {
  const source = readFileSync(new URL('../../src/db/schema.ts', import.meta.url), 'utf8')
  const interfaces = new Map(
    [...source.matchAll(/^export interface (\w+) \{\n([^}]*)\}/gm)].map(([, name, body]) => [
      name!,
      [...body!.matchAll(/^ {2}(\w+): ?([^\n]*)/gm)].map(([, member, type]) => ({
        member: member!,
        type: type!,
      })),
    ]),
  )
  const tables = interfaces.get('Schema')!.toSorted((a, b) => (a.member < b.member ? -1 : 1))
  return Object.fromEntries(
    tables.map(({ member, type }) => [
      member,
      interfaces
        .get(type)!
        .map((column) => column.member)
        .sort(),
    ]),
  )
}
