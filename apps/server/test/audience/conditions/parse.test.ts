import fc from 'fast-check'
import Schema from 'typebox/schema'
import { expect, test } from 'vitest'
import { describe as describeCondition } from '../../../src/audience/conditions/describe.ts'
import { conditionSchema, leavesOf } from '../../../src/audience/conditions/language.ts'
import { parseConditions } from '../../../src/audience/conditions/parse.ts'
import type { ApiError } from '../../../src/platform/errors.ts'
import { condition } from './arbitraries.ts'

const parse = (input: unknown, trigger = true) => parseConditions(input, { trigger })

function refusal(input: unknown, trigger = true): ApiError {
  try {
    parse(input, trigger)
  } catch (error) {
    return error as ApiError
  }
  throw new Error('was accepted')
}

test('every condition that can be said is accepted, by the schema too, and has a description', () => {
  const schema = Schema.Compile(conditionSchema)
  fc.assert(
    fc.property(condition, (input) => {
      expect(parse(input)).toBe(input)
      expect(schema.Check(input)).toBe(true)
      expect(describeCondition(input)).toMatch(/\w/)
    }),
  )
})

test('arbitrary input is refused with a place and a reason, never with another error', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.object({ key: fc.constantFrom('all', 'event', 'person') })),
      (input) => {
        try {
          parse(input)
        } catch (error) {
          expect(error).toMatchObject({
            name: 'ApiError',
            status: 422,
            field: expect.stringMatching(/^conditions/),
          })
        }
      },
    ),
    { numRuns: 1_000 },
  )
})

const plan = { person: 'plan', operator: 'equals', value: 'pro' }

test.each([
  ['conditions', null],
  ['conditions', []],
  ['conditions', {}],
  ['conditions', { person: 'a', tag: 'b' }],
  ['conditions.extra', { ...plan, extra: 1 }],
  ['conditions.person', { ...plan, person: '' }],
  ['conditions.operator', { person: 'plan', operator: 'is', value: 'pro' }],
  ['conditions.value', { person: 'plan', operator: 'equals' }],
  ['conditions.value', { person: 'plan', operator: 'equals', value: null }],
  ['conditions.value', { person: 'plan', operator: 'equals', value: Number.NaN }],
  ['conditions.value', { person: 'plan', operator: 'is_set', value: 1 }],
  ['conditions.value', { person: 'plan', operator: 'contains', value: 5 }],
  ['conditions.value', { person: 'plan', operator: 'contains', value: 'a\0b' }],
  ['conditions.value', { person: 'plan', operator: 'contains', value: '\ud800' }],
  ['conditions.value', { person: 'plan', operator: '>', value: 'ten' }],
  ['conditions.value', { person: 'plan', operator: '>', value: '2026-02-30' }],
  ['conditions.value', { person: 'plan', operator: '>', value: { ago: { days: 1 }, ahead: { days: 1 } } }],
  ['conditions.value.ago', { person: 'plan', operator: '>', value: { ago: { months: 1 } } }],
  ['conditions.value.ago.days', { person: 'plan', operator: '>', value: { ago: { days: 0 } } }],
  ['conditions.all', { all: [] }],
  ['conditions.all.2.value', { all: [plan, plan, { ...plan, value: {} }] }],
  ['conditions.not.any.0.tag', { not: { any: [{ tag: 7 }] } }],
  ['conditions.has', { tag: 'vip', has: 'yes' }],
  ['conditions.subscribed', { subscribed: 'true' }],
  ['conditions.count.operator', { event: 'x', count: { operator: '==', value: 1 } }],
  ['conditions.count.value', { event: 'x', count: { operator: '=', value: 1.5 } }],
  ['conditions.within', { event: 'x', within: 'today' }],
  ['conditions.within.last', { event: 'x', within: { last: 30 } }],
  ['conditions.where', { event: 'x', where: {} }],
  ['conditions.where.0.operator', { event: 'x', where: [{ property: 'a', operator: 'like', value: 'b' }] }],
  ['conditions.scopedBy', { event: 'x', scopedBy: 1 }],
  ['conditions.ignoreCase', { ...plan, ignoreCase: 'yes' }],
  ['conditions.ignoreCase', { person: 'plan', operator: '>', value: 5, ignoreCase: true }],
  ['conditions.value', { person: 'a', operator: 'contains_any', value: [] }],
  ['conditions.value', { person: 'a', operator: 'contains_all', value: Array.from({ length: 101 }, String) }],
  ['conditions.value.1', { person: 'a', operator: 'contains_none', value: ['a', null] }],
  ['conditions.value', { person: 'a', operator: 'is_empty', value: '' }],
  ['conditions.value', { person: 'a', operator: 'count', value: 2 }],
  ['conditions.value.value', { person: 'a', operator: 'count', value: { operator: '=', value: 10_001 } }],
  ['conditions.operator', { person: 'a', operator: 'constructor', value: 2 }],
  ['conditions', { event: 'x', count: { operator: '=', value: 1 }, aggregate: {} }],
  ['conditions.aggregate.function', { event: 'x', aggregate: { function: 'toString' } }],
  [
    'conditions.aggregate.value',
    { event: 'x', aggregate: { function: 'sum', property: 'p', operator: '=', value: Number.NaN } },
  ],
  [
    'conditions.aggregate.value',
    { event: 'x', aggregate: { function: 'sum', property: 'p', operator: '=', value: 1e16 } },
  ],
  ['conditions.anniversary', { anniversary: '' }],
  ['conditions', { anniversary: 'a', in: { days: 1 }, within: { next: { days: 1 } } }],
  ['conditions.in.days', { anniversary: 'a', in: { days: 1.5 } }],
  ['conditions.in.weeks', { anniversary: 'a', in: { weeks: 1 } }],
  ['conditions.within.next.days', { anniversary: 'a', within: { next: { days: 366 } } }],
  ['conditions.within', { anniversary: 'a', within: 'today' }],
])('names the place %s', (field, input) => {
  expect(refusal(input)).toMatchObject({ status: 422, field })
})

