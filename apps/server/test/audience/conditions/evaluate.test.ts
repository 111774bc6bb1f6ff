import type { Json } from '@fairway/queue'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findFalse, holds } from '../../../src/audience/conditions/evaluate.ts'
import type { EventFact, Facts } from '../../../src/audience/conditions/facts.ts'
import type { ConditionValue } from '../../../src/audience/conditions/operators.ts'
import { type PropertyTest, propertyTester } from '../../../src/audience/conditions/property-test.ts'
import { readInstant, readProperty } from '../../../src/audience/conditions/values.ts'
import { condition, json, properties, propertyTest } from './arbitraries.ts'

const now = new Date('2026-11-23T10:00:00Z')

const propertyHolds = (value: Json | undefined, test: PropertyTest, at: Date) =>
  propertyTester(test)(value, at)

const happened = (daysAgo: number, properties: Record<string, Json> = {}): EventFact => ({
  id: `e${daysAgo}`,
  at: now.getTime() - daysAgo * 86_400_000,
  properties,
})

const factsOf = (over: Partial<Facts['person']> = {}, trigger: Record<string, Json> = {}): Facts => ({
  now,
  person: {
    id: 1,
    external_id: 'u1',
    email: 'ada@example.com',
    phone: null,
    timezone: null,
    language: null,
    created_at: new Date('2026-01-01T00:00:00Z'),
    properties: {},
    tags: [],
    topics: {},
    subscribed: true,
    suppressed: false,
    ...over,
  },
  trigger: { id: 'e1', at: now, properties: trigger },
  events: new Map([['left', [happened(1)]]]),
  messages: [],
  segments: new Set(),
})

const facts = fc
  .record({ properties, trigger: properties, tags: fc.subarray(['vip', 'lead']), subscribed: fc.boolean() })
  .map(({ trigger, ...person }) => factsOf(person, trigger))

const isDate: PropertyTest = { operator: '<', value: { ahead: { days: 1 } } }

// The published null rules: equal is false, not equal true, contains false for anything but text, does not contain
// true for empty text but false for null and for anything but text.
test.each<[PropertyTest, { absent: boolean; null: boolean; empty: boolean; number: boolean; list: boolean }]>(
  [
    [{ operator: 'is_set' }, { absent: false, null: false, empty: true, number: true, list: true }],
    [{ operator: 'is_not_set' }, { absent: true, null: true, empty: false, number: false, list: false }],
    [
      { operator: 'equals', value: 'a' },
      { absent: false, null: false, empty: false, number: false, list: false },
    ],
    [
      { operator: 'not_equals', value: 'a' },
      { absent: true, null: true, empty: true, number: true, list: true },
    ],
    [
      { operator: 'contains', value: '1' },
      { absent: false, null: false, empty: false, number: false, list: false },
    ],
    [
      { operator: 'not_contains', value: 'a' },
      { absent: false, null: false, empty: true, number: false, list: false },
    ],
    [
      { operator: '<', value: 1_000 },
      { absent: false, null: false, empty: false, number: true, list: false },
    ],
    [isDate, { absent: false, null: false, empty: false, number: true, list: false }],
  ],
)('null rules of %j', (test, expected) => {
  const values = { absent: undefined, null: null, empty: '', number: 123, list: ['a'] }
  const got = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, propertyHolds(value, test, now)]),
  )
  expect(got).toEqual(expected)
})

