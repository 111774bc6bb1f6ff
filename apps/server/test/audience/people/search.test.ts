import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { countFound, searchPeople } from '../../../src/audience/people/search.ts'
import { type Bench, event, identify, merge, startBench } from '../../ingest/process-support.ts'

let root: Bench
beforeAll(async () => {
  root = await startBench()
})
afterAll(() => root?.close())

interface Row {
  id: number
  external_id: string | null
  email: string | null
  phone: string | null
  name: string | null
}

const project = (bench: Bench, defaultCountry: string | null = null) => ({
  id: bench.projectId,
  defaultCountry,
})

async function everything(bench: Bench, search: string, limit: number, app = bench.app): Promise<number[]> {
  const ids: number[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await searchPeople(app, project(bench), search, { limit, cursor })
    expect(page.items.length).toBeLessThanOrEqual(limit)
    ids.push(...page.items.map(({ id }) => id))
    if (page.nextCursor === null) return ids
    cursor = page.nextCursor
  }
}

/** What a name is from each word on but the first, one space between two. */
const innerNames = (name: string | null): string[] => {
  const words = (name ?? '').split(/[ ,.'’-]+/).filter((word) => word !== '')
  return words.slice(1).map((_, place) => words.slice(place + 1).join(' '))
}

/** What a search should find, read plainly. */
async function expected(bench: Bench, search: string): Promise<number[]> {
  const rows = await bench.rows<Row>(
    `select id, external_id, lower(email) as email, phone, person_name(properties) as name from people where project_id = $1`,
    bench.projectId,
  )
  const aliases = await bench.rows<{ id: number; kind: string; alias: string }>(
    'select person_id as id, kind, alias from person_aliases where project_id = $1 order by alias collate "C"',
    bench.projectId,
  )
  const ids: number[] = []
  const aliasStage = (of: string) => {
    for (const { id, kind, alias } of aliases)
      if (kind === of && alias.startsWith(search) && !ids.includes(id)) ids.push(id)
  }
  const stage = (value: (row: Row) => string | null, prefix: string) => {
    const hits = rows.filter((row) => value(row)?.startsWith(prefix))
    hits.sort((a, b) => Buffer.compare(Buffer.from(value(a)!), Buffer.from(value(b)!)) || a.id - b.id)
    for (const { id } of hits) if (!ids.includes(id)) ids.push(id)
  }
  stage((row) => row.external_id, search)
  aliasStage('external')
  aliasStage('anonymous')
  stage((row) => row.email, search.toLowerCase())
  if (/^\+?\d+$/.test(search)) stage((row) => row.phone, search)
  stage((row) => row.name, search.toLowerCase())
  const inside = rows.flatMap(({ id, name }) =>
    innerNames(name)
      .filter((inner) => inner.startsWith(search.toLowerCase()))
      .map((inner) => ({ id, inner })),
  )
  inside.sort((a, b) => Buffer.compare(Buffer.from(a.inner), Buffer.from(b.inner)) || a.id - b.id)
  for (const { id } of inside) if (!ids.includes(id)) ids.push(id)
  return ids
}

it('finds by the beginning of id, old and anonymous id, address, phone and name, in this order, each by its value, nobody twice', async () => {
  const bench = await root.newProject()
  const text = fc.constantFrom(
    'a',
    'A',
    'ab',
    'aB%',
    'a_',
    'b',
    'ann',
    'Ann B',
    'ann b-a ab a',
    'ä',
    'é',
    '1',
    '+49',
    '+491',
    '😀',
  )
  const person = fc.record({ email: text, phone: text, name: text, first: text, last: text, has: fc.nat(31) })
  const people = fc.sample(person, { numRuns: 150, seed: 7 })
  await bench.process(
    ...people.map(({ email, phone, name, first, last, has }, i) =>
      identify(`${name}${i}`, i, {
        ...(has & 1 ? { email: `${email}@b.co` } : {}),
        ...(has & 2 ? { phone } : {}),
        properties: {
          ...(has & 4 ? { name } : {}),
          ...(has & 8 ? { first_name: first } : {}),
          ...(has & 16 ? { lastName: last } : {}),
        },
      }),
    ),
    ...['v1', 'v2', 'an', 'annual'].map((anonymousId, i) => event({ anonymousId }, i)),
    ...['ann1', 'ann2', 'a', 'aB%'].map((anonymousId, i) => event({ id: 'ann', anonymousId }, i)),
    ...['ab', 'ann9', 'anna', 'b'].map((id, i) => merge(id, i < 3 ? '1' : 'ab', 1_000 + i)),
  )
  for (const search of ['a', 'A', 'ab', 'aB%', 'a_', 'ann', 'Ann B', 'ä', '+49', '1', '😀', 'nobody']) {
    const all = await expected(bench, search)
    expect(await everything(bench, search, 100)).toEqual(all)
    expect(await everything(bench, search, 7)).toEqual(all)
  }
  expect(await everything(bench, 'ann', 1)).toEqual(await expected(bench, 'ann'))
})

it('finds what is inside names: surnames, double ones, the last of many words; and counts', async () => {
  const bench = await root.newProject()
  const name = (name: string) => ({ properties: { name } })
  await bench.process(
    identify('1', 1, name('Ada Lovelace')),
    identify('2', 2, { properties: { firstName: 'Gabriel José', lastName: 'García Márquez' } }),
    identify('3', 3, name("Anna-Lena O'Brien")),
    identify('4', 4, name('Eva Maria Sophie von der Lühe')),
    identify('5', 5, name('Cher')),
    identify('6', 6, { ...name('Lovelace'), email: 'lovelace@x.co' }),
  )
  const found = async (search: string) => {
    const { items } = await searchPeople(bench.app, project(bench), search, { limit: 10 })
    const ids = items.map(({ externalId }) => externalId)
    expect(await countFound(bench.app, project(bench), search)).toEqual({ count: ids.length, more: false })
    return ids
  }
  expect(await found('LOVE')).toEqual(['6', '1'])
  expect(await found('garcía m')).toEqual(['2'])
  expect(await found('Márq')).toEqual(['2'])
  expect(await found('José G')).toEqual(['2'])
  expect(await found('lena')).toEqual(['3'])
  expect(await found("O'Br")).toEqual(['3'])
  expect(await found('Lühe')).toEqual(['4'])
  expect(await found('velace')).toEqual([])
})

it('keeps what is inside names as the names are: renamed, merged, without a name, gone', async () => {
  const bench = await root.newProject()
  const inside = async () =>
    (
      await bench.rows<{ name: string }>(
        'select name from person_inner_names where project_id = $1 order by name',
        bench.projectId,
      )
    ).map(({ name }) => name)
  const named = (id: string, at: number, name: string | null) => identify(id, at, { properties: { name } })
  await bench.process(named('a', 1, 'Ada King Lovelace'), named('b', 2, 'Bo Derek'))
  expect(await inside()).toEqual(['derek', 'king lovelace', 'lovelace'])
  await bench.process(named('a', 3, 'Ada Byron'), identify('a', 4, { properties: { plan: 'x' } }))
  expect(await inside()).toEqual(['byron', 'derek'])
  await bench.process(merge('b', 'a', 5))
  expect(await inside()).toEqual(['byron'])
  await bench.process(named('a', 6, null), named('c', 7, 'Cy Twombly'))
  expect(await inside()).toEqual(['twombly'])
  await bench.rows('delete from people where project_id = $1', bench.projectId)
  expect(await inside()).toEqual([])
})

it('counts up to ten thousand', async () => {
  const bench = await root.newProject()
  await bench.rows(
    `insert into people (project_id, external_id, properties)
     select $1, 'p' || i, '{"name": "Ann Smith"}' from generate_series(1, 10001) as s (i)`,
    bench.projectId,
  )
  expect(await countFound(bench.app, project(bench), 'smi')).toEqual({ count: 10_000, more: true })
  const call = async (query: string) => {
    const response = await fetch(`${root.url}/api/v1/projects/${bench.projectId}/people/count${query}`, {
      headers: { authorization: `Bearer ${root.secretKey}` },
    })
    return response.json()
  }
  expect([await call('?search=p1000'), await call('')]).toEqual(
    root.projectId === bench.projectId
      ? [
          { count: 3, more: false },
          { count: 10_001, more: false },
        ]
      : [expect.anything(), expect.anything()],
  )
})

it('gives a page and goes on where thousands were told already, as when addresses serve as ids', async () => {
  const bench = await root.newProject()
  await bench.rows(
    `insert into people (project_id, external_id, email)
     select $1, 'same' || i || '@b.co', 'same' || i || '@b.co' from generate_series(1, 12000) as s (i)`,
    bench.projectId,
  )
  await bench.process(identify('other', 1, { email: 'same@z.co' }))
  const ids = await everything(bench, 'same', 3_000)
  expect(new Set(ids).size).toBe(12_001)
  expect(ids).toHaveLength(12_001)
})

it('reads few blocks for any page: where all values begin alike, and of thousands of ids that lead to one or to others', async () => {
  const bench = await root.newProject()
  await bench.rows(
    `with people as (
       insert into people (project_id, external_id, email, properties, updated_at)
       select $1, value, value, jsonb_build_object('name', value), now() - i * interval '1 second'
       from (select i, 'same' || i || '@b.co' as value from generate_series(1, 3000) as s (i)) as s returning id),
     named as (
       insert into people (project_id, properties)
       select $1, '{"name": "Same Name"}' from generate_series(1, 200))
     insert into person_aliases (project_id, kind, alias, person_id)
     select $1, 'anonymous', 'same' || md5(n || 'of' || id), id from people, generate_series(1, 10) as s (n)
     union all
     select $1, 'external', 'same' || md5(n::text), (select min(id) from people) from generate_series(1, 5000) as s (n)`,
    bench.projectId,
  )
  let most = 0
  const query = async (text: string, values: unknown[]) => {
    const { rows } = await bench.app.pool.query(`explain (analyze, buffers, format json) ${text}`, values)
    const { Plan: plan } = rows[0]['QUERY PLAN'][0]
    most = Math.max(most, plan['Shared Hit Blocks'] + plan['Shared Read Blocks'])
    return bench.app.pool.query(text, values)
  }
  const app = { ...bench.app, pool: { query } } as unknown as typeof bench.app
  const ids = await everything(bench, 'same', 100, app)
  expect(ids).toHaveLength(3_200)
  expect(new Set(ids).size).toBe(3_200)
  expect(most).toBeLessThan(2_000)
})

it('takes a number as people write it', async () => {
  const bench = await root.newProject()
  await bench.process(
    identify('x', 1, { phone: '+4930123456' }),
    identify('y', 2, { phone: '(030) 99' }),
    identify('30', 3, { properties: { first_name: 'Thirty', last_name: 'One' } }),
  )
  const names = async (search: string, country?: string) =>
    (await searchPeople(bench.app, project(bench, country), search, { limit: 10 })).items.map(
      ({ externalId }) => externalId,
    )
  expect(await names('+49 30 / 123')).toEqual(['x'])
  expect(await names('0049 (30)')).toEqual(['x'])
  expect(await names('(030)')).toEqual(['y'])
  expect(await names('030', 'DE')).toEqual(['x'])
  expect(await names('(030)', 'DE')).toEqual(['x', 'y'])
  expect(await names('thirty O')).toEqual(['30'])
})

it('refuses what is no cursor of a search with 422', async () => {
  const call = async (query: string) => {
    const response = await fetch(`${root.url}/api/v1/projects/${root.projectId}/people?${query}`, {
      headers: { authorization: `Bearer ${root.secretKey}` },
    })
    return { status: response.status, body: await response.json() }
  }
  expect(await call('search=a')).toMatchObject({ status: 200, body: { items: [], nextCursor: null } })
  for (const parts of [
    ['9', 'a', '1'],
    ['0', 'a\0', '1'],
    ['0', 'a', 'x'],
    ['0', 'a'],
  ]) {
    const cursor = Buffer.from(JSON.stringify(parts)).toString('base64url')
    expect(await call(`search=a&cursor=${cursor}`)).toMatchObject({ status: 422, body: { field: 'cursor' } })
  }
  expect(await call('search=a%00')).toMatchObject({ status: 422, body: { field: 'search' } })
})
