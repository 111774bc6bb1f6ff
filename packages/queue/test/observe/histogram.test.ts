import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DrainTrend } from '../../src/observe/drain-trend.ts'
import { jainIndex } from '../../src/observe/fairness.ts'
import { Histogram } from '../../src/observe/histogram.ts'

const durations = fc.array(fc.double({ min: 0, max: 5e9, noNaN: true }), { minLength: 1, maxLength: 200 })

const histogramOf = (values: number[]) => {
  const histogram = new Histogram()
  for (const value of values) histogram.add(value)
  return histogram
}

describe('a histogram', () => {
  it('tells a quantile between the true one and 1.2 times that', () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = Math.max(0.5, sorted[Math.max(1, Math.ceil(values.length * share)) - 1]!)
        const told = histogramOf(values).quantile(share)!
        expect(told).toBeGreaterThanOrEqual(exact * (1 - 1e-6))
        expect(told).toBeLessThanOrEqual(exact * 1.2 * (1 + 1e-6))
      }),
    )
  })

  it('merges into what one would have counted, through its pairs too', () => {
    fc.assert(
      fc.property(durations, durations, (left, right) => {
        const merged = histogramOf(left)
        merged.merge(Histogram.fromPairs(JSON.parse(JSON.stringify(histogramOf(right).toPairs()))))
        expect(merged.toPairs()).toEqual(histogramOf([...left, ...right]).toPairs())
      }),
    )
  })

  it('has no quantile of nothing, and passes over pairs that mean nothing', () => {
    expect(new Histogram().quantile(0.5)).toBeNull()
    expect(Histogram.fromPairs([-1, 2, 500, 1, 1.5, 1, 'x', 1, 3, Number.NaN, 4]).total).toBe(0)
  })
})

describe("Jain's index", () => {
  it('is (Σx)² / (n·Σx²): from 1/n to 1, whatever the unit', () => {
    const gots = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 2, maxLength: 50 })
    fc.assert(
      fc.property(gots, fc.double({ min: 0.001, max: 1e6, noNaN: true }), (values, unit) => {
        const index = jainIndex(values)!
        const sum = values.reduce((all, value) => all + value, 0)
        const squares = values.reduce((all, value) => all + value ** 2, 0)
        expect(index).toBeCloseTo(sum ** 2 / (values.length * squares), 9)
        expect(index).toBeGreaterThanOrEqual(1 / values.length - 1e-9)
        expect(index).toBeLessThanOrEqual(1 + 1e-9)
        expect(jainIndex(values.map((value) => value * unit))).toBeCloseTo(index, 9)
      }),
    )
  })

  it.each([
    [[5, 5, 5], 1],
    [[1, 0, 0, 0], 0.25],
    [[2, 1], 0.9],
    [[7], null],
    [[], null],
    [[0, 0], null],
  ])('of %o is %o', (values, index) => expect(jainIndex(values)).toBe(index))
})

describe('the time to drain', () => {
  it('is unknown at first, and while nothing becomes fewer', () => {
    const trend = new DrainTrend()
    expect(trend.note('a', 100, 0)).toBeNull()
    expect(trend.note('a', 100, 5_000)).toBeNull()
    expect(trend.note('a', 120, 10_000)).toBeNull()
    expect(trend.note('b', 50, 10_000)).toBeNull()
  })

  it('goes by the pace of the last minute', () => {
    const trend = new DrainTrend()
    trend.note('a', 1_000_000, 0)
    trend.note('a', 1_000, 60_000)
    expect(trend.note('a', 900, 70_000)).toBe(90_000)
    expect(trend.note('a', 0, 80_000)).toBe(0)
  })

  it('goes by what became of a burst, not by how it came', () => {
    const trend = new DrainTrend()
    trend.note('a', 0, 0)
    expect(trend.note('a', 3_000, 10_000)).toBeNull()
    expect(trend.note('a', 2_000, 20_000)).toBe(20_000)
    expect(trend.note('a', 1_000, 30_000)).toBe(10_000)
    // Nothing of the last minute was more.
    expect(trend.note('a', 1_000, 95_000)).toBeNull()
  })
})
