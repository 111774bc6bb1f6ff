import type { Json } from '@fairway/queue'
import fc from 'fast-check'
import { DateTime } from 'luxon'
import { expect, test } from 'vitest'
import type { Recipient } from '../../../src/audience/people/lookup.ts'
import { dueAt, parseWait, type Wait, type WaitContext } from '../../../src/automation/campaigns/wait.ts'
import { readZone } from '../../../src/platform/time-zone.ts'

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Africa/Cairo',
  '10',
  '-3.5',
]

const person = (timezone: string | null, properties: Record<string, Json> = {}): Recipient => ({
  id: 1,
  external_id: 'u1',
  email: 'ada@example.com',
  phone: null,
  timezone,
  language: null,
  properties,
  tags: [],
  topics: {},
  subscribed: true,
  suppressed: false,
  created_at: new Date(0),
})

const context = (at: string | Date, over: Partial<WaitContext> = {}): WaitContext => {
  const occurredAt = new Date(at)
  return {
    event: { occurredAt, properties: {} },
    person: person(null),
    projectTimezone: 'UTC',
    now: occurredAt,
    ...over,
  }
}

const dueIso = (wait: Wait, given: WaitContext) => {
  const due = dueAt(wait, given)
  return 'at' in due ? due.at.toISOString() : due.skip
}

test('immediately and after a time', () => {
  const given = context('2026-03-28T12:00:00Z')
  expect(dueIso({ kind: 'immediately' }, given)).toBe('2026-03-28T12:00:00.000Z')
  expect(dueIso({ kind: 'after', seconds: 90 }, given)).toBe('2026-03-28T12:01:30.000Z')
})

test('a day is a calendar day where the person lives', () => {
  const wait: Wait = { kind: 'after', days: 1 }
  const overChange = '2026-03-28T12:00:00Z'
  expect(dueIso(wait, context(overChange, { person: person('Europe/Berlin') }))).toBe(
    '2026-03-29T11:00:00.000Z',
  )
  expect(dueIso(wait, context(overChange, { person: person('UTC') }))).toBe('2026-03-29T12:00:00.000Z')
})

const berlin = { person: person('Europe/Berlin') }

test.each<[string, Wait, string, Partial<WaitContext>, string]>([
  [
    'later today',
    { kind: 'at_local_time', time: '09:00' },
    '2026-11-23T07:00:00Z',
    berlin,
    '2026-11-23T08:00:00.000Z',
  ],
  [
    'tomorrow',
    { kind: 'at_local_time', time: '09:00' },
    '2026-11-23T08:00:01Z',
    berlin,
    '2026-11-24T08:00:00.000Z',
  ],
  [
    'next calendar day',
    { kind: 'at_local_time', time: '09:00', days: 1 },
    '2026-11-23T22:59:00Z',
    berlin,
    '2026-11-24T08:00:00.000Z',
  ],
  [
    'midnight has passed there',
    { kind: 'at_local_time', time: '09:00', days: 1 },
    '2026-11-23T23:00:00Z',
    berlin,
    '2026-11-25T08:00:00.000Z',
  ],
  [
    'weekdays',
    { kind: 'at_local_time', time: '09:00', weekdays: [1, 2] },
    '2026-11-24T09:00:00Z',
    berlin,
    '2026-11-30T08:00:00.000Z',
  ],
  [
    'a skipped time',
    { kind: 'at_local_time', time: '02:30' },
    '2026-03-29T00:00:00Z',
    berlin,
    '2026-03-29T01:30:00.000Z',
  ],
  [
    'a doubled time: the first',
    { kind: 'at_local_time', time: '02:30' },
    '2026-10-24T23:00:00Z',
    berlin,
    '2026-10-25T00:30:00.000Z',
  ],
  [
    'a number of hours',
    { kind: 'at_local_time', time: '09:00' },
    '2026-11-23T00:00:00Z',
    { person: person('-7') },
    '2026-11-23T16:00:00.000Z',
  ],
  [
    "blank: the project's",
    { kind: 'at_local_time', time: '09:00' },
    '2026-11-23T00:00:01Z',
    { projectTimezone: 'Asia/Tokyo' },
    '2026-11-24T00:00:00.000Z',
  ],
  [
    "nonsense: the project's",
    { kind: 'at_local_time', time: '09:00' },
    '2026-11-23T00:00:01Z',
    { person: person('Mars/Base'), projectTimezone: 'Asia/Tokyo' },
    '2026-11-24T00:00:00.000Z',
  ],
  [
    'a little late: at once',
    { kind: 'at_local_time', time: '09:00' },
    '2026-11-23T07:00:00Z',
    { ...berlin, now: new Date('2026-11-23T08:30:00Z') },
    '2026-11-23T08:00:00.000Z',
  ],
  [
    'very late: the next time',
    { kind: 'at_local_time', time: '09:00' },
    '2026-11-23T07:00:00Z',
    { ...berlin, now: new Date('2026-11-23T12:00:00Z') },
    '2026-11-24T08:00:00.000Z',
  ],
])('at a local time of day: %s', (_name, wait, at, over, expected) => {
  expect(dueIso(wait, context(at, over))).toBe(expected)
})

