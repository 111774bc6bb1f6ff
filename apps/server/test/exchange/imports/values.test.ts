import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dateOrder } from '../../../src/exchange/imports/date-order.ts'
import { asType } from '../../../src/exchange/imports/values.ts'

const asDate = (text: string) => asType(text, 'date', {})

describe('dates of a file', () => {
  it('reads every instant that a program writes', () => {
    const instants = fc.date({
      min: new Date('1000-01-02'),
      max: new Date('9999-12-30'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(instants, (instant) => {
        expect(asDate(instant.toISOString())).toBe(instant.toISOString())
      }),
    )
  })

  it.each([
    '2026-02-31T10:00:00Z',
    '2026-13-01T10:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T10:60:00Z',
    '0999-01-01T10:00:00Z',
    'T2026-0101T10Z',
    '20260231',
    '2026/13/1',
    '15/4/2026',
    '20261301',
    '45000',
    '0',
    '2026',
    '-5',
  ])('%s is none', (text) => {
    expect(asDate(text)).toBeUndefined()
  })

  it.each([
    ['2026-01-01T10:00Z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01T10:00:00.5Z', '2026-01-01T10:00:00.500Z'],
    ['2026-01-01T10:00:00.123456Z', '2026-01-01T10:00:00.123Z'],
    ['2026-01-01t10:00:00z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01 10:00', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01T10:00:00+02:00', '2026-01-01T08:00:00.000Z'],
    ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    ['1767261600', '2026-01-01T10:00:00.000Z'],
    ['1767261600000', '2026-01-01T10:00:00.000Z'],
    ['20260415', '2026-04-15T00:00:00.000Z'],
    ['2026/4/15', '2026-04-15T00:00:00.000Z'],
    ['2026.04.15 9:30', '2026-04-15T09:30:00.000Z'],
    [' 19650505 ', '1965-05-05T00:00:00.000Z'],
    ['20260415103059', '2026-04-15T10:30:59.000Z'],
  ])('%s is %s', (text, instant) => {
    expect(asDate(text)).toBe(instant)
  })

  it('keeps whole numbers that no number holds', () => {
    for (const digits of ['4111111111111111111', '9007199254740993', '-12345678901234567890'])
      expect(asType(digits, 'number', {})).toBeUndefined()
    expect(asType('9007199254740991', 'number', {})).toBe(Number.MAX_SAFE_INTEGER)
    expect(asType('0.12345678901234567890', 'number', {})).toBeCloseTo(0.123)
    expect(asType(`-1${'0'.repeat(300)}`, 'number', {})).toBe(-1e300)
  })

  it('reads days and numbers of JSON alike', () => {
    expect(asType(20260415, 'date', {})).toBe('2026-04-15T00:00:00.000Z')
    expect(asType(45000, 'date', {})).toBeUndefined()
    expect(asType(1767261600.5, 'date', {})).toBe('2026-01-01T10:00:00.500Z')
  })
})

describe('the order of dates', () => {
  const days = fc.date({ min: new Date('1000-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
  const written = (day: Date, order: 'day_first' | 'month_first') => {
    const [d, m] = [day.getUTCDate(), day.getUTCMonth() + 1]
    const [first, second] = order === 'day_first' ? [d, m] : [m, d]
    return `${first}.${second}.${String(day.getUTCFullYear()).padStart(4, '0')}`
  }

  it('is the one they were written in, or unclear, and never the other', () => {
    fc.assert(
      fc.property(
        fc.array(days, { minLength: 1 }),
        fc.constantFrom('day_first' as const, 'month_first' as const),
        (some, order) => {
          const texts = some.map((day) => written(day, order))
          const tells = some.some((day) => day.getUTCDate() > 12)
          expect(dateOrder(texts)).toBe(tells ? order : 'unclear')
          for (const [index, day] of some.entries())
            expect(asType(texts[index]!, 'date', { dates: order })).toBe(
              `${day.toISOString().slice(0, 10)}T00:00:00.000Z`,
            )
        },
      ),
    )
  })

  it('is none of columns with something else, or with both', () => {
    for (const column of [[], ['3/4/2026', 'soon'], ['31/12/2026', '12/31/2026'], ['1.2.3'], [5]])
      expect(dateOrder(column)).toBeUndefined()
  })
})

describe('dates of a spreadsheet', () => {
  it.each([
    ['45000', '2023-03-15T00:00:00.000Z'],
    ['45000.5', '2023-03-15T12:00:00.000Z'],
    ['46127.4166666667', '2026-04-15T10:00:00.000Z'],
    ['1', '1900-01-01T00:00:00.000Z'],
    ['59', '1900-02-28T00:00:00.000Z'],
    ['61', '1900-03-01T00:00:00.000Z'],
    ['2026-04-15', '2026-04-15T00:00:00.000Z'],
  ])('%s is %s', (text, instant) => {
    expect(asType(text, 'serial_date', {})).toBe(instant)
  })

  it.each(['0', '-1', '20260415', '1767261600', 'today'])('%s is none', (text) => {
    expect(asType(text, 'serial_date', {})).toBeUndefined()
  })
})
