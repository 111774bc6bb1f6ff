import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TimesInQueue } from '../../../src/platform/capacity/time-in-queue.ts'

it('finds quantiles within a quarter of the true ones', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 300 }),
      (waits) => {
        const times = new TimesInQueue(() => 0)
        for (const dwellMs of waits) times.record({ lane: 'ingest', tenant: '1', jobs: 1, dwellMs })
        const sorted = [...waits].sort((a, b) => a - b)
        const read = times.read('ingest', '1')!
        expect(read.jobs).toBe(waits.length)
        for (const [quantile, value] of [
          [0.5, read.p50Ms],
          [0.99, read.p99Ms],
        ] as const) {
          const exact = sorted[Math.ceil(quantile * sorted.length) - 1]!
          expect(value).toBeGreaterThanOrEqual(exact * 0.99)
          expect(value).toBeLessThanOrEqual(exact * 1.26 + 0.1)
        }
      },
    ),
  )
})

it('forgets what is old, and keeps a bounded number of projects', () => {
  let now = 0
  const times = new TimesInQueue(() => now)
  for (let n = 0; n < 5_000; n++) times.record({ lane: 'ingest', tenant: String(n), jobs: 1, dwellMs: 5 })
  expect(times.read('ingest', '0')).toMatchObject({ jobs: 1 })
  expect(times.read('ingest', '4999')).toBeUndefined()
  now = 31_000
  expect(times.read('ingest', '0')).toMatchObject({ jobs: 1 })
  now = 62_000
  expect(times.read('ingest', '0')).toBeUndefined()
})
