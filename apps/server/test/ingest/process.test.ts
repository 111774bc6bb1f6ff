import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Bench, event, identify, merge, remove, start, startBench } from './process-support.ts'

let root: Bench
let bench: Bench

beforeAll(async () => {
  root = await startBench()
})
afterAll(() => root?.close())
beforeEach(async () => {
  bench = await root.newProject()
})

const people = () =>
  bench.rows('select * from people where project_id = $1 order by external_id', bench.projectId)
const events = () =>
  bench.rows('select * from events where project_id = $1 order by occurred_at', bench.projectId)

async function counters(): Promise<Record<string, number>> {
  const rows = await bench.rows<{ name: string; value: number }>(
    `select name, sum(value)::bigint as value from counters where project_id = $1 and name not like 'event:%' group by name`,
    bench.projectId,
  )
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

/** Everything that processing writes, in a form that two moments can be compared in. */
async function everything() {
  const tables = [
    'people',
    'person_aliases',
    'person_changes',
    'events',
    'messages',
    'counters',
    'ingest_keys',
  ]
  const contents: Record<string, unknown[]> = {}
  for (const table of tables)
    contents[table] = await bench.rows(
      `select to_jsonb(t) - 'updated_at' as row from ${table} t where project_id = $1 order by 1`,
      bench.projectId,
    )
  return contents
}

describe('people and events', () => {
  it('stores an event and creates its person', async () => {
    await bench.process(
      event('1', 0, { name: 'Purchased_Item', properties: { n: 1 }, traits: { email: 'a@b.co' } }),
    )
    const [person] = await people()
    expect(person).toMatchObject({ external_id: '1', email: 'a@b.co', created_at: new Date(start) })
    const [stored] = await events()
    expect(stored).toMatchObject({
      person_id: person!.id,
      name: 'Purchased_Item',
      folded_name: 'purchased item',
      properties: { n: 1 },
      source: 'test',
      occurred_at: new Date(start),
    })
  })

  it('merges properties, removes by null, and keeps what was not named', async () => {
    await bench.process(
      identify('1', 0, { email: 'a@b.co', properties: { plan: 'free', seats: 1, old: true } }),
      identify('1', 1, { properties: { plan: 'pro', old: null } }),
    )
    expect((await people())[0]).toMatchObject({ email: 'a@b.co', properties: { plan: 'pro', seats: 1 } })
  })

  it('lets the newer write win when the older one comes later, also after a removal', async () => {
    await bench.process(identify('1', 10, { properties: { plan: 'pro', gone: null }, email: 'new@b.co' }))
    await bench.process(
      identify('1', 5, { properties: { plan: 'free', gone: 1, other: 2 }, email: 'old@b.co' }),
    )
    expect((await people())[0]).toMatchObject({ email: 'new@b.co', properties: { plan: 'pro', other: 2 } })
  })

  it('keeps the time of a write that changed nothing', async () => {
    await bench.process(identify('1', 0, { properties: { plan: 'pro' } }))
    await bench.process(identify('1', 10, { properties: { plan: 'pro' } }))
    await bench.process(identify('1', 5, { properties: { plan: 'free' } }))
    expect((await people())[0]).toMatchObject({ properties: { plan: 'pro' } })
  })

  it('uses the email address as the id when there is none', async () => {
    await bench.process(
      event({ email: 'Ann@B.co' }, 0),
      identify({ email: 'ann@b.co' }, 1, { properties: { x: 1 } }),
      identify({ id: '7', email: 'ann@b.co' }, 2),
    )
    expect(await people()).toMatchObject([
      { external_id: '7' },
      { external_id: 'ann@b.co', email: 'ann@b.co', properties: { x: 1 } },
    ])
  })

  it('never creates a person for update_only', async () => {
    await bench.process(identify('1', 0, { updateOnly: true, properties: { a: 1 } }))
    expect(await people()).toEqual([])
    await bench.process(event('1', 1), identify('1', 2, { updateOnly: true, properties: { a: 1 } }))
    expect(await people()).toMatchObject([{ properties: { a: 1 } }])
  })

  it('keeps tags, topics, devices and the subscription, the reserved tag included', async () => {
    await bench.process(
      { ...identify('1', 0), kind: 'tags', add: ['b', 'a', 'unsubscribed'], remove: [] },
      identify('1', 1, {
        topics: { news: true, offers: false },
        devices: [{ type: 'push', address: 'T1', platform: 'ios' }],
      }),
    )
    expect((await people())[0]).toMatchObject({
      tags: ['a', 'b'],
      subscribed: false,
      topics: { news: true, offers: false },
      channels: [{ type: 'push', address: 'T1', platform: 'ios' }],
    })
    await bench.process(
      { ...identify('1', 5), kind: 'tags', add: [], remove: ['a', 'unsubscribed'] },
      identify('1', 6, { removeDevices: ['T1'] }),
    )
    expect((await people())[0]).toMatchObject({ tags: ['b'], subscribed: true, channels: [] })
  })

  it('suppresses every address of a suppressed person, and lifts only that', async () => {
    await bench.process(
      { ...identify('1', 0), kind: 'suppression', suppressed: true },
      identify('1', 1, { email: 'One@b.co' }),
    )
    await bench.process(identify('1', 2, { email: 'two@b.co' }))
    const suppressed = async () =>
      (
        await bench.rows('select address from suppressions where project_id = $1 order by 1', bench.projectId)
      ).map(({ address }) => address)
    expect(await suppressed()).toEqual(['one@b.co', 'two@b.co'])
    await bench.rows(`update suppressions set reason = 'complaint' where address = 'one@b.co'`)
    await bench.process({ ...identify('1', 9), kind: 'suppression', suppressed: false })
    expect(await suppressed()).toEqual(['one@b.co'])
  })

  it('makes a visitor known, with everything they did', async () => {
    await bench.process(
      event({ anonymousId: 'v' }, 0),
      identify({ anonymousId: 'v' }, 1, { properties: { a: 1 } }),
    )
    await bench.process(identify({ id: '1', anonymousId: 'v' }, 2, { properties: { b: 2 } }))
    await bench.process(event({ anonymousId: 'v' }, 3))
    const all = await people()
    expect(all).toMatchObject([{ external_id: '1', properties: { a: 1, b: 2 } }])
    expect((await events()).map((row) => row.person_id)).toEqual([all[0]!.id, all[0]!.id])
  })

  it('merges a visitor into a person who exists', async () => {
    await bench.process(event('1', 0), event({ anonymousId: 'v' }, 1))
    expect(await people()).toHaveLength(2)
    await bench.process(event({ id: '1', anonymousId: 'v' }, 2))
    const all = await people()
    expect(all).toHaveLength(1)
    expect(new Set((await events()).map((row) => row.person_id))).toEqual(new Set([all[0]!.id]))
  })

  it('does not make one person of two who share a device', async () => {
    await bench.process(
      identify({ id: '1', anonymousId: 'v' }, 0),
      identify({ id: '2', anonymousId: 'v' }, 1),
    )
    expect(await people()).toHaveLength(2)
    await bench.process(event({ anonymousId: 'v' }, 2))
    expect((await events())[0]!.person_id).toBe((await people())[0]!.id)
  })

  it('records what changed, once', async () => {
    await bench.process(identify('1', 0, { properties: { plan: 'free' } }))
    const jobs = await bench.process(
      identify('1', 1, { properties: { plan: 'pro' }, tags: { add: ['vip'], remove: [] } }),
    )
    await bench.redeliver(jobs)
    const changes = await bench.rows(
      'select kind, detail from person_changes where project_id = $1',
      bench.projectId,
    )
    expect(changes).toEqual([
      { kind: 'updated', detail: { properties: { plan: { from: 'free', to: 'pro' } } } },
      { kind: 'tags', detail: { added: ['vip'], removed: [] } },
    ])
  })

  it('refuses what would grow a person beyond its limits, and keeps the rest', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`p${i}`, i]))
    await bench.process(identify('1', 0, { properties: many }))
    await bench.process(
      identify('1', 1, { properties: { one_more: 1 } }),
      identify('1', 2, { properties: { p1: 'x' } }),
    )
    const big = 'x'.repeat(100_000)
    await bench.process(
      ...['a', 'b', 'c'].map((name, i) => identify('2', i, { properties: { [name]: big } })),
      identify('2', 9, { properties: { small: 1 } }),
    )
    const [one, two] = await people()
    expect(Object.keys(one!.properties as object)).toHaveLength(1_000)
    expect(one!.properties).toMatchObject({ p1: 'x' })
    expect(Object.keys(two!.properties as object).sort()).toEqual(['a', 'b', 'small'])
    const rejects = await bench.rows(
      'select reason from ingest_rejects where project_id = $1',
      bench.projectId,
    )
    expect(rejects.map(({ reason }) => reason)).toEqual([
      'the person would have 1001 properties; 1000 is the limit',
      "the person's properties would exceed 262144 bytes",
    ])
  })

  it('takes property names that mean something elsewhere', async () => {
    const properties = JSON.parse('{"__proto__": 1, "constructor": 2, "$email": "x", "$tag:a": 3, "": 4}')
    await bench.process(identify('1', 0, { email: 'a@b.co', properties }))
    await bench.process(identify('1', 1, { properties: { constructor: 5 } as never }))
    const [person] = await people()
    expect(person).toMatchObject({ email: 'a@b.co', tags: [] })
    expect(JSON.stringify(person!.properties)).toBe(
      JSON.stringify(JSON.parse('{"": 4, "$email": "x", "$tag:a": 3, "__proto__": 1, "constructor": 5}')),
    )
  })
})

