import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { IngestItem, PersonRef } from '../../../src/audience/items/item.ts'
import {
  type Bench,
  event,
  identify,
  merge,
  remove,
  start,
  startBench,
} from '../../ingest/process-support.ts'

let root: Bench
let bench: Bench
beforeAll(async () => {
  root = await startBench()
})
afterAll(() => root?.close())
beforeEach(async () => {
  bench = await root.newProject()
})

const x = { email: 'x@b.co' }
const common = (at: number) => ({ at: start + at, acceptedAt: start + at, source: 'test' })
const subscribe = (person: string | PersonRef, at: number, subscribed: boolean): IngestItem => ({
  kind: 'subscription',
  person: typeof person === 'string' ? { id: person } : person,
  ...common(at),
  subscribed,
})
const suppress = (at: number): IngestItem => ({
  kind: 'suppression',
  person: x,
  ...common(at),
  suppressed: true,
})
const tag = (name: string, at: number): IngestItem => ({
  kind: 'tags',
  person: x,
  ...common(at),
  add: [name],
  remove: [],
})

interface Row {
  id: string | null
  provisional: boolean
  email: string | null
  subscribed: boolean
  suppressed: boolean
  topics: object
  tags: string[]
  properties: object
  events: string[]
}
const people = (of = bench) =>
  of.rows<Row>(
    `select external_id as id, provisional, email, subscribed, suppressed, topics, tags, properties, array(
       select name from events e where e.project_id = $1 and e.person_id = p.id order by name) as events
     from people p where project_id = $1 order by external_id collate "C"`,
    of.projectId,
  )
const log = () =>
  bench.rows<{ reason: string; rejected: boolean }>(
    'select reason, rejected from ingest_rejects where project_id = $1 order by id',
    bench.projectId,
  )
const two = () => bench.process(identify('42', 0, x), identify('43', 1, x))

describe('an opt-out by address alone', () => {
  it('acts on the one who holds it, whatever their id is', async () => {
    await bench.process(identify('42', 0, { email: 'X@b.co' }))
    await bench.process(subscribe(x, 1, false))
    expect(await people()).toMatchObject([{ id: '42', subscribed: false }])
  })

  it('acts on everybody who holds it', async () => {
    await bench.process(...Array.from({ length: 2_100 }, (_, i) => identify(`p${i}`, i, x)))
    const topics = identify(x, 3_000, { topics: { news: false } })
    await bench.process(subscribe(x, 3_000, false), suppress(3_000), topics)
    const all = await people()
    expect(all).toHaveLength(2_100)
    for (const one of all)
      expect(one).toMatchObject({ subscribed: false, suppressed: true, topics: { news: false } })
    expect(await log()).toEqual([])
  })

  it('holds for whoever gets the address later, until they subscribe again', async () => {
    await bench.process(subscribe(x, 1, false))
    await bench.process(identify('42', 2, x))
    await bench.process(identify('43', 3, x))
    await bench.process(identify('44', 4, { ...x, subscribed: true }))
    expect(await people()).toMatchObject([
      { id: '42', subscribed: false },
      { id: '43', subscribed: false },
      { id: '44', subscribed: true },
    ])
  })

  it('is not undone by a subscription of before, and is undone by one after', async () => {
    await bench.process(identify('42', 0, x))
    await bench.process(subscribe(x, 5, false), subscribe('42', 4, true))
    expect(await people()).toMatchObject([{ subscribed: false }])
    await bench.process(subscribe(x, 6, true))
    expect(await people()).toMatchObject([{ id: '42', subscribed: true }])
  })
})

describe('other calls by address alone', () => {
  it('act on the one who holds it', async () => {
    await bench.process(identify('42', 0, x))
    await bench.process(tag('vip', 1), identify(x, 2, { properties: { n: 1 } }), event(x, 3))
    expect(await people()).toMatchObject([
      { id: '42', tags: ['vip'], properties: { n: 1 }, events: ['Did it'] },
    ])
    await bench.process(remove(x, 4))
    expect(await people()).toEqual([])
  })

  it('are refused with the ids where several hold it, but for their opt-outs', async () => {
    await two()
    await bench.process(
      tag('vip', 2),
      subscribe(x, 3, true),
      identify(x, 4, { properties: { n: 1 }, topics: { news: false } }),
      remove(x, 5),
      merge(x, '7', 6),
    )
    expect(await people()).toMatchObject([
      { id: '42', tags: [], properties: {}, topics: { news: false } },
      { id: '43', tags: [], properties: {}, topics: { news: false } },
    ])
    const noted = await log()
    expect(noted).toHaveLength(5)
    for (const { reason, rejected } of noted) {
      expect(reason).toBe('x@b.co is the address of 2 people (42, 43); name the one by id')
      expect(rejected).toBe(true)
    }
  })

  it('leave an event to the one changed last, and the log says so', async () => {
    await two()
    await bench.rows(
      `update people set updated_at = updated_at + interval '1 hour' where project_id = $1 and external_id = '42'`,
      bench.projectId,
    )
    await bench.process(event(x, 3))
    expect(await people()).toMatchObject([
      { id: '42', events: ['Did it'] },
      { id: '43', events: [] },
    ])
    expect(await log()).toEqual([
      {
        reason: expect.stringMatching(
          /^Taken for 42, the one changed last: x@b.co is the address of 2 people/,
        ),
        rejected: false,
      },
    ])
  })

  it('mean the same whether they come in one batch with the ids or after them', async () => {
    await bench.process(event(x, 1), tag('vip', 2), identify('42', 3, x), subscribe(x, 4, false))
    expect(await people()).toMatchObject([{ id: '42', tags: ['vip'], subscribed: false, events: ['Did it'] }])
    await bench.process(event('42', 5), event(x, 6, { name: 'Late' }), remove(x, 7))
    expect(await people()).toEqual([])
  })
})

