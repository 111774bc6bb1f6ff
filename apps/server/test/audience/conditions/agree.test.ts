import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { ConditionCompiler, type Strategy } from '../../../src/audience/conditions/condition-sql.ts'
import { nextChange, relativeLeavesOf } from '../../../src/audience/conditions/due.ts'
import { dueSql } from '../../../src/audience/conditions/due-sql.ts'
import { holds } from '../../../src/audience/conditions/evaluate.ts'
import type { TriggerFacts } from '../../../src/audience/conditions/facts.ts'
import { type Condition, leavesOf } from '../../../src/audience/conditions/language.ts'
import { loadFacts, maxHistory } from '../../../src/audience/conditions/load-facts.ts'
import { loadZones } from '../../../src/audience/conditions/load-zones.ts'
import { Parameters } from '../../../src/audience/conditions/parameters.ts'
import { parseConditions } from '../../../src/audience/conditions/parse.ts'
import { propertySql } from '../../../src/audience/conditions/property-sql.ts'
import { propertyTester, testSql } from '../../../src/audience/conditions/property-test.ts'
import { readProperty } from '../../../src/audience/conditions/values.ts'
import { condition, names, properties, propertyTest, segmentCondition } from './arbitraries.ts'
import { now, people, storeWorld } from './world.ts'

const project = 7
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())

test('SQL and the process agree on what a property says', async () => {
  const cases = fc.array(fc.tuple(properties, fc.constantFrom(...names), propertyTest), {
    minLength: 100,
    maxLength: 100,
  })
  await fc.assert(
    fc.asyncProperty(cases, async (batch) => {
      const parameters = new Parameters()
      const columns = batch.map(([props, name, test]) => {
        const value = propertySql(parameters.add(JSON.stringify(props), 'jsonb'), name, parameters)
        return testSql(value, test, now, parameters)
      })
      const { rows } = await database.pool.query<{ answers: boolean[] }>(
        `select array[${columns.join(', ')}] as answers`,
        parameters.values,
      )
      const expected = batch.map(([props, name, test]) =>
        propertyTester(test)(readProperty(props, name), now),
      )
      expect(rows[0]!.answers.map((answer, index) => [answer, ...batch[index]!])).toEqual(
        expected.map((answer, index) => [answer, ...batch[index]!]),
      )
    }),
    { numRuns: 100 },
  )
})

/** The answers of the database: for each condition, of each person in the order of ids. */
async function askDatabase(conditions: Condition[], strategy: Strategy, at: Date, trigger?: TriggerFacts) {
  const zones = await loadZones(database.pool, project, { all: conditions })
  const compiler = new ConditionCompiler(project, at, strategy, { trigger, zones })
  const columns = conditions.map((one) => compiler.compile(one))
  const { rows } = await database.pool.query<{ answers: boolean[] }>(
    `select array[${columns.join(', ')}] as answers from people p ${compiler.joins}
     where p.project_id = ${compiler.context.project} order by p.id`,
    compiler.values,
  )
  return conditions.map((_, place) => rows.map(({ answers }) => answers[place]))
}

/** 25 people, 20 conditions a run: 20,000 pairs, each answered three times. */
test('three answers are one: in this process, by sets, by probes', async () => {
  await fc.assert(
    fc.asyncProperty(
      people,
      fc.array(segmentCondition, { minLength: 20, maxLength: 20 }),
      async (world, conditions) => {
        for (const one of conditions) parseConditions(structuredClone(one), { trigger: false })
        const stored = await storeWorld(database.pool, project, world)
        const subjects = stored.map((person) => ({ person }))
        const facts = await loadFacts(database.pool, project, subjects, conditions, now)
        const here = conditions.map((one) => facts.map((known) => holds(one, known)))
        const told = (answers: unknown[][]) => answers.map((list, place) => [conditions[place], list])
        expect(told(await askDatabase(conditions, 'sets', now))).toEqual(told(here))
        expect(told(await askDatabase(conditions, 'probes', now))).toEqual(told(here))
      },
    ),
    { numRuns: 40 },
  )
})

