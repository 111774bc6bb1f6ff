import { randomUUID } from 'node:crypto'
import type { Json } from '@fairway/queue'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../testing/postgres.ts'
import { propertyHolds, type TriggerFacts } from '../../src/conditions/evaluate.ts'
import { durationMs, type EventCondition } from '../../src/conditions/language.ts'
import { type CountRequest, loadEventCounts } from '../../src/conditions/load-facts.ts'
import { Parameters, propertySql, testSql } from '../../src/conditions/sql.ts'
import { readProperty, sameValue } from '../../src/conditions/values.ts'
import { ensurePartitions } from '../../src/events/partitions.ts'
import { foldName } from '../../src/ingest/item.ts'
import { eventCondition, eventNames, json, names, properties, propertyTest } from './arbitraries.ts'

const now = new Date('2026-11-23T10:00:00Z')
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
      const { rows } = await database.pool.query<[boolean]>(
        `select array[${columns.join(', ')}] as answers`,
        parameters.values,
      )
      const answers = (rows[0] as unknown as { answers: boolean[] }).answers
      const expected = batch.map(([props, name, test]) => propertyHolds(readProperty(props, name), test, now))
      expect(answers.map((answer, index) => [answer, ...batch[index]!])).toEqual(
        expected.map((answer, index) => [answer, ...batch[index]!]),
      )
    }),
    { numRuns: 100 },
  )
})

interface PlainEvent {
  personId: number
  id: string
  name: string
  at: Date
  properties: Record<string, Json>
}

/** What the counting statement should find, said the slow and plain way. */
function countPlainly(events: PlainEvent[], { personId, trigger, condition }: CountRequest): number {
  const { within, scopedBy, where = [], count } = condition
  const matching = events.filter(
    (event) =>
      event.personId === personId &&
      foldName(event.name) === foldName(condition.event) &&
      (within !== 'since_trigger' || (trigger && event.at >= trigger.at && event.id !== trigger.id)) &&
      (typeof within !== 'object' || event.at.getTime() >= now.getTime() - durationMs(within.last)) &&
      where.every((test) => propertyHolds(readProperty(event.properties, test.property), test, now)) &&
      (!scopedBy ||
        sameValue(
          readProperty(event.properties, scopedBy),
          readProperty(trigger?.properties ?? {}, scopedBy),
        )),
  ).length
  return Math.min(matching, count ? count.value + 1 : 1)
}

test('one statement counts for many people, triggers and conditions as the plain way does', async () => {
  const event = fc.record({
    personId: fc.integer({ min: 1, max: 3 }),
    id: fc.uuid(),
    name: fc.constantFrom(...eventNames, 'purchased-item', 'LEFT'),
    at: fc.integer({ min: 0, max: 40 }).map((days) => new Date(now.getTime() - days * 86_400_000)),
    properties,
  })
  const scenario = fc.record({
    events: fc.uniqueArray(event, { selector: ({ id }) => id, minLength: 5, maxLength: 30 }),
    conditions: fc.array(eventCondition, { minLength: 1, maxLength: 6 }),
    scope: json,
  })
  let project = 0
  await fc.assert(
    fc.asyncProperty(scenario, async ({ events, conditions, scope }) => {
      project += 2
      await ensurePartitions(
        database.pool,
        events.map(({ at }) => at.getTime()),
      )
      for (const { personId, id, name, at, properties } of events) {
        // A neighbour's events must not count.
        await database.pool.query(
          `insert into events (project_id, person_id, id, name, folded_name, properties, occurred_at)
           values ($1, $2, $3, $4, $5, $6, $7), ($1 + 1, $2, $3, $4, $5, $6, $7)`,
          [project, personId, id, name, foldName(name), JSON.stringify(properties), at],
        )
      }
      const triggers: (TriggerFacts | undefined)[] = [
        undefined,
        ...events
          .slice(0, 3)
          .map(({ id, at, properties }) => ({ id, at, properties: { sku: scope, ...properties } })),
      ]
      const requests: CountRequest[] = conditions.flatMap((condition) =>
        triggers.flatMap((trigger) => [1, 2, 3].map((personId) => ({ personId, trigger, condition }))),
      )
      let statements = 0
      const client = {
        query: (text: string, values?: unknown[]) => {
          statements++
          return database.pool.query(text, values)
        },
      }
      const counted = await loadEventCounts(client, project, requests, now)
      expect(requests.map((request) => counted(request))).toEqual(
        requests.map((request) => countPlainly(events, request)),
      )
      expect(statements).toBe(1)
    }),
    { numRuns: 50 },
  )
})

test('no request, no statement', async () => {
  const client = { query: () => Promise.reject(new Error('asked the database')) }
  const counted = await loadEventCounts(client, 1, [], now)
  const condition: EventCondition = { event: 'x' }
  expect(counted({ personId: 1, condition, trigger: { id: randomUUID(), at: now, properties: {} } })).toBe(0)
})