describe('a provisional person', () => {
  it('becomes the first id that comes with the address; the second is another person', async () => {
    await bench.process(event(x, 0), tag('vip', 1))
    expect(await people()).toMatchObject([
      { id: 'x@b.co', provisional: true, email: 'x@b.co', tags: ['vip'] },
    ])
    await bench.process(identify('42', 2, x))
    await bench.process(identify('43', 3, x))
    expect(await people()).toMatchObject([
      { id: '42', provisional: false, tags: ['vip'], events: ['Did it'] },
      { id: '43', tags: [], events: [] },
    ])
  })

  it('is one of two who come in the same batch', async () => {
    await bench.process(event(x, 0))
    await bench.process(identify('43', 2, x), identify('42', 1, x))
    const all = await people()
    expect(all.map(({ id }) => id)).toEqual(['42', '43'])
    expect(all.flatMap(({ events }) => events)).toEqual(['Did it'])
  })

  it('is a visitor who leaves the address, too, and stays it when an old write brings the address', async () => {
    await bench.process(event(x, 0))
    await bench.process(identify('42', 9, { email: 'new@b.co' }), identify('42', 1, x))
    expect(await people()).toMatchObject([
      { id: '42', email: 'new@b.co', events: [] },
      { id: 'x@b.co', provisional: true },
    ])
    await bench.process(identify({ anonymousId: 'v' }, 10, x))
    expect((await people()).map(({ id, events }) => [id, events])).toEqual([
      ['42', []],
      [null, ['Did it']],
    ])
  })

  it('gets the address for an id when that is what the id is', async () => {
    await bench.process(event(x, 0))
    await bench.process(identify('x@b.co', 1, { properties: { n: 1 } }))
    await bench.process(identify('42', 2, x))
    expect(await people()).toMatchObject([
      { id: '42', events: [] },
      { id: 'x@b.co', provisional: false, events: ['Did it'], properties: { n: 1 } },
    ])
  })

  it('is made once by batches at the same time, and is nobody beside an id that comes meanwhile', async () => {
    for (let round = 0; round < 5; round++) {
      const address = { email: `r${round}@b.co` }
      await Promise.all([
        bench.process(event(address, 1)),
        bench.process(event(address, 2)),
        bench.process(identify(`id${round}`, 3, address)),
        bench.process(subscribe(address, 4, false)),
      ])
    }
    const all = await people()
    expect(all.map(({ id }) => id)).toEqual(['id0', 'id1', 'id2', 'id3', 'id4'])
    for (const one of all) expect(one).toMatchObject({ subscribed: false, events: ['Did it', 'Did it'] })
  })
})

