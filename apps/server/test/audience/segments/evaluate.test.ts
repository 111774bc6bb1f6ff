import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConditionCompiler } from '../../../src/audience/conditions/condition-sql.ts'
import type { Condition } from '../../../src/audience/conditions/language.ts'
import { loadZones } from '../../../src/audience/conditions/load-zones.ts'
import type { IngestItem } from '../../../src/audience/items/item.ts'
import { deleteSegment } from '../../../src/audience/segments/change-segment.ts'
import { evaluateStep } from '../../../src/audience/segments/evaluate.ts'
import { maintainSegments } from '../../../src/audience/segments/maintain.ts'
import { segmentUsers } from '../../../src/segment-users.ts'
import { event, identify, merge, start } from '../../ingest/process-support.ts'
import { segmentCondition } from '../conditions/arbitraries.ts'
import { type SegmentBench, startSegmentBench } from './support.ts'

const dayMs = 86_400_000
const noon = start + dayMs
const pro: Condition = { person: 'plan', operator: 'equals', value: 'pro' }
const active: Condition = { event: 'Signed in', within: { last: { days: 7 } } }

let root: SegmentBench
let bench: SegmentBench

beforeAll(async () => {
  root = await startSegmentBench(noon)
})
afterAll(() => root?.close())
beforeEach(async () => {
  bench = await root.newProject()
  bench.at(noon)
})

const crossings = (of: SegmentBench) =>
  of.rows(
    `select p.external_id as who, e.name from events e join people p on p.project_id = $1 and p.id = e.person_id
     where e.project_id = $1 and e.source = 'fairway' order by e.occurred_at, 1, 2`,
    of.projectId,
  )

