import { expect, test } from 'vitest'
import { Drains } from '../../../src/operations/queue/drain.ts'

const read = (drains: Drains, at: number, waiting: number, paused = false) =>
  drains.read(1, [{ lane: 'bulk', waiting, paused }], at)[0]

test('tells the time until nothing waits at the pace of the last minute, and only what it knows', () => {
  const drains = new Drains()
  expect(read(drains, 0, 100)).toEqual({ state: 'unknown', ms: null })
  expect(read(drains, 500, 100)).toEqual({ state: 'unknown', ms: null })
  expect(read(drains, 2_000, 100)).toEqual({ state: 'not_draining', ms: null })
  expect(read(drains, 10_000, 50)).toEqual({ state: 'draining', ms: 8_000 })
  // A burst goes away by its own pace.
  expect(read(drains, 11_000, 400)).toEqual({ state: 'not_draining', ms: null })
  expect(read(drains, 12_000, 300)).toEqual({ state: 'draining', ms: 3_000 })
  expect(read(drains, 13_000, 40, true)).toEqual({ state: 'paused', ms: null })
  expect(read(drains, 14_000, 0)).toEqual({ state: 'empty', ms: null })
  // Nobody looked for a while: what was known then says nothing now.
  expect(read(drains, 100_000, 10)).toEqual({ state: 'unknown', ms: null })
})

test('forgets the project that was looked at longest ago', () => {
  const drains = new Drains()
  for (let project = 1; project <= 1_001; project++) drains.read(project, [], 0)
  expect(read(drains, 2_000, 5)).toEqual({ state: 'unknown', ms: null })
})