describe('duplicates', () => {
  const dedupe = { key: 'k', windowMs: 1_000 }

  it('stores an event once within its window, measured between acceptances', async () => {
    await bench.process(event('1', 0, { dedupe }), event('1', 999, { dedupe }))
    await bench.process(event('1', 999, { dedupe }))
    expect(await events()).toHaveLength(1)
    await bench.process(event('1', 1_000, { dedupe }))
    expect(await events()).toHaveLength(2)
    expect(await counters()).toEqual({ events: 2, duplicates: 2 })
  })

  it('tells windows apart inside one batch', async () => {
    await bench.process(...[0, 500, 1_000, 1_500, 2_500].map((at) => event('1', at, { dedupe })))
    expect((await events()).map((row) => row.occurred_at)).toEqual(
      [0, 1_000, 2_500].map((at) => new Date(start + at)),
    )
  })

  it('does not take an earlier item for a duplicate of one a window later', async () => {
    await bench.process(event('1', 5_000, { dedupe }))
    await bench.process(event('1', 0, { dedupe }))
    await bench.process(event('1', 4_500, { dedupe: { key: 'other', windowMs: 1_000 } }))
    expect(await events()).toHaveLength(3)
  })

  it('knows no duplicates between projects', async () => {
    const other = await root.newProject()
    await bench.process(event('1', 0, { dedupe }))
    await other.process(event('1', 0, { dedupe }))
    expect(await events()).toHaveLength(1)
    expect(await other.rows('select from events where project_id = $1', other.projectId)).toHaveLength(1)
  })

  it('changes nothing when a batch is redelivered', async () => {
    await bench.rows(
      `insert into campaigns (project_id, name, state, trigger_event, folded_trigger, template_id)
       values ($1, 'c', 'live', 'Did it', 'did it', 1)`,
      bench.projectId,
    )
    const jobs = await bench.process(
      identify('1', 0, { properties: { a: 1 }, tags: { add: ['t'], remove: [] } }),
      event('1', 1),
      event('2', 2, { dedupe, traits: { email: 'a@b.co' } }),
      event({ anonymousId: 'v' }, 3),
      identify({ id: '1', anonymousId: 'v' }, 4),
      merge('2', '1', 5),
      identify('gone', 6),
      remove('gone', 7),
      identify('gone', 8, { properties: { back: true } }),
    )
    const before = await everything()
    expect(before.events).toHaveLength(3)
    expect(before.messages).toHaveLength(3)
    await bench.redeliver(jobs)
    const { counters: countersAfter, ...after } = await everything()
    const { counters: countersBefore, ...rest } = before
    expect(after).toEqual(rest)
    const withoutDuplicates = (rows: unknown[]) =>
      rows.filter((entry) => (entry as { row: { name: string } }).row.name !== 'duplicates')
    expect(withoutDuplicates(countersAfter!)).toEqual(withoutDuplicates(countersBefore!))
  })
})

describe('items that cannot be processed', () => {
  it('notes them with the reason and processes the others', async () => {
    const batch = Array.from({ length: 50 }, (_, i) => event(`p${i}`, i))
    batch[13]!.properties = { text: 'NUL \u0000 here' }
    batch[29]!.properties = { 'lone \ud800 half': 1 }
    batch[40]!.person = { id: 'x'.repeat(2_000) }
    batch[41]!.at = Number.NaN
    const jobs = await bench.process(...batch, { kind: 'nonsense' } as never, null as never)
    expect(await events()).toHaveLength(46)
    const rejects = await bench.rows(
      'select reason from ingest_rejects where project_id = $1',
      bench.projectId,
    )
    expect(rejects).toHaveLength(6)
    expect(await counters()).toEqual({ events: 46, rejected: 6 })
    const before = await everything()
    await bench.redeliver(jobs)
    expect((await everything()).events).toEqual(before.events)
  })
})