describe('a segment', () => {
  it('is built of those who are there, without anybody entering', async () => {
    await bench.process(
      identify('a', 1, { properties: { plan: 'pro' } }),
      identify('b', 2, { properties: { plan: 'free' } }),
    )
    const segment = await bench.create('Pro', pro)
    expect(segment).toMatchObject({ state: 'building', size: 0, task: { kind: 'segment_build', total: 2 } })
    await bench.build()
    expect(await bench.members(segment.id)).toEqual(['a'])
    const [stored] = await bench.rows('select state, size, built_at from segments where id = $1', segment.id)
    expect(stored).toEqual({ state: 'ready', size: 1, built_at: new Date(noon) })
    expect(await crossings(bench)).toEqual([])
  })

  it('looks at many people over the connections that are free, be it one', async () => {
    const segment = await bench.create('Pro', pro)
    await bench.build()
    const everybody = Array.from({ length: 1_200 }, (_, n) => `p${String(n).padStart(4, '0')}`)
    const become = (at: number, isPro: (n: number) => boolean) =>
      bench.process(
        ...everybody.map((id, n) => identify(id, at, { properties: { plan: isPro(n) ? 'pro' : 'free' } })),
      )
    await become(1, (n) => n % 3 === 0)
    await bench.evaluate()
    expect(await bench.members(segment.id)).toEqual(everybody.filter((_, n) => n % 3 === 0))

    await become(2, (n) => n % 2 === 0)
    const { pool } = bench.app
    const taken = await Promise.all(Array.from({ length: pool.options.max - 1 }, () => pool.connect()))
    await bench.evaluate()
    for (const client of taken) client.release()
    expect(await bench.members(segment.id)).toEqual(everybody.filter((_, n) => n % 2 === 0))
  })

  it('follows what people become and do, and tells it as events', async () => {
    const proSegment = await bench.create('Pro', pro)
    const activeSegment = await bench.create('Active', active)
    await bench.build()
    await bench.process(
      identify('a', 1, { properties: { plan: 'pro' } }),
      event('a', 2, { name: 'signed-in' }),
      event('b', 3, { name: 'Other' }),
    )
    await bench.evaluate()
    expect(await bench.members(proSegment.id)).toEqual(['a'])
    expect(await bench.members(activeSegment.id)).toEqual(['a'])
    await bench.process(
      identify('a', 4, { properties: { plan: 'free' } }),
      event('b', 5, { name: 'Signed in' }),
    )
    await bench.evaluate()
    expect(await bench.members(proSegment.id)).toEqual([])
    expect(await bench.members(activeSegment.id)).toEqual(['a', 'b'])
    expect(await crossings(bench)).toEqual([
      { who: 'a', name: 'Entered segment: Active' },
      { who: 'a', name: 'Entered segment: Pro' },
      { who: 'a', name: 'Left segment: Pro' },
      { who: 'b', name: 'Entered segment: Active' },
    ])
    expect(
      await bench.rows('select id, size from segments where project_id = $1 order by id', bench.projectId),
    ).toEqual([
      { id: proSegment.id, size: 0 },
      { id: activeSegment.id, size: 2 },
    ])
  })

  it('is left when the time has come, and nobody else is looked at for it', async () => {
    const segment = await bench.create('Active', active)
    await bench.build()
    await bench.process(event('a', 0, { name: 'Signed in' }), event('b', dayMs / 2, { name: 'Signed in' }))
    await bench.evaluate()
    expect(await bench.members(segment.id)).toEqual(['a', 'b'])
    bench.at(start + 7 * dayMs)
    await bench.evaluate()
    expect(await bench.members(segment.id)).toEqual(['a', 'b'])
    bench.at(start + 7 * dayMs + 1)
    await bench.evaluate()
    expect(await bench.members(segment.id)).toEqual(['b'])
    bench.at(start + 8 * dayMs)
    await bench.evaluate()
    expect(await bench.members(segment.id)).toEqual([])
    expect(await bench.rows('select * from segment_due where project_id = $1', bench.projectId)).toEqual([])
  })

  it('made while others have been in it for a while knows when they leave', async () => {
    await bench.process(
      event('a', 0, { name: 'Signed in' }),
      event('b', dayMs / 2, { name: 'Signed in' }),
      identify('c', 1, {}),
    )
    const segment = await bench.create('Active', active)
    await bench.build()
    expect(await bench.members(segment.id)).toEqual(['a', 'b'])
    bench.at(start + 7 * dayMs + 1)
    await bench.evaluate()
    expect(await bench.members(segment.id)).toEqual(['b'])
  })

  it('with other conditions is worked out anew, and those that name it with it', async () => {
    await bench.process(
      identify('a', 1, { properties: { plan: 'pro' } }),
      identify('b', 2, { properties: { plan: 'free' } }),
    )
    const inner = await bench.create('Inner', pro)
    const outer = await bench.create('Outer', { segment: inner.id, in: false })
    await bench.build()
    expect(await bench.members(outer.id)).toEqual(['b'])
    await bench.redefine(inner.id, { person: 'plan', operator: 'equals', value: 'free' })
    await bench.build()
    expect(await bench.members(inner.id)).toEqual(['b'])
    expect(await bench.members(outer.id)).toEqual(['a'])
  })

  it('takes nobody in for good whom a merge made somebody else', async () => {
    const manual = await bench.create('Guests', null)
    const segment = await bench.create('Pro', pro)
    await bench.build()
    await bench.process(identify('a', 1, { properties: { plan: 'pro' } }), identify('b', 2, {}))
    await bench.rows(
      `insert into segment_members (project_id, segment_id, person_id, entered_at)
       select $1, $2, id, now() from people where project_id = $1 and external_id = 'a'`,
      bench.projectId,
      manual.id,
    )
    await bench.rows('update segments set size = 1 where id = $1', manual.id)
    await bench.evaluate()
    await bench.process(merge('a', 'b', 3))
    await bench.evaluate()
    expect(await bench.members(segment.id)).toEqual(['b'])
    expect(await bench.members(manual.id)).toEqual(['b'])
    expect(
      await bench.rows(
        'select name, size from segments where project_id = $1 order by name',
        bench.projectId,
      ),
    ).toEqual([
      { name: 'Guests', size: 1 },
      { name: 'Pro', size: 1 },
    ])
  })

  it('triggers campaigns', async () => {
    await bench.rows(`insert into templates (project_id, name) values ($1, 'T')`, bench.projectId)
    await bench.rows(
      `insert into campaigns (project_id, name, state, trigger_event, folded_trigger, template_id)
       select $1, 'Welcome', 'live', 'Entered segment: Pro', 'entered segment: pro', id from templates where project_id = $1`,
      bench.projectId,
    )
    await bench.create('Pro', pro)
    await bench.build()
    await bench.process(identify('a', 1, { properties: { plan: 'pro' } }))
    await bench.evaluate()
    expect(await bench.rows('select state from messages where project_id = $1', bench.projectId)).toEqual([
      { state: 'pending' },
    ])
  })
})