describe('a suppressed address', () => {
  const set = (person: string | { email: string }, at: number, suppressed: boolean): IngestItem => ({
    kind: 'suppression',
    person: typeof person === 'string' ? { id: person } : person,
    ...common(at),
    suppressed,
  })
  const suppressed = async (of = bench) =>
    (await of.rows('select address from suppressions where project_id = $1 order by 1', of.projectId)).map(
      ({ address }) => address,
    )
  const holds = { email: 'x@b.co' }

  it('stays so while anybody who holds it is suppressed', async () => {
    await two()
    await bench.process(set('42', 2, true), set('43', 3, true))
    await bench.process(set('42', 4, false))
    expect(await suppressed()).toEqual(['x@b.co'])
    await bench.process(set('43', 5, false))
    expect(await suppressed()).toEqual([])
  })

  it('stays so when one batch lifts it of one and suppresses another', async () => {
    await two()
    await bench.process(set('42', 2, true))
    await bench.process(set('42', 3, false), set('43', 4, true))
    expect(await suppressed()).toEqual(['x@b.co'])
  })

  it('stays so when batches at the same time lift it of one and suppress another', async () => {
    await two()
    await bench.process(set('42', 2, true))
    await Promise.all([bench.process(set('42', 3, false)), bench.process(set('43', 4, true))])
    expect(await suppressed()).toEqual(['x@b.co'])
  })

  it('is lifted by its address when the suppressed one has another by now', async () => {
    await bench.process(identify('42', 0, holds), set('42', 1, true))
    await bench.process(identify('42', 2, { email: 'new@b.co' }))
    await bench.process(set('42', 3, false))
    expect(await suppressed()).toEqual(['x@b.co'])
    await bench.process(set(holds, 4, false))
    expect(await suppressed()).toEqual([])
  })

  it('is lifted by the person who has it now, though they never were suppressed', async () => {
    await bench.process(identify('42', 0, holds), set('42', 1, true))
    await bench.process(identify('42', 2, { email: 'new@b.co' }))
    await bench.process(identify('43', 3, holds))
    await bench.process(set('43', 4, false))
    expect(await suppressed()).toEqual(['new@b.co'])
  })

  it('is lifted by its address, too, when that leads to somebody who moved on', async () => {
    await bench.process(identify(holds, 0, { properties: { n: 1 } }), set(holds, 1, true))
    await bench.process(identify({ id: '42', ...holds }, 2, {}), identify('42', 3, { email: 'new@b.co' }))
    await bench.process(set(holds, 4, false), set('42', 5, false))
    expect(await suppressed()).toEqual([])
  })

  it('is not lifted by a call of before, nor is a complaint', async () => {
    await bench.process(identify('42', 0, holds), set('42', 5, true))
    await bench.process(set('42', 4, false), set(holds, 3, false))
    expect(await suppressed()).toEqual(['x@b.co'])
    await bench.rows(`update suppressions set reason = 'complaint' where project_id = $1`, bench.projectId)
    await bench.process(set('42', 6, false), set(holds, 7, false))
    expect(await suppressed()).toEqual(['x@b.co'])
  })
})

describe('an opt-out that names an id and an address', () => {
  const both = { id: '42', ...x }

  it('is about the person and about everybody who holds the address, now and later', async () => {
    await bench.process(identify('42', 0, { email: 'other@b.co' }), identify('43', 0, x))
    await bench.process(subscribe(both, 1, false))
    await bench.process(identify('44', 2, x), identify('45', 2, { email: 'other@b.co' }))
    expect((await people()).map(({ id, subscribed }) => [id, subscribed])).toEqual([
      ['42', false],
      ['43', false],
      ['44', false],
      ['45', true],
    ])
    await bench.process(subscribe('43', 3, true), subscribe(both, 2, false))
    expect((await people())[1]).toMatchObject({ id: '43', subscribed: true })
  })

  it('makes nobody of the address, and suppresses all of them, too', async () => {
    await bench.process({ ...suppress(1), person: both })
    expect((await people()).map(({ id }) => id)).toEqual(['42'])
    await bench.process(identify('43', 2, x))
    expect(await people()).toMatchObject([{ suppressed: true }, { id: '43', suppressed: true }])
  })

  it('counts for the address also when its person was erased since', async () => {
    await bench.process(remove('42', 2))
    await bench.process(subscribe(both, 1, false))
    await bench.process(identify('43', 3, x))
    expect(await people()).toMatchObject([{ id: '43', subscribed: false }])
  })
})

describe('an opt-out by id', () => {
  it('becomes one of the address when its person is erased, for everybody who holds it', async () => {
    await two()
    await bench.process(
      subscribe('42', 2, false),
      identify('42', 2, { topics: { news: false, offers: true } }),
    )
    expect(await people()).toMatchObject([{ subscribed: false }, { id: '43', subscribed: true }])
    await bench.process(remove('42', 3))
    expect(await people()).toMatchObject([{ id: '43', subscribed: false, topics: { news: false } }])
    await bench.process(identify('42', 4, x))
    expect(await people()).toMatchObject([
      { id: '42', subscribed: false, topics: { news: false }, properties: {} },
      { id: '43', subscribed: false },
    ])
    await bench.process(subscribe('42', 5, true))
    expect(await people()).toMatchObject([{ subscribed: true }, { subscribed: false }])
  })

  it('leaves nothing of who was subscribed again, nor of another address', async () => {
    await bench.process(identify('42', 0, x), subscribe('42', 1, false), subscribe('42', 2, true))
    await bench.process(identify('43', 0, { email: 'y@b.co' }), subscribe('43', 1, false))
    await bench.process(remove('42', 3), remove('43', 3))
    expect(
      await bench.rows(
        'select address, register from address_consents where project_id = $1',
        bench.projectId,
      ),
    ).toEqual([{ address: 'y@b.co', register: '$subscribed' }])
  })

  it('stays with who goes on under the address after the erasure', async () => {
    await bench.process(identify('42', 0, x), subscribe('42', 1, false), identify('42', 4, x))
    await bench.process(remove('42', 3))
    expect(await people()).toMatchObject([{ id: '42', subscribed: false }])
  })
})

