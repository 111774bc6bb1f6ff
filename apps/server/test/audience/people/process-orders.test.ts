import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { IngestItem, PersonRef } from '../../../src/audience/items/item.ts'
import { identityOf } from '../../../src/audience/people/identity.ts'
import { type Bench, event, identify, merge, startBench } from '../../ingest/process-support.ts'

let root: Bench
beforeAll(async () => {
  root = await startBench()
})
afterAll(() => root?.close())

const stories = 1_500
/** Stories that are told at the same time, so that batches hold items of many. */
const together = 25

/**
 * What the products of one story send: people who are named by id or address, visitors who turn out to be them, and ids
 * that turn out to be one person. Every visitor belongs to one of them, else who comes first decides.
 */
const story = (n: number): fc.Arbitrary<IngestItem[]> => {
  const names = ['a', 'b', 'c', 'd']
  const id = fc.constantFrom(...names)
  const at = fc.integer({ min: 1, max: 40 })
  const who = (name: string) => ({ id: `${n}.${name}` })
  const byEmail = (name: string) => ({ email: `${n}.${name}@B.co` })
  const visitor = (name: string) => ({ anonymousId: `${n}.v${name}` })
  const known = fc.tuple(id, fc.boolean()).map(([name, email]) => (email ? byEmail(name) : who(name)))
  const item: fc.Arbitrary<IngestItem> = fc.oneof(
    fc
      .tuple(known, at, fc.constantFrom('x', 'y'), fc.constantFrom(1, 'text', null, { deep: [1] }))
      .map(([person, when, name, value]) => identify(person, when, { properties: { [name]: value } })),
    fc.tuple(known, at, fc.boolean()).map(([person, when, add]) =>
      identify(person, when, {
        tags: add ? { add: ['t'], remove: [] } : { add: [], remove: ['t'] },
        topics: { news: add },
      }),
    ),
    fc.tuple(id, at, fc.boolean()).map(([name, when, subscribed]) =>
      identify(who(name), when, {
        email: `${name}${when}@b.co`,
        phone: `+4930${1_000_000 + when}`,
        subscribed,
      }),
    ),
    fc
      .tuple(known, at)
      .map(([person, when]) => event(person, when, { name: `${JSON.stringify(person)} ${when}` })),
    fc
      .tuple(id, at)
      .map(([name, when]) => event(visitor(name), when, { traits: { properties: { seen: when } } })),
    fc.tuple(id, at).map(([name, when]) => identify({ ...who(name), ...visitor(name) }, when)),
    fc.tuple(id, at).map(([name, when]) => event({ ...who(name), ...visitor(name) }, when, { name: 'both' })),
    fc.tuple(known, known, at).map(([from, into, when]) => merge(from, into, when)),
    fc.tuple(id, at).map(([name, when]) => merge(visitor(name), who(name), when)),
  )
  return fc.array(item, { minLength: 2, maxLength: 14 })
}

interface Told {
  ids: string[]
  events: string[]
}

/** Who is who by the items alone: everything that an item names together is one person. */
function readPlainly(items: IngestItem[]): Told[] {
  const groups = new Map<string, Set<string>>()
  const nodesOf = (ref: PersonRef) => {
    const { external, anonymous } = identityOf(ref)
    return [...(external ? [`external:${external}`] : []), ...(anonymous ? [`anonymous:${anonymous}`] : [])]
  }
  for (const item of items) {
    const nodes = [...nodesOf(item.person), ...(item.kind === 'merge' ? nodesOf(item.from) : [])]
    const group = new Set(nodes.flatMap((node) => [...(groups.get(node) ?? [node])]))
    for (const node of group) groups.set(node, group)
  }
  return [...new Set(groups.values())]
    .map((group) => ({
      ids: [...group].sort(),
      events: items
        .filter((item) => item.kind === 'event' && group.has(nodesOf(item.person)[0]!))
        .map((item) => (item as { name: string }).name)
        .sort(),
    }))
    .sort(byIds)
}

const byIds = (a: Told, b: Told) => (a.ids.join() < b.ids.join() ? -1 : 1)

/** The people of each story, without our own ids and histories, which do depend on the order. */
async function peopleByStory(bench: Bench): Promise<Map<string, (Told & { state: unknown })[]>> {
  const rows = await bench.rows<Told & { main: string | null; state: unknown }>(
    `select array_remove((select array_agg(kind || ':' || alias) from person_aliases a
         where a.project_id = $1 and a.person_id = p.id) || ('external:' || external_id), null) as ids,
       coalesce((select array_agg(name) from events e where e.project_id = $1 and e.person_id = p.id), '{}') as events,
       to_jsonb(p) - 'id' - 'project_id' - 'anonymous_id' - 'created_at' - 'updated_at' as state
     from people p where project_id = $1`,
    bench.projectId,
  )
  const byStory = new Map<string, (Told & { state: unknown })[]>()
  for (const { ids, events, state } of rows) {
    const told = { ids: ids.sort(), events: events.sort(), state }
    const n = /:(\d+)\./.exec(told.ids[0]!)![1]!
    byStory.set(n, [...(byStory.get(n) ?? []), told])
  }
  for (const people of byStory.values()) people.sort(byIds)
  return byStory
}

it(`tells the same of ${stories} stories in any order, any cut into batches, and any repetition`, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const told = Array.from(
    { length: stories },
    (_, n) => fc.sample(story(n), { numRuns: 1, seed: seed + n })[0]!,
  )
  const [inOrder, shuffled] = [await root.newProject(), await root.newProject()]
  const some = fc.sample(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean()), { numRuns: 500, seed })
  let taken = 0
  for (let from = 0; from < stories; from += together) {
    const items = told.slice(from, from + together).flat()
    await inOrder.process(...items)
    const [mixed] = fc.sample(fc.shuffledSubarray(items, { minLength: items.length }), {
      numRuns: 1,
      seed: seed + from,
    })
    for (let at = 0; at < items.length; ) {
      const [size, again] = some[taken++ % some.length]!
      const jobs = await shuffled.process(...mixed!.slice(at, at + size))
      if (again) await shuffled.redeliver(jobs)
      at += size
    }
  }
  const [one, other] = [await peopleByStory(inOrder), await peopleByStory(shuffled)]
  for (const [n, items] of told.entries()) {
    const message = `story ${n} of seed ${seed}: ${JSON.stringify(items.map(({ at, acceptedAt, source, ...item }) => [at % 1000, item]))}`
    expect(other.get(String(n)), message).toEqual(one.get(String(n)))
    expect(
      one.get(String(n))!.map(({ ids, events }) => ({ ids, events })),
      message,
    ).toEqual(readPlainly(items))
  }
})
