import type { Json } from '@fairway/queue'
import fc from 'fast-check'
import type { AnniversaryCondition } from '../../../src/audience/conditions/kinds/anniversary.ts'
import type { EventCondition } from '../../../src/audience/conditions/kinds/event.ts'
import { type MessageCondition, messageActions } from '../../../src/audience/conditions/kinds/message.ts'
import type { Condition } from '../../../src/audience/conditions/language.ts'
import { aggregateFunctions } from '../../../src/audience/conditions/parts/aggregate.ts'
import { countOperators } from '../../../src/audience/conditions/parts/count.ts'
import { orderOperators, units } from '../../../src/audience/conditions/parts/time.ts'
import type { PropertyTest } from '../../../src/audience/conditions/property-test.ts'

/** Few names and values, so that conditions and data meet. */
export const names = ['plan', 'age', 'sku', 'address.city', 'dotted.name', 'nothing']
export const eventNames = ['Purchased item', 'viewed_item', 'Left']

/** As they are stored. What is none may be left from older versions. */
export const addresses = [
  'ada@example.com',
  'Ada.L@example.com',
  'ann@xn--mller-kva.example',
  'ÄB@xn--mller-kva.example',
  'pro',
  '5',
  'true',
]
const addressTexts = [
  'ADA@example.com',
  '\u200bada@EXAMPLE.com',
  'Ann@Müller.example',
  'ann@mu\u0308ller.example',
  'äb@MÜLLER.example',
  'Müller.example',
  '@müller.example',
  '@MÜLL',
  'ÄB@',
  'ada',
  'ADA.',
  '\u200b',
]

const texts = [
  '',
  'pro',
  'Pro',
  'pro plan',
  '5',
  '05',
  '5.0',
  '-3',
  'true',
  '1e3',
  'é',
  '%',
  '_',
  '2026-02-31',
  ...foldable(),
]

/** Texts that are the same but for case, or nearly. */
function foldable(): string[] {
  return [
    'PRO',
    'É',
    'e\u0301',
    'E\u0301',
    'İ',
    'I\u0307',
    'ı',
    'I',
    'i',
    'ß',
    'SS',
    'ẞ',
    'ΟΔΟΣ',
    'οδος',
    'οδοσ',
    '\u212a',
  ]
}
const dates = [
  '2026-11-23',
  '2026-11-23T10:00:00Z',
  '2026-11-23T10:00:00.5+02:00',
  '2026-11-23 10:00',
  '2026-02-28T23:59:59.9999-0330',
  '2024-02-29',
  '1990-11-24',
]
const numbers = [0, 5, -3, 5.5, 1e21, 1e-7, 1_795_428_000, 1_795_428_000_123, 1e15]

export const json: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Json>(...texts, ...dates, ...numbers, true, false, null) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')) },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom<Json>(...texts, 5, 5.5, -3, true, null), { maxLength: 5 }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Json>([], ['pro'], [5], {}, { pro: 'pro' }, [[]], [null]) },
)

export const properties: fc.Arbitrary<Record<string, Json>> = fc.record(
  {
    plan: json,
    age: json,
    sku: json,
    address: fc.oneof(json, fc.record({ city: json })),
    'dotted.name': json,
    dotted: fc.record({ name: json }),
  },
  { requiredKeys: [] },
)

const name = fc.constantFrom(...names)
const text = fc.oneof(
  fc.constantFrom(...[...texts, ...dates].filter((value) => value !== '')),
  fc.string({ unit: 'binary', minLength: 1 }).filter((value) => !value.includes('\0')),
)
const number = fc.oneof(
  fc.constantFrom(...numbers),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
)
const duration = fc
  .tuple(fc.constantFrom(...units), fc.integer({ min: 1, max: 400 }))
  .map(([unit, amount]) => ({ [unit]: amount }) as never)
const relativeTime = fc.oneof(fc.record({ ago: duration }), fc.record({ ahead: duration }))

const scalar = fc.oneof(text, number, fc.boolean())
const time = fc.oneof(fc.constantFrom(...dates), relativeTime)

const count = fc.record({
  operator: fc.constantFrom(...countOperators),
  value: fc.integer({ min: 0, max: 4 }),
})

const testOf = (
  text: fc.Arbitrary<string>,
  scalar: fc.Arbitrary<string | number | boolean>,
): fc.Arbitrary<PropertyTest> =>
  fc.oneof(
    fc.record({ operator: fc.constantFrom('is_set', 'is_not_set', 'is_empty', 'is_not_empty') }),
    mayIgnoreCase({ operator: fc.constantFrom('equals', 'not_equals'), value: scalar }),
    mayIgnoreCase({
      operator: fc.constantFrom('one_of', 'not_one_of', 'contains_any', 'contains_all', 'contains_none'),
      value: fc.array(scalar, { minLength: 1, maxLength: 4 }),
    }),
    mayIgnoreCase({
      operator: fc.constantFrom('contains', 'not_contains', 'starts_with', 'ends_with'),
      value: text,
    }),
    fc.record({ operator: fc.constant('count'), value: count }),
    fc.record({ operator: fc.constantFrom(...orderOperators), value: fc.oneof(number, time) }),
  )