test('without a trigger event, nothing may speak of one', () => {
  expect(refusal({ trigger: 'sku', operator: 'is_set' }, false).field).toBe('conditions.trigger')
  expect(refusal({ not: { event: 'x', within: 'since_trigger' } }, false).field).toBe('conditions.not.within')
  expect(refusal({ event: 'x', scopedBy: 'sku' }, false).field).toBe('conditions.scopedBy')
})

test('depth and size are bounded', () => {
  let deep: unknown = plan
  for (let level = 0; level < 5_000; level++) deep = { not: deep }
  expect(refusal(deep).message).toMatch(/nested at most 10/)
  expect(refusal({ all: Array.from({ length: 101 }, () => plan) }).message).toMatch(/at most 100/)
  const filters = Array.from({ length: 101 }, () => ({ property: 'a', operator: 'is_set' }))
  expect(refusal({ event: 'x', where: filters }).message).toMatch(/at most 100/)
})

test('describes the rule in one line', () => {
  const input = parse({
    all: [
      plan,
      { any: [{ tag: 'vip', has: false }, { not: { subscribed: true } }] },
      { person: 'signed_up_at', operator: '<=', value: { ago: { days: 1 } } },
      {
        event: 'Purchased item',
        did: false,
        count: { operator: '>=', value: 2 },
        where: [{ property: 'price', operator: '>', value: 10 }],
        scopedBy: 'sku',
        within: 'since_trigger',
      },
    ],
  })
  expect(describeCondition(input)).toBe(
    '(person.plan equals "pro" and (does not have tag "vip" or not (is subscribed)) and person.signed_up_at <= 1 day ago' +
      ' and did not do "Purchased item" >= 2 times where price > 10 with the trigger\'s sku since the trigger)',
  )
  expect([...leavesOf(input)]).toHaveLength(5)
})
