import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { catalogueOf } from '../../../src/audience/catalogue/catalogue.ts'
import { catalogueLimits } from '../../../src/audience/catalogue/project-catalogue.ts'
import { typeBit, typesOf } from '../../../src/audience/catalogue/value-types.ts'
import { type Bench, event, identify, start, startBench } from '../../ingest/process-support.ts'

const day = 86_400_000
let now = start + 3_600_000
let bench: Bench

beforeAll(async () => {
  bench = await startBench(() => new Date(now))
})
afterAll(() => bench?.close())
beforeEach(() => bench.rows('delete from counters where project_id = $1', bench.projectId))

async function get(path: string) {
  const response = await fetch(`${bench.url}/api/v1/projects/${bench.projectId}${path}`, {
    headers: { authorization: `Bearer ${bench.secretKey}` },
  })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  return { status: response.status, ...((await response.json()) as any) }
}

const iso = (time: number) => new Date(time).toISOString()

it('tells values by their type', () => {
  const type = (value: Parameters<typeof typeBit>[0]) => typesOf(typeBit(value))[0]
  expect([null, undefined].map(type)).toEqual([undefined, undefined])
  expect(['', 'x', '2026-13-01', '2026-01-01 x', 1, true, [1], {}].map(type)).toEqual([
    'text',
    'text',
    'text',
    'text',
    'number',
    'boolean',
    'list',
    'object',
  ])
  expect(
    ['2026-01-31', '2026-01-31T10:00Z', '2026-01-31 10:00:00.123+02:00', '2026-01-31T10:00:00.000Z'].map(
      type,
    ),
  ).toEqual(['date', 'date', 'date', 'date'])
})