test.each<[string, Record<string, Json>, Partial<Wait>, string]>([
  ['a date', { trial_ends: '2026-12-01T10:00:00Z' }, {}, '2026-12-01T10:00:00.000Z'],
  [
    'before it',
    { trial_ends: '2026-12-01T10:00:00Z' },
    { offsetSeconds: -86_400 },
    '2026-11-30T10:00:00.000Z',
  ],
  ['after it', { trial_ends: '2026-12-01T10:00:00Z' }, { offsetSeconds: 60 }, '2026-12-01T10:01:00.000Z'],
  ['a day where the person lives', { trial_ends: '2026-12-01' }, {}, '2026-11-30T23:00:00.000Z'],
  ['Unix seconds', { trial_ends: 1_796_119_200 }, {}, '2026-12-01T10:00:00.000Z'],
  ['missing', {}, {}, 'wait: event.trial_ends is not a date'],
  ['no date', { trial_ends: 'soon' }, {}, 'wait: event.trial_ends is not a date'],
  ['missing, send anyway', {}, { ifMissing: 'send_now' }, '2026-11-23T10:00:00.000Z'],
  ['past', { trial_ends: '2026-11-22' }, {}, 'wait: event.trial_ends had passed'],
  [
    'past through its offset',
    { trial_ends: '2026-11-24' },
    { offsetSeconds: -259_200 },
    'wait: event.trial_ends had passed',
  ],
  ['past, send anyway', { trial_ends: '2026-11-22' }, { ifPast: 'send_now' }, '2026-11-23T10:00:00.000Z'],
])('until a date: %s', (_name, properties, over, expected) => {
  const wait = { kind: 'until_property', of: 'event', property: 'trial_ends', ...over } as Wait
  const occurredAt = new Date('2026-11-23T10:00:00Z')
  expect(dueIso(wait, context(occurredAt, { ...berlin, event: { occurredAt, properties } }))).toBe(expected)
})

test("a person's date, and work that was held up is late but not pointless", () => {
  const wait: Wait = { kind: 'until_property', of: 'person', property: 'renews_at' }
  const given = context('2026-11-23T10:00:00Z', {
    person: person(null, { renews_at: '2026-11-23T11:00:00Z' }),
    now: new Date('2026-11-23T15:00:00Z'),
  })
  expect(dueIso(wait, given)).toBe('2026-11-23T11:00:00.000Z')
  expect(dueIso(wait, { ...given, person: undefined })).toBe('wait: person.renews_at is not a date')
})

const instant = fc.date({
  min: new Date('2005-01-01T00:00:00Z'),
  max: new Date('2037-12-31T00:00:00Z'),
  noInvalidDate: true,
})
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)