test.each<[Json, PropertyTest['operator'], PropertyTest['value'], boolean]>([
  ['pro', 'equals', 'pro', true],
  ['Pro', 'equals', 'pro', false],
  ['Pro plan', 'contains', 'pro', false],
  ['5', 'equals', 5, true],
  [5, 'equals', '5.0', true],
  ['007', 'equals', '7', false],
  [true, 'equals', 'true', true],
  [1, 'equals', true, false],
  ['10', '>', 9, true],
  ['ten', '>', 9, false],
  ['2026-11-22', '>', '2026-11-21T23:00:00-02:00', false],
  ['2026-11-22T01:00:01Z', '>', '2026-11-21T23:00:00-02:00', true],
  [1_795_428_000, '>=', '2026-11-23', true],
  [1_795_428_000_000, '>=', '2026-11-24', false],
  ['2026-11-16T10:00:00Z', '>=', { ago: { weeks: 1 } }, true],
  ['2026-11-16T09:59:59Z', '>=', { ago: { days: 7 } }, false],
  ['2026-11-23T12:00:00Z', '<=', { ahead: { hours: 2 } }, true],
  ['2026-02-31', '<', { ahead: { hours: 2 } }, false],
  ['', 'is_empty', undefined, true],
  [[], 'is_empty', undefined, true],
  [' ', 'is_empty', undefined, false],
  [null, 'is_empty', undefined, false],
  [0, 'is_not_empty', undefined, true],
  [[null], 'is_not_empty', undefined, true],
  [null, 'is_not_empty', undefined, false],
  ['', 'is_not_empty', undefined, false],
  [['a', 'b'], 'contains_any', ['x', 'b'], true],
  [['5.0'], 'contains_any', [5], true],
  [[5], 'contains_any', ['5.0'], true],
  [['5'], 'contains_any', ['5.0'], false],
  [[true], 'contains_any', ['true'], true],
  [[['a']], 'contains_any', ['a'], false],
  ['a', 'contains_any', ['a'], false],
  [['a', 'b', 'c'], 'contains_all', ['a', 'c', 'c'], true],
  [['a'], 'contains_all', ['a', 'b'], false],
  [['a'], 'contains_none', ['A'], true],
  [['a'], 'contains_none', ['b', 'a'], false],
  [null, 'contains_none', ['a'], true],
  [['__proto__'], 'contains_any', ['constructor'], false],
  [['a', null], 'count', { operator: '=', value: 2 }, true],
  [[], 'count', { operator: '<', value: 1 }, true],
  ['ab', 'count', { operator: '=', value: 2 }, false],
])('%j %s %j is %s', (value, operator, bound, expected) => {
  expect(propertyHolds(value, { operator, value: bound }, now)).toBe(expected)
})

test('the negative operators are opposites, except does not contain on what is no text', () => {
  fc.assert(
    fc.property(fc.option(json, { nil: undefined }), propertyTest, (value, { operator, value: bound }) => {
      const check = (other: PropertyTest['operator']) =>
        propertyHolds(value, { operator: other, value: bound }, now)
      if (operator === 'equals') expect(check('not_equals')).toBe(!check('equals'))
      if (operator === 'is_set') expect(check('is_not_set')).toBe(!check('is_set'))
      if (operator === 'contains')
        expect(check('contains') || check('not_contains')).toBe(typeof value === 'string')
      if (operator === '>') expect(check('>=') || check('<=')).toBe(check('>') || check('<') || check('>='))
    }),
  )
})

test('groups obey the laws of logic, and the reason given is itself false', () => {
  fc.assert(
    fc.property(facts, fc.array(condition, { minLength: 1, maxLength: 4 }), (known, children) => {
      const each = children.map((child) => holds(child, known))
      expect(holds({ all: children }, known)).toBe(each.every(Boolean))
      expect(holds({ any: children }, known)).toBe(each.some(Boolean))
      expect(holds({ not: { all: children } }, known)).toBe(
        holds({ any: children.map((child) => ({ not: child })) }, known),
      )
      const reason = findFalse({ all: children }, known)
      if (reason) expect(holds(reason, known)).toBe(false)
      else expect(each).not.toContain(false)
    }),
    { numRuns: 1_000 },
  )
})

test('tags, subscription and built-in fields', () => {
  const vip = factsOf({ tags: ['vip'], subscribed: false, properties: { email: 'hidden' } })
  expect(holds({ tag: 'vip' }, vip)).toBe(true)
  expect(holds({ tag: 'vip', has: false }, vip)).toBe(false)
  expect(holds({ tag: 'VIP' }, vip)).toBe(false)
  expect(holds({ subscribed: false }, vip)).toBe(true)
  expect(holds({ person: 'email', operator: 'equals', value: 'ada@example.com' }, vip)).toBe(true)
  expect(holds({ person: 'id', operator: 'equals', value: 'u1' }, vip)).toBe(true)
  expect(holds({ person: 'phone', operator: 'is_set' }, vip)).toBe(false)
  expect(holds({ person: 'created_at', operator: '<', value: { ago: { days: 300 } } }, vip)).toBe(true)
})

