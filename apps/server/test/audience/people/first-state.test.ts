import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { IdentifyItem } from '../../../src/audience/items/item.ts'
import { changePerson } from '../../../src/audience/people/apply.ts'
import { FirstStates } from '../../../src/audience/people/first-state.ts'

const person = fc.constantFrom(
  { id: 'ada' },
  { anonymousId: 'visitor' },
  { email: 'Ada@Example.com ' },
  { id: 'ada@example.com', email: 'ada@example.com' },
)
const text = fc.constantFrom('a', 'b', null)
const usual = fc.constantFrom('plan', 'city', 'constructor', '')
const name = seldom(fc.constantFrom('$email', '__proto__'), usual)
const value = seldom(fc.constant(null), fc.constantFrom('x', 0, true, [1], { y: 2 }))

function seldom<A, B>(arbitrary: fc.Arbitrary<A>, otherwise: fc.Arbitrary<B>): fc.Arbitrary<A | B> {
  return fc.oneof({ weight: 1, arbitrary }, { weight: 9, arbitrary: otherwise })
}

const item: fc.Arbitrary<IdentifyItem> = fc
  .record(
    {
      person,
      at: fc.constantFrom(1, 2, 1_767_261_600_000, 1_767_261_600_001),
      email: text,
      phone: text,
      timezone: text,
      language: text,
      properties: fc.dictionary(name, value, { noNullPrototype: true }),
      tags: seldom(fc.constant({ add: ['vip'] as string[], remove: [] as string[] }), fc.constant(undefined)),
      subscribed: seldom(fc.boolean(), fc.constant(undefined)),
    },
    { requiredKeys: ['person', 'at'] },
  )
  .map((members) => ({ kind: 'identify', acceptedAt: 1, source: 'test', ...members }))

it('tells what applying the item would, or leaves it to that', () => {
  let told = 0
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 10 }), (items) => {
      const states = new FirstStates()
      for (const one of items) {
        const { id, email, anonymousId } = one.person
        const address =
          id === undefined && anonymousId === undefined ? email?.trim().toLowerCase() : undefined
        const externalId = id ?? address ?? null
        const provisional = address !== undefined
        const draft = {
          id: undefined,
          externalId,
          provisional,
          becameKnown: false,
          newAnonymous: undefined,
          items: [0],
        }
        const state = states.of(externalId, address, one)
        if (state === undefined) continue
        told++
        expect(state).toEqual(changePerson(draft, [one], undefined, new Map()).after)
      }
    }),
    { numRuns: 2_000 },
  )
  expect(told).toBeGreaterThan(500)
})
