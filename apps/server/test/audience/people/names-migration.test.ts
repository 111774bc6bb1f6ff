import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { searchPeople } from '../../../src/audience/people/search.ts'
import { migrate } from '../../../src/platform/db/migrate.ts'

describe.each([undefined, 'tr-TR', 'en-US'])('in a database of locale %s', (icuLocale) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ icuLocale, config: { role: 'api' } })
  })
  afterAll(() => server?.close())

  const people = [
    ['1', { name: 'Irmak IŞIK' }],
    ['2', { name: 'İlker YILDIZ' }],
    ['3', { first_name: 'ILKER', last_name: 'Ünal' }],
    ['4', { name: 'kim ırmak' }],
    ['5', { name: 'Ines Ångström' }],
    ['6', {}],
  ] as const
  const store = () =>
    server.app.pool.query(
      `insert into people (project_id, external_id, properties)
       select $1, id, properties from json_to_recordset($2) as r (id text, properties jsonb)`,
      [server.projectId, JSON.stringify(people.map(([id, properties]) => ({ id, properties })))],
    )
  const found = async (search: string) => {
    const project = { id: server.projectId, defaultCountry: null }
    const { items } = await searchPeople(server.app, project, search, { limit: 10 })
    const { rows } = await server.app.pool.query<{ id: string }>(
      'select external_id as id from people where id = any($1::bigint[])',
      [items.map(({ id }) => id)],
    )
    return rows.map(({ id }) => id).sort()
  }
  const searches: [search: string, ids: string[]][] = [
    ['Irmak', ['1', '4']],
    ['ırmak', ['1', '4']],
    ['irmak ışık', ['1']],
    ['IŞIK', ['1']],
    ['ILKER', ['2', '3']],
    ['İlker', ['2', '3']],
    ['yıldız', ['2']],
    ['YILDIZ', ['2']],
    ['ÜNAL', ['3']],
    ['ines ÅNG', ['5']],
  ]
  const innerNames = async () =>
    (
      await server.app.pool.query(
        'select person_id, name from person_inner_names where project_id = $1 order by person_id, name',
        [server.projectId],
      )
    ).rows
  const expectFound = async () => {
    for (const [search, ids] of searches) expect([search, await found(search)]).toEqual([search, ids])
  }

  test('people are found by a name in any letters', async () => {
    await store()
    await expectFound()
  })

  test('also those who were stored before names were compared so, and by an index', async () => {
    const { pool } = server.app
    const expected = (await innerNames()).map(({ name }) => name)
    await pool.query('delete from people where project_id = $1', [server.projectId])
    expect(await innerNames()).toEqual([])
    await pool.query(`
      delete from migrations where version = 27;
      create or replace function person_name(properties jsonb) returns text
      language sql immutable parallel safe as $$
        select nullif(left(lower(btrim(coalesce(
          nullif(properties ->> 'name', ''), nullif(properties ->> 'full_name', ''), nullif(properties ->> 'fullName', ''),
          coalesce(properties ->> 'first_name', properties ->> 'firstName', properties ->> 'firstname', '') || ' ' ||
          coalesce(properties ->> 'last_name', properties ->> 'lastName', properties ->> 'lastname', '')
        ))), 100), '')
      $$`)
    await store()
    if (icuLocale === 'tr-TR') expect(await found('Irmak')).toEqual([])
    // Begun twice, as after a crash, and while others read.
    const reader = new pg.Client({ connectionString: server.app.config.databaseUrl })
    await reader.connect()
    try {
      await migrate(server.app.config.databaseUrl!)
      await pool.query('delete from migrations where version = 27')
      await migrate(server.app.config.databaseUrl!)
      expect((await innerNames()).map(({ name }) => name)).toEqual(expected)
      await expectFound()
      for (const client of [reader, pool]) {
        await client.query('set enable_seqscan = off')
        const { rows } = await client.query(
          `explain select id from people p where project_id = 1 and person_name(p.properties) collate "C" >= 'irm'
             and person_name(p.properties) collate "C" < 'irn' order by person_name(p.properties) collate "C", id limit 5`,
        )
        expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('people_name')
      }
    } finally {
      await reader.end()
    }
    // Nothing is left of who is renamed or removed.
    await pool.query(
      `update people set properties = '{"name": "A B"}' where project_id = $1 and external_id = '2'`,
      [server.projectId],
    )
    await pool.query(`delete from people where project_id = $1 and external_id <> '2'`, [server.projectId])
    expect((await innerNames()).map(({ name }) => name)).toEqual(['b'])
  })
})
