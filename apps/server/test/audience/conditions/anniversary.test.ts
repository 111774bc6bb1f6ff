import type { Json } from '@fairway/queue'
import { expect, test } from 'vitest'
import { nextChange } from '../../../src/audience/conditions/due.ts'
import { holds } from '../../../src/audience/conditions/evaluate.ts'
import type { Facts } from '../../../src/audience/conditions/facts.ts'
import type { AnniversaryCondition } from '../../../src/audience/conditions/kinds/anniversary.ts'

const factsAt = (
  now: string,
  birthday: Json,
  timezone: string | null = null,
  project: string | undefined = undefined,
): Facts => ({
  now: new Date(now),
  person: {
    id: 1,
    external_id: 'u1',
    email: null,
    phone: null,
    timezone,
    language: null,
    created_at: new Date('2024-02-29T23:30:00Z'),
    properties: { birthday },
    tags: [],
    topics: {},
    subscribed: true,
    suppressed: false,
  },
  timezone: project,
  events: new Map(),
  messages: [],
  segments: new Set(),
})

const today: AnniversaryCondition = { anniversary: 'birthday' }
const inDays = (days: number): AnniversaryCondition => ({ ...today, in: { days } })
const within = (days: number): AnniversaryCondition => ({ ...today, within: { next: { days } } })

test.each<[AnniversaryCondition, string, Json, boolean]>([
  [today, '2026-11-23T10:00:00Z', '1990-11-23', true],
  [today, '2026-11-24T00:00:00Z', '1990-11-23', false],
  // As it is written, whatever stands behind the day.
  [today, '2026-11-23T10:00:00Z', '1990-11-23T23:59:59-11:00', true],
  [today, '2026-11-23T10:00:00Z', Date.UTC(1990, 10, 23, 12), true],
  [inDays(3), '2026-11-20T23:59:59Z', '1990-11-23', true],
  [inDays(3), '2026-11-23T10:00:00Z', '1990-11-23', false],
  [inDays(3), '2026-12-30T10:00:00Z', '1990-01-02', true],
  [within(7), '2026-11-16T00:00:00Z', '1990-11-23', true],
  [within(7), '2026-11-15T23:59:59Z', '1990-11-23', false],
  [within(7), '2026-12-30T10:00:00Z', '1990-01-02', true],
  [within(365), '2026-12-30T10:00:00Z', '1990-12-29', true],
  // Leap days: the 28th where there is no 29th.
  [today, '2026-02-28T10:00:00Z', '2000-02-29', true],
  [today, '2026-03-01T10:00:00Z', '2000-02-29', false],
  [today, '2028-02-28T10:00:00Z', '2000-02-29', false],
  [today, '2028-02-29T10:00:00Z', '2000-02-29', true],
  [today, '2026-02-28T10:00:00Z', '2000-02-28', true],
  [today, '2026-11-23T10:00:00Z', '11-23', false],
  [today, '2026-11-23T10:00:00Z', '1990-02-30', false],
  [today, '2026-11-23T10:00:00Z', null, false],
])('%j at %s of %j is %s', (condition, now, birthday, expected) => {
  expect(holds(condition, factsAt(now, birthday))).toBe(expected)
})

test('the day is that of the person, or of the project', () => {
  const at = '2026-11-22T10:30:00Z'
  expect(holds(today, factsAt(at, '1990-11-23', 'Pacific/Kiritimati'))).toBe(true)
  expect(holds(today, factsAt(at, '1990-11-23', null, 'Pacific/Kiritimati'))).toBe(true)
  expect(holds(today, factsAt(at, '1990-11-23', 'Europe/Berlin', 'Pacific/Kiritimati'))).toBe(false)
  expect(holds(today, factsAt(at, '1990-11-23', 'Nowhere', 'Pacific/Kiritimati'))).toBe(true)
})

test('a property called as nothing else has no anniversary', () => {
  expect(holds({ anniversary: '__proto__' }, factsAt('2026-11-23T10:00:00Z', null))).toBe(false)
  expect(holds({ anniversary: 'constructor.name' }, factsAt('2026-11-23T10:00:00Z', null))).toBe(false)
})

/** Follows the times at which one is told to look again, until the answer is another one. */
function turnsOf(
  condition: AnniversaryCondition,
  first: Facts,
  count: number,
): [time: string, holds: boolean][] {
  const turns: [string, boolean][] = []
  let facts = first
  for (let looks = 0; turns.length < count && looks < 100; looks++) {
    const due = nextChange(condition, facts)
    const next = { ...facts, now: new Date(due) }
    expect(due).toBeGreaterThan(facts.now.getTime())
    if (holds(condition, next) !== holds(condition, facts))
      turns.push([next.now.toISOString(), holds(condition, next)])
    facts = next
  }
  return turns
}

test('one looks again at the midnights of the person, few times a year', () => {
  expect(turnsOf(today, factsAt('2026-01-01T00:00:00Z', '1990-07-04', 'America/New_York'), 4)).toEqual([
    ['2026-07-04T04:00:00.000Z', true],
    ['2026-07-05T04:00:00.000Z', false],
    ['2027-07-04T04:00:00.000Z', true],
    ['2027-07-05T04:00:00.000Z', false],
  ])
  // Clocks are changed on the day before.
  expect(turnsOf(today, factsAt('2026-03-01T00:00:00Z', '1990-03-30', 'Europe/Berlin'), 2)).toEqual([
    ['2026-03-29T22:00:00.000Z', true],
    ['2026-03-30T22:00:00.000Z', false],
  ])
  expect(turnsOf(within(7), factsAt('2026-01-01T00:00:00Z', '2000-02-29'), 4)).toEqual([
    ['2026-02-21T00:00:00.000Z', true],
    ['2026-03-01T00:00:00.000Z', false],
    ['2027-02-21T00:00:00.000Z', true],
    ['2027-03-01T00:00:00.000Z', false],
  ])
  expect(nextChange(today, factsAt('2026-01-01T00:00:00Z', 'soon'))).toBe(Number.POSITIVE_INFINITY)
})