test.each([
  ['equals', 'ada@müller.example', true],
  ['equals', '\u200bADA@xn--MLLER-kva.example ', true],
  ['equals', 'ada@muller.example', false],
  ['not_equals', 'ADA@MÜLLER.example', false],
  ['one_of', ['x@y.example', 'Ada@mu\u0308ller.example'], true],
  ['not_one_of', ['x@y.example', 'Ada@müller.example'], false],
  ['not_one_of', ['x@y.example'], true],
  ['starts_with', 'ADA@', true],
  ['ends_with', '@Müller.example', true],
  ['ends_with', 'müller.example', true],
  ['contains', 'MÜLLER.example', true],
  ['contains', 'xn--mller', true],
  ['contains', 'muller', false],
  ['not_contains', 'Müller.example', false],
  ['not_contains', 'muller', true],
  ['contains', '\u200b', false],
] as const)('an address is compared in its one form: %s %j', (operator, value, expected) => {
  const ada = factsOf({ email: 'Ada@xn--mller-kva.example' })
  expect(holds({ person: 'email', operator, value: value as ConditionValue }, ada)).toBe(expected)
})

test('the local part of an address is compared as one, too', () => {
  const facts = factsOf({ email: 'ÄB@xn--mller-kva.example' })
  for (const value of ['äb@', 'a\u0308B', 'ÄB@müller.example'])
    expect(holds({ person: 'email', operator: 'starts_with', value }, facts)).toBe(true)
})

const did = (...events: EventFact[]): Facts => ({ ...factsOf(), events: new Map([['x', events]]) })

test('counts of events', () => {
  const counting = (count: number) => did(...Array.from({ length: count }, (_, place) => happened(place + 1)))
  expect(holds({ event: 'x' }, counting(1))).toBe(true)
  expect(holds({ event: 'x' }, counting(0))).toBe(false)
  expect(holds({ event: 'x', did: false }, counting(0))).toBe(true)
  expect(holds({ event: 'x', count: { operator: '=', value: 0 } }, counting(0))).toBe(true)
  expect(holds({ event: 'x', count: { operator: '<', value: 2 } }, counting(2))).toBe(false)
  expect(holds({ event: 'x', did: false, count: { operator: '>=', value: 2 } }, counting(1))).toBe(true)
})

test('windows of time, first and last times', () => {
  const known = did(happened(3), happened(10), happened(40))
  const days = (count: number) => ({ ago: { days: count } })
  const count = (value: number) => ({ operator: '=' as const, value })
  expect(holds({ event: 'x', within: { last: { days: 10 } }, count: count(2) }, known)).toBe(true)
  expect(holds({ event: 'x', within: { after: days(40), before: days(3) }, count: count(2) }, known)).toBe(
    true,
  )
  expect(holds({ event: 'x', within: { before: '2026-11-01' }, count: count(1) }, known)).toBe(true)
  expect(holds({ event: 'x', first: { operator: '<=', value: days(40) } }, known)).toBe(true)
  expect(holds({ event: 'x', last: { operator: '<', value: days(3) } }, known)).toBe(false)
  expect(holds({ event: 'x', last: { operator: '<', value: days(3) } }, did())).toBe(false)
  expect(holds({ event: 'x', last: { operator: '<', value: days(3) }, did: false }, did())).toBe(true)
})

test.each([
  ['sum', '=', 1, true],
  ['sum', '>', 1, false],
  ['average', '=', 0.1, true],
  ['min', '<', 0.1, false],
  ['max', '>=', 0.1, true],
] as const)('amounts add up exactly: %s %s %s', (name, operator, value, expected) => {
  const known = did(...Array.from({ length: 10 }, (_, place) => happened(place + 1, { price: 0.1 })))
  const aggregate = { function: name, property: 'price', operator, value }
  expect(holds({ event: 'x', aggregate }, known)).toBe(expected)
})