describe('the catalogue', () => {
  it('learns properties of people and events with their types, events, tags and topics', async () => {
    await bench.process(
      identify('1', 0, {
        properties: { plan: 'pro', since: '2026-01-01', nothing: null, mixed: 1 },
        tags: { add: ['vip'], remove: ['never added'] },
        topics: { news: false },
      }),
      event('1', 1, {
        name: 'Purchased_Item',
        properties: { price: 1.5, sku: 'a' },
        traits: { properties: { mixed: 'one' } },
      }),
      event('1', 2, { name: 'purchased item', properties: { price: 'free' } }),
    )
    const seen = iso(now)
    const type = (name: string) => ({ type: name, firstSeen: seen, lastSeen: seen })
    const entry = (name: string, ...types: string[]) => ({
      name,
      types: types.map(type),
      conflict: types.length > 1,
      firstSeen: seen,
      lastSeen: seen,
    })
    expect((await get('/catalog/properties')).items).toEqual([
      entry('mixed', 'number', 'text'),
      entry('plan', 'text'),
      entry('since', 'date'),
    ])
    expect((await get('/catalog/events/PURCHASED-item/properties')).items).toEqual([
      entry('price', 'number', 'text'),
      entry('sku', 'text'),
    ])
    expect((await get('/catalog/events')).items).toEqual([
      {
        name: 'Purchased_Item',
        foldedName: 'purchased item',
        firstSeen: seen,
        lastSeen: seen,
        last30Days: 2,
      },
    ])
    expect((await get('/catalog/tags')).items).toEqual([{ name: 'vip' }])
    expect((await get('/catalog/topics')).items).toEqual([{ name: 'news' }])
  })

  it('writes nothing for what it knows, and the time of last sight once a day', async () => {
    const project = await bench.newProject()
    const lastSeen = () =>
      project.rows(
        `select 'event' as what, folded_name as name, xmin::text, last_seen from event_names where project_id = $1
         union all select 'property', name, xmin::text, last_seen from property_types where project_id = $1
         union all select kind, name, xmin::text, last_seen from person_labels where project_id = $1 order by 1, 2`,
        project.projectId,
      )
    const items = [
      event('1', 0, { name: 'Opened', properties: { page: 1 } }),
      identify('1', 0, { tags: { add: ['t'], remove: [] } }),
    ]
    await project.process(...items)
    const first = await lastSeen()
    expect(first).toHaveLength(3)
    now += 60_000
    await project.process(...items)
    expect(await lastSeen()).toEqual(first)
    now += day
    await project.process(...items)
    expect((await lastSeen()).map((row) => (row as { last_seen: Date }).last_seen)).toEqual(
      Array(3).fill(new Date(now)),
    )
    const { rows } = await project.app.pool.query(
      'select distinct first_seen from property_types where project_id = $1',
      [project.projectId],
    )
    expect(rows).toEqual([{ first_seen: new Date(now - day - 60_000) }])
    now -= day + 60_000
  })

  it('keeps its limits, whatever names come, and counts by name only the events it knows', async () => {
    const project = await bench.newProject()
    const { properties, eventNames, labels } = catalogueLimits
    const many = (count: number, from = 0) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${from + i}`, i]))
    await project.process(
      event('1', 0, { name: 'Wide', properties: many(properties + 50) }),
      event('1', 0, { name: 'Wide', properties: many(200, 5_000) }),
      identify('a', 0, { properties: many(700) }),
      identify('b', 0, { properties: many(700, 700), tags: { add: ['x'.repeat(256)], remove: [] } }),
      ...[0, 1].map((half) =>
        identify(`tags${half}`, 0, {
          tags: { add: Array.from({ length: labels * 0.6 }, (_, i) => `t${half} ${i}`), remove: [] },
        }),
      ),
    )
    for (let from = 0; from < eventNames + 50; from += 500)
      await project.process(
        ...Array.from({ length: 500 }, (_, i) => event('1', 1, { name: `Event ${from + i}` })),
        event('1', 1, { name: 'x'.repeat(256), properties: { secret: 1 } }),
      )
    const count = async (sql: string) =>
      (
        await project.rows<{ n: number }>(
          `select count(*) as n from ${sql} and project_id = $1`,
          project.projectId,
        )
      )[0]!.n
    expect(await count(`property_types where event = 'wide'`)).toBe(properties)
    expect(await count(`property_types where event = ''`)).toBe(properties)
    expect(await count('person_labels where true')).toBe(labels)
    expect(await count('event_names where true')).toBe(eventNames)
    expect(await count(`counters where name like 'event:_%'`)).toBe(eventNames)
    expect(await count(`property_types where name = 'secret'`)).toBe(0)
    const [all] = await project.rows<{ value: number }>(
      `select sum(value)::int as value from counters where name = 'event:' and project_id = $1`,
      project.projectId,
    )
    expect(all!.value).toBe(await count('events where true'))
    expect((await catalogueOf(project.app, project.projectId)).size).toBe(
      eventNames + 2 * properties + labels,
    )
  })

  it('is not told what was rolled back', async () => {
    const project = await bench.newProject()
    await project.process(identify('1', 0, { properties: { bad: 'a\u0000', odd: 1 } }))
    expect(
      await project.rows('select name from property_types where project_id = $1', project.projectId),
    ).toEqual([])
    await project.process(identify('1', 0, { properties: { odd: 1 } }))
    expect(
      await project.rows('select name from property_types where project_id = $1', project.projectId),
    ).toEqual([{ name: 'odd' }])
  })
})

describe('values', () => {
  it('come most frequent first, lists by their elements, from everybody of a small project', async () => {
    await bench.process(
      ...['free', 'free', 'pro'].map((tier, i) =>
        identify(`v${i}`, 0, {
          properties: { tier, likes: ['tea', i === 0 ? 'tea' : i], long: 'x'.repeat(300) },
        }),
      ),
      identify('v9', 0, { properties: { tier: null } }),
    )
    expect((await get('/catalog/properties/tier/values')).items).toEqual([
      { value: 'free', share: 0.6667 },
      { value: 'pro', share: 0.3333 },
    ])
    expect((await get('/catalog/properties/likes/values')).items).toEqual([
      { value: 'tea', share: 1 },
      { value: 1, share: 0.3333 },
      { value: 2, share: 0.3333 },
    ])
    expect((await get('/catalog/properties/long/values')).items).toEqual([])
    expect((await get('/catalog/properties/a%00/values')).status).toBe(422)
  })

  it('come from people at random places of a large one', async () => {
    const project = await bench.newProject()
    await project.rows(
      `insert into people (project_id, external_id, properties)
       select $1, i::text, jsonb_build_object('half', i % 2) from generate_series(1, 20000) as s (i)`,
      project.projectId,
    )
    const { listValues } = await import('../../../src/audience/catalogue/values.ts')
    const values = await listValues(project.app, project.projectId, 'half')
    expect(values.map(({ value }) => value).sort()).toEqual([0, 1])
    for (const { share } of values) expect(share).toBeGreaterThan(0.3)
  })
})