it('members of a deleted segment go with the next housekeeping, and no others', async () => {
  const [gone, stays] = [await bench.create('Gone', pro), await bench.create('Stays', pro)]
  await bench.build()
  await bench.process(identify('a', 1, { properties: { plan: 'pro' } }))
  await bench.evaluate()
  await deleteSegment(bench.app, segmentUsers, bench.projectId, gone.id)
  await maintainSegments(bench.app)
  expect(
    await bench.rows('select segment_id from segment_members where project_id = $1', bench.projectId),
  ).toEqual([{ segment_id: stays.id }])
})

it('writers announce nothing in a project without dynamic segments', async () => {
  await bench.create('By hand', null)
  await bench.process(identify('a', 1, {}), event('a', 2))
  expect(await bench.rows('select * from changed_people where project_id = $1', bench.projectId)).toEqual([])
})

/** Whatever happens in whatever order, builds in between, in the end everybody is where the database says they belong. */
it('ends where a count from scratch ends', async () => {
  const who = fc.constantFrom('a', 'b', 'c', 'd')
  const at = fc.integer({ min: 0, max: 10 * 24 }).map((hours) => hours * 3_600_000)
  const value = fc.constantFrom('pro', 'free', 5, '2026-06-03', null)
  const item: fc.Arbitrary<IngestItem> = fc.oneof(
    fc
      .tuple(who, at, fc.constantFrom('plan', 'age', 'sku'), value)
      .map(([id, when, name, is]) => identify(id, when, { properties: { [name]: is } })),
    fc
      .tuple(who, at, fc.constantFrom('Left', 'viewed item'))
      .map(([id, when, name]) => event(id, when, { name })),
    fc
      .tuple(who, who, at)
      .filter(([a, b]) => a !== b)
      .map(([a, b, when]) => merge(a, b, when)),
  )
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.array(item, { minLength: 1, maxLength: 4 }).map((items) => ({ items })) },
    { weight: 2, arbitrary: fc.constant({ evaluate: true as const }) },
    { weight: 1, arbitrary: fc.constant({ build: true as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ redefine: fc.integer({ min: 0, max: 2 }), conditions: segmentCondition }),
    },
  )
  const withoutManual = (condition: Condition) => !JSON.stringify(condition).includes('"segment"')
  const conditions = segmentCondition.filter(withoutManual)
  await fc.assert(
    fc.asyncProperty(
      fc.array(conditions, { minLength: 3, maxLength: 3 }),
      fc.array(step, { minLength: 3, maxLength: 12 }),
      async (three, steps) => {
        bench = await root.newProject()
        const segments: number[] = []
        const current = [...three]
        for (const [place, one] of three.entries()) segments.push((await bench.create(`S${place}`, one)).id)
        let time = start + 10 * dayMs
        for (const one of steps) {
          bench.at((time += 20 * 3_600_000))
          if ('items' in one) await bench.process(...one.items.map((each) => ({ ...each, acceptedAt: time })))
          else if ('evaluate' in one) await bench.evaluate()
          else if ('build' in one) await bench.build()
          else if (withoutManual(one.conditions)) {
            await bench.redefine(segments[one.redefine]!, one.conditions)
            current[one.redefine] = one.conditions
          }
        }
        await bench.build()
        await bench.evaluate()
        const now = new Date(time)
        for (const [place, one] of current.entries()) {
          const zones = await loadZones(bench.app.pool, bench.projectId, one)
          const compiler = new ConditionCompiler(bench.projectId, now, 'sets', { zones })
          const belongs = compiler.compile(one)
          const expected = await bench.rows<{ external_id: string }>(
            `select external_id from people p ${compiler.joins} where p.project_id = ${compiler.context.project} and ${belongs} order by 1`,
            ...compiler.values,
          )
          const members = await bench.members(segments[place]!)
          expect([one, members]).toEqual([one, expected.map(({ external_id }) => external_id)])
          const [row] = await bench.rows<{ size: number }>(
            'select size from segments where id = $1',
            segments[place],
          )
          expect(row!.size).toBe(members.length)
        }
      },
    ),
    { numRuns: 40 },
  )
}, 120_000)