const mayIgnoreCase = <Operator, Value>(test: {
  operator: fc.Arbitrary<Operator>
  value: fc.Arbitrary<Value>
}) => fc.record({ ...test, ignoreCase: fc.boolean() }, { requiredKeys: ['operator', 'value'] })

export const propertyTest = testOf(text, scalar)
const addressText = fc.oneof(fc.constantFrom(...addresses, ...addressTexts), text)
const addressTest = testOf(addressText, fc.oneof(addressText, number, fc.boolean()))

const window = fc.oneof(
  fc.record({ last: duration }),
  fc.record({ after: time }),
  fc.record({ before: time }),
  fc.record({ after: time, before: time }),
)
const where = fc.array(
  fc.tuple(name, propertyTest).map(([property, test]) => ({ property, ...test })),
  { maxLength: 2 },
)
const timeTest = fc.record({ operator: fc.constantFrom(...orderOperators), value: time })
const related = fc.record(
  {
    event: fc.constantFrom(...eventNames),
    did: fc.boolean(),
    scopedBy: fc.constantFrom('sku', 'plan'),
    after: fc.boolean(),
    where,
  },
  { requiredKeys: ['event', 'scopedBy'] },
)

const aggregate = fc.record({
  function: fc.constantFrom(...aggregateFunctions),
  property: fc.constantFrom('age', 'sku', 'address.city'),
  operator: fc.constantFrom(...countOperators),
  value: fc.oneof(fc.constantFrom(0, 5, 2.5, -3, 10.5), fc.double({ noNaN: true, min: -1e3, max: 1e3 })),
})

/** Without triggers: as in segments. */
const plainEvent = {
  event: fc.constantFrom(...eventNames),
  did: fc.boolean(),
  within: window,
  where,
  related,
}

export const eventCondition: fc.Arbitrary<EventCondition> = fc.oneof(
  fc.record({ ...plainEvent, count }, { requiredKeys: ['event'] }),
  fc.record({ ...plainEvent, first: timeTest }, { requiredKeys: ['event', 'first'] }),
  fc.record({ ...plainEvent, last: timeTest }, { requiredKeys: ['event', 'last'] }),
  fc.record({ ...plainEvent, aggregate }, { requiredKeys: ['event', 'aggregate'] }),
)

const triggeredEvent: fc.Arbitrary<EventCondition> = fc
  .tuple(
    eventCondition,
    fc.record({ within: fc.constant('since_trigger' as const), scopedBy: name }, { requiredKeys: [] }),
  )
  .map(([condition, more]) => ({ ...condition, ...more }))

export const messageCondition: fc.Arbitrary<MessageCondition> = fc.record(
  {
    message: fc.constantFrom(...messageActions),
    did: fc.boolean(),
    count,
    within: window,
    campaign: fc.integer({ min: 1, max: 2 }),
    template: fc.integer({ min: 1, max: 2 }),
  },
  { requiredKeys: ['message'] },
)

const days = fc.record({ days: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 365 })) })
const anniversaryCondition: fc.Arbitrary<AnniversaryCondition> = fc
  .tuple(
    fc.oneof(name, fc.constant('created_at')),
    fc.oneof(fc.constant({}), fc.record({ in: days }), fc.record({ within: fc.record({ next: days }) })),
  )
  .map(([anniversary, when]) => ({ anniversary, ...when }))

/** Ids of the manual segments that tests make. */
export const segmentIds = [1, 2]

const plainLeaf: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .tuple(fc.oneof(name, fc.constantFrom('id', 'created_at')), propertyTest)
    .map(([person, test]) => ({ person, ...test })),
  addressTest.map((test) => ({ person: 'email', ...test })),
  fc.record({ tag: fc.constantFrom('vip', 'lead'), has: fc.boolean() }, { requiredKeys: ['tag'] }),
  fc.record({ subscribed: fc.boolean() }),
  fc.record({ topic: fc.constantFrom('news', 'offers'), wanted: fc.boolean() }),
  fc.record({ segment: fc.constantFrom(...segmentIds), in: fc.boolean() }, { requiredKeys: ['segment'] }),
  { weight: 2, arbitrary: eventCondition },
  messageCondition,
  anniversaryCondition,
)

const triggeredLeaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.tuple(name, propertyTest).map(([trigger, test]) => ({ trigger, ...test })),
  triggeredEvent,
)

const treeOf = (leaf: fc.Arbitrary<Condition>): fc.Arbitrary<Condition> =>
  fc.letrec<{ node: Condition }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 3, arbitrary: leaf },
      { weight: 1, arbitrary: fc.record({ all: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }) },
      { weight: 1, arbitrary: fc.record({ any: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }) },
      { weight: 1, arbitrary: fc.record({ not: tie('node') }) },
    ),
  })).node

/** Conditions of segments. */
export const segmentCondition = treeOf(plainLeaf)
/** Conditions of campaigns, which have a trigger. */
export const condition = treeOf(
  fc.oneof({ weight: 3, arbitrary: plainLeaf }, { weight: 1, arbitrary: triggeredLeaf }),
)
