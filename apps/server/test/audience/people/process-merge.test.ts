import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { IngestItem } from '../../../src/audience/items/item.ts'
import { listTimeline } from '../../../src/audience/people/timeline.ts'
import { type Bench, event, identify, merge, startBench } from '../../ingest/process-support.ts'

let root: Bench
let bench: Bench

beforeAll(async () => {
  root = await startBench()
})
afterAll(() => root?.close())
beforeEach(async () => {
  bench = await root.newProject()
})

interface Group {
  externalId: string | null
  ids: string[]
  state: unknown
  events: string[]
}

/** Who is who and what is known of them, without our own ids and histories, which do depend on the order. */
async function world(of: Bench): Promise<Group[]> {
  return of.rows<Group>(
    `select p.external_id as "externalId",
       (select array_agg(kind || ':' || alias order by kind, alias) from (
          select kind, alias from person_aliases a where a.project_id = $1 and a.person_id = p.id) as a) as ids,
       to_jsonb(p) - 'id' - 'project_id' - 'anonymous_id' - 'created_at' - 'updated_at' as state,
       (select array_agg(name order by name) from events e where e.project_id = $1 and e.person_id = p.id) as events
     from people p where project_id = $1 order by 1, 2, 3`,
    of.projectId,
  )
}

describe('merging', () => {
  it('makes one person of two: the later write of each property, and everything else of both', async () => {
    await bench.process(
      identify('old', 1, { email: 'old@b.co', properties: { a: 'old', b: 'old', c: null } }),
      identify('new', 2, { properties: { a: 'new', c: 'late' }, tags: { add: ['n'], remove: [] } }),
      identify('old', 3, { properties: { b: 'newest' }, tags: { add: ['o'], remove: ['n'] } }),
      event('old', 4),
      event('new', 5),
    )
    await bench.rows(
      `insert into messages (project_id, id, cause, class, person_id)
       select $1, gen_random_uuid(), 'c' || id, 'behavioral', id from people where project_id = $1`,
      bench.projectId,
    )
    const jobs = await bench.process(merge('old', 'new', 10))
    const merged = await world(bench)
    expect(merged).toMatchObject([
      {
        externalId: 'new',
        ids: ['external:old'],
        state: { email: 'old@b.co', properties: { a: 'new', b: 'newest', c: 'late' }, tags: ['o'] },
        events: ['Did it', 'Did it'],
      },
    ])
    const [person] = await bench.rows('select id from people where project_id = $1', bench.projectId)
    const owners = await bench.rows('select person_id from messages where project_id = $1', bench.projectId)
    expect(owners).toEqual([{ person_id: person!.id }, { person_id: person!.id }])
    const merges = () =>
      bench.rows(
        `select person_id, detail from person_changes where project_id = $1 and kind = 'merged'`,
        bench.projectId,
      )
    const once = [{ person_id: person!.id, detail: { from: ['old'], into: 'new' } }]
    expect(await merges()).toEqual(once)

    await bench.redeliver(jobs)
    await bench.process(merge('old', 'new', 11))
    expect(await merges()).toEqual(once)
    expect((await world(bench))[0]).toMatchObject({ externalId: 'new', ids: ['external:old'] })
  })

  it('moves messages, memberships of manual segments, and the latest hold of each frequency rule; its timeline tells of it', async () => {
    await bench.process(identify('old', 1), identify('new', 2), identify('third', 3))
    const ids = await bench.rows<{ id: number }>(
      'select id from people where project_id = $1 order by external_id',
      bench.projectId,
    )
    const [current, old, third] = ids.map(({ id }) => id)
    await bench.rows(
      `with s as (insert into segments (project_id, name, kind, size)
         values ($1, 'Both', 'manual', 2), ($1, 'One', 'manual', 1) returning id, name),
       h as (insert into frequency_holds (project_id, campaign_id, person_id, test, message_id, held_at)
         select $1, campaign, person, false, gen_random_uuid(), timestamptz '2026-01-01' + at * interval '1 day'
         from (values (1, $2::bigint, 5), (1, $4, 9), (1, $3, 7), (2, $2, 1)) as v (campaign, person, at))
       insert into segment_members (project_id, segment_id, person_id, entered_at)
       select $1, s.id, p, now() from s, unnest(array[$2::bigint, $3]) as p where s.name = 'Both' or p = $2`,
      bench.projectId,
      old,
      current,
      third,
    )
    await bench.process(merge('old', 'new', 10), merge('third', 'new', 11))
    expect(
      await bench.rows(
        `select name, size, (select array_agg(person_id)::text from segment_members m where m.project_id = $1 and m.segment_id = s.id) as members
         from segments s where project_id = $1 order by name`,
        bench.projectId,
      ),
    ).toEqual([
      { name: 'Both', size: 1, members: `{${current}}` },
      { name: 'One', size: 1, members: `{${current}}` },
    ])
    expect(
      await bench.rows(
        `select campaign_id, person_id, held_at::date::text as day from frequency_holds where project_id = $1 order by 1`,
        bench.projectId,
      ),
    ).toEqual([
      { campaign_id: 1, person_id: current, day: '2026-01-10' },
      { campaign_id: 2, person_id: current, day: '2026-01-02' },
    ])
    const { items } = await listTimeline(bench.app, bench.projectId, current!, { limit: 10 })
    expect(items).toMatchObject([
      { kind: 'change', change: 'merged', detail: { from: ['old', 'third'], into: 'new' } },
    ])
  })

  it('leads old ids to the merged person, from then on and before it was created', async () => {
    await bench.process(merge('a', 'b', 1))
    await bench.process(event('a', 2), identify('b', 3, { properties: { x: 1 } }))
    expect(await world(bench)).toMatchObject([{ externalId: 'b', ids: ['external:a'], events: ['Did it'] }])
  })

  it('renames, back and forth', async () => {
    await bench.process(identify('a', 0, { properties: { x: 1 } }))
    await bench.process(merge('a', 'b', 1))
    expect(await world(bench)).toMatchObject([{ externalId: 'b', ids: ['external:a'] }])
    await bench.process(merge('b', 'a', 2))
    expect(await world(bench)).toMatchObject([
      { externalId: 'a', ids: ['external:b'], state: { properties: { x: 1 } } },
    ])
  })

  it('merges chains and many pairs of one batch at once', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `p${i}`)
    await bench.process(...ids.map((id, i) => event(id, i)))
    await bench.process(
      ...ids.slice(0, 20).map((id, i) => merge(id, `p${i + 1}`, 100 + i)),
      ...ids.slice(22, 30).map((id, i) => merge(id, `p${i + 30}`, 200 + i)),
    )
    const groups = await world(bench)
    expect(groups).toHaveLength(40 - 20 - 8)
    expect(groups.find(({ externalId }) => externalId === 'p20')!.events).toHaveLength(21)
  })

  it('takes an anonymous id or an id for the old one, as aliases do', async () => {
    await bench.process(event({ anonymousId: 'v' }, 0), event('1', 1))
    await bench.process(merge({ id: 'v', anonymousId: 'v' }, '1', 2))
    await bench.process(event({ anonymousId: 'v' }, 3), event('v', 4))
    expect(await world(bench)).toMatchObject([{ externalId: '1', ids: ['anonymous:v', 'external:v'] }])
    expect((await world(bench))[0]!.events).toHaveLength(4)
  })

  it('converges for every order and every cut into batches', async () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const at = fc.integer({ min: 1, max: 60 })
    const item: fc.Arbitrary<IngestItem> = fc.oneof(
      fc
        .tuple(id, at, fc.constantFrom('x', 'y'), fc.constantFrom(1, 2, null, { deep: [1] }))
        .map(([who, when, name, value]) => identify(who, when, { properties: { [name]: value } })),
      fc
        .tuple(id, at, fc.boolean())
        .map(([who, when, add]) =>
          identify(who, when, { tags: add ? { add: ['t'], remove: [] } : { add: [], remove: ['t'] } }),
        ),
      fc
        .tuple(id, at)
        .map(([who, when]) => identify(who, when, { email: `${who}@b.co`, subscribed: when % 2 > 0 })),
      fc.tuple(id, at).map(([who, when]) => event(who, when, { name: `${who} ${when}` })),
      // Every visitor belongs to one person, else who comes first decides.
      fc.tuple(id, at).map(([who, when]) => event({ id: who, anonymousId: `v${who}` }, when)),
      fc
        .tuple(id, at)
        .map(([who, when]) => identify({ anonymousId: `v${who}` }, when, { properties: { v: when } })),
      fc.tuple(id, id, at).map(([from, into, when]) => merge(from, into, when)),
    )
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(item, { minLength: 2, maxLength: 14 })
          .chain((items) =>
            fc.tuple(
              fc.constant(items),
              fc.shuffledSubarray(items, { minLength: items.length }),
              fc.integer({ min: 1, max: items.length }),
            ),
          ),
        async ([items, shuffled, cut]) => {
          const [one, other] = [await root.newProject(), await root.newProject()]
          await one.process(...items)
          for (let i = 0; i < shuffled.length; i += cut) await other.process(...shuffled.slice(i, i + cut))
          expect(await world(other)).toEqual(await world(one))
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('concurrent batches', () => {
  it('end alike, without deadlock, when they concern the same people', async () => {
    const who = (i: number) => `p${i % 17}`
    const items = Array.from({ length: 600 }, (_, i): IngestItem => {
      if (i % 97 === 0) return merge(who(i), who(i * 7 + 3), i)
      if (i % 5 === 0) return identify({ id: who(i), anonymousId: `v${i % 17}` }, i, { properties: { n: i } })
      if (i % 3 === 0)
        return identify(who(i * 5), i, { email: `e${i}@b.co`, tags: { add: [`t${i % 4}`], remove: [] } })
      return event(i % 2 ? who(i * 11) : { anonymousId: `v${i % 17}` }, i, {
        name: `e${i}`,
        dedupe: { key: `k${i}`, windowMs: 1e6 },
      })
    })
    const sequential = await root.newProject()
    await sequential.process(...items)
    const batches = Array.from({ length: 12 }, (_, b) => items.filter((_, i) => i % 12 === b))
    await Promise.all([...batches, ...batches.slice(0, 3)].map((batch) => bench.process(...batch)))
    expect(await world(bench)).toEqual(await world(sequential))
  })
})

describe("Customer.io's merge", () => {
  const story = [
    identify('primary', 10, { properties: { plan: 'pro', gone: null }, email: 'a@b.co' }),
    identify('secondary', 20, {
      properties: { plan: 'free', city: 'Oslo', gone: 'not quite' },
      email: 'old@b.co',
      tags: { add: ['vip'], remove: [] },
    }),
    identify('secondary', 25, { subscribed: false, properties: { city: 'Bergen' } }),
    { ...merge('secondary', 'primary', 30), keepsPrimary: true as const },
    identify('secondary', 40, { properties: { after: 'the merge' } }),
  ] satisfies IngestItem[]

  it('keeps the values of the primary, in any order and any cut into batches', async () => {
    const told = new Set<string>()
    const orders = fc.sample(
      fc.tuple(
        fc.shuffledSubarray(story, { minLength: story.length }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 5, maxLength: 5 }),
      ),
      40,
    )
    for (const [items, sizes] of orders) {
      const own = await root.newProject()
      for (let at = 0, n = 0; at < items.length; at += sizes[n++]!)
        await own.redeliver(await own.process(...items.slice(at, at + sizes[n]!)))
      told.add(JSON.stringify((await world(own)).map(({ ids: _ids, ...group }) => group)))
    }
    expect([...told].map((text) => JSON.parse(text))).toMatchObject([
      [
        {
          externalId: 'primary',
          state: {
            email: 'a@b.co',
            properties: { plan: 'pro', city: 'Bergen', after: 'the merge' },
            tags: ['vip'],
            subscribed: false,
          },
        },
      ],
    ])
    expect([...told][0]).not.toContain('not quite')
  })

  it('of people named by address, too', async () => {
    await bench.process(
      identify({ email: 'old@b.co' }, 20, { email: 'old@b.co', properties: { plan: 'free', city: 'Oslo' } }),
    )
    await bench.process(identify('primary', 10, { email: 'a@b.co', properties: { plan: 'pro' } }))
    const one: IngestItem = { ...merge({ email: 'old@b.co' }, 'primary', 30), keepsPrimary: true }
    await bench.process(one)
    await bench.process(one)
    expect(await world(bench)).toMatchObject([
      { externalId: 'primary', state: { email: 'a@b.co', properties: { plan: 'pro', city: 'Oslo' } } },
    ])
  })
})