it('hundreds of thousands of crossings at once are stored in parts', async () => {
  const [people, segments] = [1_500, 90]
  for (let place = 0; place < segments; place++)
    await bench.rows(
      `insert into segments (project_id, name, kind, conditions) values ($1, $2, 'dynamic', $3)`,
      bench.projectId,
      `Everybody ${place}`,
      JSON.stringify({ person: 'age', operator: '>=', value: -place }),
    )
  await bench.process(
    ...Array.from({ length: people }, (_, n) => identify(`p${n}`, 1, { properties: { age: n } })),
  )
  await bench.evaluate()
  const [counted] = await bench.rows(
    `select (select count(*) from events where project_id = $1)::int as events,
       (select sum(size) from segments where project_id = $1)::int as members`,
    bench.projectId,
  )
  expect(counted).toEqual({ events: people * segments, members: people * segments })
}, 120_000)

it('more people than one step looks at are looked at in parts, each once, whatever order they changed in', async () => {
  const people = 12_000
  const segment = await bench.create('Even', { person: 'even', operator: 'equals', value: true })
  await bench.build()
  await bench.rows(
    `insert into people (project_id, external_id, properties)
     select $1, 'p' || n, jsonb_build_object('even', n % 2 = 0) from generate_series(1, ${people}) as n`,
    bench.projectId,
  )
  // Each of them twice, in rows of people from everywhere, and with events that no segment asks for.
  await bench.rows(
    `insert into changed_people (project_id, people, event_people, event_names)
     select $1, array_agg(id), array_agg(id), array_agg('seen'::text)
     from (select id, row_number() over (order by hashint8(id)) % 30 as part from people where project_id = $1) as p
     cross join generate_series(1, 2) group by part`,
    bench.projectId,
  )
  const steps = await crossingsByStep(bench)
  expect((await bench.members(segment.id)).length).toBe(people / 2)
  expect(steps.reduce((sum, entered) => sum + entered)).toBe(people / 2)
  expect(steps.length).toBeGreaterThan(1)
  expect(await bench.rows('select from changed_people union all select from changed_batches')).toEqual([])
})

it('a step that finds very many changes leaves the other people to the next', async () => {
  const [people, segments] = [4_000, 40]
  for (let place = 0; place < segments; place++)
    await bench.rows(
      `insert into segments (project_id, name, kind, conditions, state) values ($1, $2, 'dynamic', $3, 'ready')`,
      bench.projectId,
      `All ${place}`,
      JSON.stringify({ subscribed: true }),
    )
  await bench.rows(
    `insert into people (project_id, external_id) select $1, 'p' || n from generate_series(1, ${people}) as n`,
    bench.projectId,
  )
  await bench.rows(
    `insert into changed_people (project_id, people, event_people, event_names)
     select $1, array_agg(id), '{}', '{}' from people where project_id = $1`,
    bench.projectId,
  )
  const steps = await crossingsByStep(bench)
  expect(steps.reduce((sum, entered) => sum + entered)).toBe(people * segments)
  expect(Math.max(...steps)).toBeLessThan(people * segments)
  const [sizes] = await bench.rows(
    'select min(size)::int as least, max(size)::int as most from segments where project_id = $1',
    bench.projectId,
  )
  expect(sizes).toEqual({ least: people, most: people })
})

/** Evaluates to the end. */
async function crossingsByStep({ app, projectId }: SegmentBench): Promise<number[]> {
  const steps: number[] = []
  const note = async (_: unknown, events: unknown[]) => void steps.push(events.length)
  while (await evaluateStep(app, projectId, note));
  return steps
}