test('sums and averages of those events that count, and of those numbers that are some', () => {
  const known = did(
    happened(3, { price: 20, gift: true }),
    happened(5, { price: '30.50' }),
    happened(6, { price: 'free' }),
    happened(7, {}),
    happened(8, { price: 1e300 }),
    happened(40, { price: 500 }),
  )
  const spent = (value: number, more: object = {}, name = 'sum') =>
    holds(
      {
        event: 'x',
        aggregate: { function: name as 'sum', property: 'price', operator: '>=', value },
        within: { last: { days: 30 } },
        ...more,
      },
      known,
    )
  expect([spent(50.5), spent(50.51)]).toEqual([true, false])
  expect([spent(25.25, {}, 'average'), spent(25.26, {}, 'average')]).toEqual([true, false])
  expect([spent(500, { within: undefined }), spent(0, { within: { last: { days: 1 } } })]).toEqual([
    true,
    true,
  ])
  expect(spent(30.5, { where: [{ property: 'gift', operator: 'not_equals', value: true }] })).toBe(true)
  // Of no numbers there is a sum, and nothing else.
  const none = { within: { last: { days: 1 } } }
  expect(['average', 'min', 'max'].map((name) => spent(-1e15, none, name))).toEqual([false, false, false])
  expect(spent(-1, { ...none, did: false }, 'max')).toBe(true)
})

test('capitals matter unless they are to be ignored', () => {
  const vip = factsOf({ properties: { plan: 'Pro', cities: ['KÖLN', 'İzmir'] } })
  const person = 'plan'
  expect(holds({ person, operator: 'equals', value: 'pro' }, vip)).toBe(false)
  expect(holds({ person, operator: 'equals', value: 'pro', ignoreCase: false }, vip)).toBe(false)
  expect(holds({ person, operator: 'equals', value: 'pRO', ignoreCase: true }, vip)).toBe(true)
  expect(holds({ person, operator: 'starts_with', value: 'PR', ignoreCase: true }, vip)).toBe(true)
  expect(holds({ person, operator: 'not_contains', value: 'RO', ignoreCase: true }, vip)).toBe(false)
  expect(holds({ person, operator: 'one_of', value: ['x', 'PRO'], ignoreCase: true }, vip)).toBe(true)
  const cities = { person: 'cities', ignoreCase: true } as const
  expect(holds({ ...cities, operator: 'contains_all', value: ['köln', 'IZMIR'] }, vip)).toBe(true)
  expect(holds({ ...cities, operator: 'contains_none', value: ['Ko\u0308ln'] }, vip)).toBe(false)
})

test('an event that no other one with the same property followed', () => {
  const cart = (sku: string, daysAgo: number) => ({ ...happened(daysAgo, { sku }), id: `cart ${sku}` })
  const known: Facts = {
    ...factsOf(),
    events: new Map([
      ['added to cart', [cart('a', 5), cart('b', 4)]],
      ['purchased', [happened(3, { sku: 'a' }), happened(9, { sku: 'b' })]],
    ]),
  }
  const abandoned = (more: object) =>
    holds(
      {
        event: 'Added to cart',
        count: { operator: '=', value: 1 },
        related: { event: 'Purchased', scopedBy: 'sku', ...more },
      },
      known,
    )
  expect(abandoned({ did: false, after: true })).toBe(true)
  expect(abandoned({ after: true })).toBe(true)
  // Whenever: both were bought at some time.
  expect(abandoned({ did: false })).toBe(false)
})

test('names with dots lead into objects, and nowhere else', () => {
  expect(readProperty({ address: { city: 'Oslo' } }, 'address.city')).toBe('Oslo')
  expect(readProperty({ 'address.city': 'Rome', address: { city: 'Oslo' } }, 'address.city')).toBe('Rome')
  expect(readProperty({ address: ['Oslo'] }, 'address.0')).toBeUndefined()
  expect(readProperty({}, 'constructor.name')).toBeUndefined()
  expect(readProperty({ a: {} }, 'a.__proto__')).toBeUndefined()
})

test('a date without an offset is read in the zone asked for', () => {
  expect(readInstant('2026-07-01', 'America/New_York')).toBe(Date.UTC(2026, 6, 1, 4))
  expect(readInstant('2026-07-01T10:00Z', 'America/New_York')).toBe(Date.UTC(2026, 6, 1, 10))
})