describe('the opt-out of an address whose holder is erased', () => {
  const isSubscribed = async (id: string) => (await people()).find((person) => person.id === id)?.subscribed

  it('holds for newcomers, beside another holder and without', async () => {
    await two()
    await bench.process(subscribe(x, 2, false))
    await bench.process(remove('42', 3))
    await bench.process(identify('44', 4, x))
    expect(await isSubscribed('44')).toBe(false)
    await bench.process(remove('43', 5), remove('44', 6))
    expect(await people()).toEqual([])
    await bench.process(identify('45', 7, x))
    expect(await isSubscribed('45')).toBe(false)
  })

  it('holds when it is older than the one who was put there and erased', async () => {
    await bench.process(subscribe(x, 1, false))
    await bench.process(identify('stranger', 2, x))
    await bench.process(remove('stranger', 3))
    await bench.process(identify('42', 4, x))
    expect(await isSubscribed('42')).toBe(false)
  })

  it('holds for what of them is from after the erasure, in whichever order it comes', async () => {
    await bench.process(subscribe(x, 1, false))
    await bench.process(identify('42', 2, x))
    await bench.process(identify('42', 4, x), remove('42', 3))
    expect(await isSubscribed('42')).toBe(false)
    await bench.process(identify('42', 6, x))
    await bench.process(remove('42', 5))
    expect(await isSubscribed('42')).toBe(false)
  })

  it('is all that is kept by the address: that they subscribed by it goes when nobody holds it', async () => {
    const consents = () =>
      bench.rows('select register, value from address_consents where project_id = $1', bench.projectId)
    await two()
    await bench.process(remove('43', 2))
    await bench.process(subscribe(x, 3, true), identify(x, 3, { topics: { news: false, offers: true } }))
    expect(await consents()).toHaveLength(3)
    await bench.process(remove('42', 4))
    expect(await consents()).toEqual([{ register: '$topic:news', value: false }])
  })
})

it('tells the same whatever the order of the calls and the cut into batches', async () => {
  const stories = 40
  const seed = Math.floor(Math.random() * 2 ** 31)
  const time = fc.integer({ min: 1, max: 30 })
  const story = (n: number): fc.Arbitrary<IngestItem[]> => {
    const address = { email: `${n}@b.co` }
    const call: fc.Arbitrary<IngestItem> = fc.oneof(
      time.map((at) => identify(`${n}.a`, at, address)),
      time.map((at) => event(address, at, { name: `by address ${at}` })),
      time.map((at) => event(`${n}.a`, at, { name: `by id ${at}`, traits: address })),
      time.map((at) => identify(address, at, { properties: { at } })),
      time.map((at) => ({ ...tag(`t${at}`, at), person: address }) as IngestItem),
      fc.tuple(time, fc.boolean()).map(([at, on]) => subscribe(address, at, on)),
    )
    // With one id everything by address is theirs; with two, opt-outs still are everybody's.
    const another: fc.Arbitrary<IngestItem> = fc.oneof(
      time.map((at) => identify(`${n}.b`, at, { ...address, properties: { at } })),
      time.map((at) => identify(`${n}.a`, at, address)),
      time.map((at) => subscribe(address, at, false)),
      time.map((at) => subscribe({ id: `${n}.b`, ...address }, at, false)),
      fc.tuple(time, fc.boolean()).map(([at, on]) => subscribe(`${n}.b`, at, on)),
    )
    return fc.array(n % 2 ? call : another, { minLength: 2, maxLength: 8 })
  }
  const told = Array.from(
    { length: stories },
    (_, n) => fc.sample(story(n), { numRuns: 1, seed: seed + n })[0]!,
  )
  const worlds: Row[][] = []
  for (let order = 0; order < 3; order++) {
    const world = await root.newProject()
    const items = fc.sample(fc.shuffledSubarray(told.flat(), { minLength: told.flat().length }), {
      numRuns: 1,
      seed: seed + order,
    })[0]!
    const size = [1_000, 7, 2][order]!
    for (let from = 0; from < items.length; from += size)
      await world.process(...items.slice(from, from + size))
    worlds.push(await people(world))
  }
  for (const world of worlds) expect(world, `seed ${seed}`).toEqual(worlds[0])
})