test('with a trigger, too', async () => {
  await fc.assert(
    fc.asyncProperty(
      people,
      fc.array(condition, { minLength: 10, maxLength: 10 }),
      async (world, conditions) => {
        const stored = await storeWorld(database.pool, project, world)
        const [event] = world.flatMap(({ events }) => events)
        const trigger = event && { id: event.id, at: event.at, properties: event.properties }
        const subjects = stored.map((person) => ({ person, trigger }))
        const facts = await loadFacts(database.pool, project, subjects, conditions, now)
        const here = conditions.map((one) => facts.map((known) => holds(one, known)))
        expect(await askDatabase(conditions, 'sets', now, trigger)).toEqual(here)
        expect(await askDatabase(conditions, 'probes', now, trigger)).toEqual(here)
      },
    ),
    { numRuns: 20 },
  )
})

test('until its due time nobody changes sides, and the database knows the same time', async () => {
  await fc.assert(
    fc.asyncProperty(
      people,
      fc.array(segmentCondition, { minLength: 15, maxLength: 15 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (world, conditions, share) => {
        const stored = await storeWorld(database.pool, project, world)
        const subjects = stored.map((person) => ({ person }))
        const facts = await loadFacts(database.pool, project, subjects, conditions, now)
        for (const one of conditions) {
          const due = facts.map((known) => nextChange(one, known))
          const zones = await loadZones(database.pool, project, one)
          const compiler = new ConditionCompiler(project, now, 'probes', { zones })
          const term = dueSql(relativeLeavesOf(one), compiler.context) ?? 'null::timestamptz'
          const { rows } = await database.pool.query<{ due: Date | null }>(
            `select ${term} as due from people p where p.project_id = ${compiler.context.project} order by p.id`,
            compiler.values,
          )
          expect([one, rows.map((row) => row.due?.getTime() ?? Number.POSITIVE_INFINITY)]).toEqual([one, due])

          // Somewhere between now and then, and one millisecond before.
          const far = now.getTime() + 5_000 * 86_400_000
          for (const [index, until] of due.entries()) {
            const before = Math.min(until - 1, far)
            for (const at of [before, now.getTime() + Math.floor((before - now.getTime()) * share)]) {
              const known = facts[index]!
              const later = { ...known, events: known.events, now: new Date(at) }
              expect([one, at, holds(one, later)]).toEqual([one, at, holds(one, known)])
            }
          }
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('events before the window of a condition are no reason to look again', async () => {
  const [world] = fc.sample(people, { numRuns: 1, seed: 8 })
  const event = (hoursAgo: number, dueDay: string) => ({
    id: crypto.randomUUID(),
    name: 'Ordered',
    at: new Date(now.getTime() - hoursAgo * 3_600_000),
    properties: { due: dueDay },
  })
  for (const [index, one] of world!.entries())
    one.events = index === 0 ? [event(100, '2026-11-24'), event(10, '2026-11-28')] : []
  const stored = await storeWorld(database.pool, project, world!)
  const where = [{ property: 'due', operator: '<' as const, value: { ago: { hours: 1 } } }]
  const within = { after: '2026-11-22' }
  const windowed: Condition = { event: 'ordered', where, within }
  const related: Condition = {
    event: 'ordered',
    within,
    related: { event: 'ordered', scopedBy: 'due', after: true, where },
  }
  const first: Condition = {
    event: 'ordered',
    within,
    first: { operator: '<', value: { ago: { hours: 101 } } },
  }
  const last: Condition = { event: 'ordered', where, within: { last: { hours: 100 } } }
  const open: Condition = { event: 'ordered', where }
  const subjects = [{ person: stored[0]! }]
  const at = (time: string) => Date.parse(time)
  const expected = [
    at('2026-11-28T01:00:00Z'),
    at('2026-11-28T01:00:00Z'),
    at('2026-11-27T05:00:00Z'),
    // The older one is at the very beginning of its window.
    now.getTime() + 1,
    at('2026-11-24T01:00:00Z'),
  ]
  // Whatever else is asked, which may bring older events here.
  for (const [place, one] of [windowed, related, first, last, open].entries())
    for (const asked of [[one], [one, open]]) {
      const [facts] = await loadFacts(database.pool, project, subjects, asked, now)
      const zones = await loadZones(database.pool, project, one)
      const compiler = new ConditionCompiler(project, now, 'probes', { zones })
      const term = dueSql(relativeLeavesOf(one), compiler.context)
      const { rows } = await database.pool.query<{ due: Date | null }>(
        `select ${term} as due from people p where p.project_id = ${compiler.context.project} and p.id = 1`,
        compiler.values,
      )
      expect([one, nextChange(one, facts!), rows[0]!.due?.getTime()]).toEqual([
        one,
        expected[place],
        expected[place],
      ])
    }
})

test('people with more history than is brought here get their answers from the database', async () => {
  const [world] = fc.sample(people, { numRuns: 1, seed: 4 })
  const conditions = fc.sample(segmentCondition, { numRuns: 60, seed: 5 })
  const stored = await storeWorld(database.pool, project, world!)
  // Every few hours since a year, for two of them.
  await database.pool.query(
    `insert into events (project_id, person_id, id, name, folded_name, properties, occurred_at)
     select $1, person, gen_random_uuid(), 'Viewed item', 'viewed item', jsonb_build_object('sku', n % 7, 'age', n),
       $2::timestamptz - n * interval '7 hours'
     from generate_series(1, ${maxHistory + 200}) as n, (values (1), (2)) as p (person)`,
    [project, now],
  )
  const counting: Condition[] = [1_000, 1_200, 1_201, 1_210].map((value) => ({
    event: 'viewed item',
    count: { operator: '>=', value },
  }))
  const all = [...conditions, ...counting]
  const facts = await loadFacts(
    database.pool,
    project,
    stored.map((person) => ({ person })),
    all,
    now,
  )
  expect(facts.filter(({ decided }) => decided).map(({ person }) => person.id)).toEqual([1, 2])
  const here = all.map((one) => facts.map((known) => holds(one, known)))
  expect(here.slice(-4).map(([first]) => first)).toEqual([true, true, expect.any(Boolean), false])
  expect(here).toEqual(await askDatabase(all, 'sets', now))
  for (const one of all) {
    const zones = await loadZones(database.pool, project, one)
    const compiler = new ConditionCompiler(project, now, 'probes', { zones })
    const term = dueSql(relativeLeavesOf(one), compiler.context) ?? 'null::timestamptz'
    const { rows } = await database.pool.query<{ due: Date | null }>(
      `select ${term} as due from people p where p.project_id = ${compiler.context.project} and p.id = 1`,
      compiler.values,
    )
    expect(nextChange(one, facts[0]!)).toBe(rows[0]!.due?.getTime() ?? Number.POSITIVE_INFINITY)
  }
})

test('a statement or two for each kind of fact, and none for what no condition asks', async () => {
  const [world] = fc.sample(people, { numRuns: 1, seed: 6 })
  const stored = await storeWorld(database.pool, project, world!)
  const subjects = stored.map((person) => ({ person }))
  const statements: string[] = []
  const client = {
    query(text: string, values?: unknown[]) {
      statements.push(text)
      return database.pool.query(text, values)
    },
  }
  await loadFacts(client, project, subjects, [{ person: 'plan', operator: 'is_set' }, { tag: 'vip' }], now)
  expect(statements).toHaveLength(0)
  const every = fc.sample(segmentCondition, { numRuns: 200, seed: 7 })
  expect(
    new Set(every.flatMap((one) => [...leavesOf(one)].map((leaf) => Object.keys(leaf)[0]))).size,
  ).toBeGreaterThan(6)
  await loadFacts(client, project, subjects, every, now)
  expect(statements).toHaveLength(4)
})