test('a local time of day is kept in every zone, over every clock change', () => {
  const days = fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined })
  const weekdays = fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), {
    nil: undefined,
  })
  const lateMs = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 * 86_400_000 }))
  fc.assert(
    fc.property(
      instant,
      time,
      days,
      weekdays,
      fc.constantFrom(...zones),
      lateMs,
      (at, clock, wait, allowed, zone, late) => {
        const now = new Date(at.getTime() + late)
        const given = context(at, { person: person(zone), now })
        const due = dueAt({ kind: 'at_local_time', time: clock, days: wait, weekdays: allowed }, given)
        const sent = 'at' in due ? due.at : expect.unreachable()
        const local = DateTime.fromJSDate(sent, { zone: readZone(zone) })
        // Never before the event, never more than an hour overdue, on an allowed day, enough days on.
        expect(sent.getTime()).toBeGreaterThanOrEqual(at.getTime())
        expect(sent.getTime()).toBeGreaterThanOrEqual(now.getTime() - 3_600_000)
        if (allowed) expect(allowed).toContain(local.weekday)
        const first = DateTime.fromJSDate(at, { zone: readZone(zone) })
        const daysOn = calendarDays(first, local)
        expect(daysOn).toBeGreaterThanOrEqual(wait ?? 0)
        if (late === 0) expect(daysOn).toBeLessThanOrEqual((wait ?? 0) + 8)
        // The clock shows the time asked for, or that time does not exist on this day.
        if (local.toFormat('HH:mm') !== clock) {
          const [hour, minute] = clock.split(':').map(Number)
          expect(local.set({ hour, minute }).toFormat('HH:mm')).not.toBe(clock)
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

const calendarDays = (from: DateTime, to: DateTime) =>
  Math.round(
    (Date.UTC(to.year, to.month - 1, to.day) - Date.UTC(from.year, from.month - 1, from.day)) / 86_400_000,
  )

test('the first moment after a skipped hour is that moment', () => {
  const at = new Date('2009-12-16T11:00:00Z')
  const wait: Wait = { kind: 'at_local_time', time: '01:00', days: 278, weekdays: [7] }
  expect(dueAt(wait, context(at, { person: person('Pacific/Apia'), now: at }))).toEqual({
    at: new Date('2010-09-26T11:00:00Z'),
  })
})

test('calendar days keep the time of day wherever it exists, and are never shorter than 22 or longer than 26 hours', () => {
  fc.assert(
    fc.property(instant, fc.integer({ min: 1, max: 400 }), fc.constantFrom(...zones), (at, days, zone) => {
      const due = dueAt({ kind: 'after', days }, context(at, { person: person(zone) }))
      const sent = 'at' in due ? due.at : expect.unreachable()
      const hours = (sent.getTime() - at.getTime()) / 3_600_000
      // Samoa skipped a whole day once.
      const slack = zone === 'Pacific/Apia' ? 26 : 2
      expect(Math.abs(hours - days * 24)).toBeLessThanOrEqual(slack)
      const [from, to] = [at, sent].map((date) => DateTime.fromJSDate(date, { zone: readZone(zone) })) as [
        DateTime,
        DateTime,
      ]
      if (to.offset === from.offset) expect(to.toFormat('HH:mm:ss')).toBe(from.toFormat('HH:mm:ss'))
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  ['Europe/Berlin', 'Europe/Berlin'],
  [' america/new_york ', 'america/new_york'],
  ['UTC', 'UTC'],
  ['10', 'UTC+10'],
  ['+5.5', 'UTC+5:30'],
  ['-3.5', 'UTC-3:30'],
  ['GMT-7', 'UTC-7'],
  ['utc+05:45', 'UTC+5:45'],
  ['15', undefined],
  ['99', undefined],
  ['', undefined],
  ['Sydney', undefined],
  [null, undefined],
])('reads the zone %s', (text, name) => {
  expect(readZone(text)?.name).toBe(name)
})

test.each([
  [{ kind: 'immediately' }],
  [{ kind: 'after', seconds: 60 }],
  [{ kind: 'after', days: 1 }],
  [
    {
      kind: 'until_property',
      of: 'person',
      property: 'x',
      offsetSeconds: -60,
      ifMissing: 'skip',
      ifPast: 'send_now',
    },
  ],
  [{ kind: 'at_local_time', time: '23:59', days: 0, weekdays: [1, 7] }],
])('accepts %j', (wait) => {
  expect(parseWait(wait)).toEqual(wait)
})

test.each([
  ['wait', 'soon'],
  ['wait.kind', { kind: 'later' }],
  ['wait.seconds', { kind: 'immediately', seconds: 1 }],
  ['wait', { kind: 'after' }],
  ['wait', { kind: 'after', seconds: 1, days: 1 }],
  ['wait.seconds', { kind: 'after', seconds: -1 }],
  ['wait.days', { kind: 'after', days: 1.5 }],
  ['wait.of', { kind: 'until_property', of: 'campaign', property: 'x' }],
  ['wait.property', { kind: 'until_property', of: 'event' }],
  ['wait.offsetSeconds', { kind: 'until_property', of: 'event', property: 'x', offsetSeconds: '1' }],
  ['wait.ifPast', { kind: 'until_property', of: 'event', property: 'x', ifPast: 'send' }],
  ['wait.time', { kind: 'at_local_time', time: '24:00' }],
  ['wait.weekdays', { kind: 'at_local_time', time: '09:00', weekdays: [] }],
  ['wait.weekdays.1', { kind: 'at_local_time', time: '09:00', weekdays: [1, 8] }],
])('names the place %s', (field, wait) => {
  expect(() => parseWait(wait)).toThrow(expect.objectContaining({ status: 422, field }))
})
