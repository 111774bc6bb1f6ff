import type { Json } from '@fairway/queue'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PersonState, readRegisters, writeState } from '../../../src/audience/people/person.ts'
import { join, type Registers, sameValue, write } from '../../../src/audience/people/registers.ts'

const value: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, 1, 'a', 'b'),
  fc.constantFrom<Json>({ x: 1, y: [2] }, { y: [2], x: 1 }, ['a']),
)
const property = fc.constantFrom('plan', 'city', '$email', '$tag:x', '__proto__', 'constructor', '')
const oneWrite = fc.oneof(
  fc.tuple(property.map(escaped), fc.nat(5), value),
  fc.tuple(fc.constantFrom('$email', '$id'), fc.nat(5), fc.constantFrom<Json>('a@b.co', 'z@b.co')),
  fc.tuple(fc.constantFrom('$tag:vip', '$tag:new'), fc.nat(5), fc.constantFrom<Json>(true, null)),
  fc.tuple(fc.constantFrom('$subscribed', '$topic:news'), fc.nat(5), fc.boolean()),
  fc.tuple(fc.constant('$device:T'), fc.nat(5), fc.constantFrom<Json>({ type: 'push' }, null)),
)

function escaped(name: string): string {
  return name.startsWith('$') ? `$${name}` : name
}

function apply(writes: [string, number, Json][], into: Registers = new Map()): Registers {
  for (const [name, at, to] of writes) write(into, name, at, to)
  return into
}

/** As the database would keep it: in an order of its own, objects with sorted keys. */
const stored = (registers: Registers): PersonState => JSON.parse(JSON.stringify(writeState(registers)))

const canonical = (state: PersonState) => JSON.stringify(sortKeys(state))
const sortKeys = (json: unknown): unknown =>
  Array.isArray(json)
    ? json.map(sortKeys)
    : typeof json === 'object' && json !== null
      ? Object.entries(json)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, member]) => [key, sortKeys(member)])
      : json

describe('registers', () => {
  it('give the same person whatever the order and repetition of the writes', () => {
    fc.assert(
      fc.property(fc.array(oneWrite, { maxLength: 30 }), fc.integer(), (writes, seed) => {
        const shuffled = [...writes, ...writes.slice(0, 5)].sort((a, b) => hash(a, seed) - hash(b, seed))
        expect(canonical(stored(apply(shuffled)))).toBe(canonical(stored(apply(writes))))
      }),
      { numRuns: 2_000 },
    )
  })

  it('merge like the writes of both, in either direction, through the database and back', () => {
    fc.assert(
      fc.property(fc.array(oneWrite), fc.array(oneWrite), (a, b) => {
        const both = canonical(stored(apply([...a, ...b])))
        const [left, right] = [readRegisters(stored(apply(a))), readRegisters(stored(apply(b)))]
        const merged = new Map(left)
        join(merged, right)
        join(right, left)
        expect(canonical(stored(merged))).toBe(both)
        expect(canonical(stored(right))).toBe(both)
      }),
      { numRuns: 2_000 },
    )
  })

  it('lose no write on the way to the database and back', () => {
    fc.assert(
      fc.property(fc.array(oneWrite), (writes) => {
        const state = stored(apply(writes))
        expect(canonical(stored(readRegisters(state)))).toBe(canonical(state))
      }),
    )
  })

  it('prefer an opt-out of the same millisecond, and a value to its removal', () => {
    const registers = apply([
      ['$subscribed', 5, false],
      ['$subscribed', 5, true],
      ['plan', 5, 'pro'],
      ['plan', 5, null],
    ])
    expect(writeState(registers)).toMatchObject({ subscribed: false, properties: { plan: 'pro' } })
  })

  it('know that the order of keys makes no difference', () => {
    expect(sameValue({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toBe(true)
    expect(sameValue({ a: 1 }, { a: 1, b: 2 })).toBe(false)
    expect(sameValue(1, '1')).toBe(false)
  })
})

function hash(of: unknown, seed: number): number {
  let sum = seed | 0
  for (const character of JSON.stringify(of)) sum = (Math.imul(sum, 31) + character.charCodeAt(0)) | 0
  return sum
}
