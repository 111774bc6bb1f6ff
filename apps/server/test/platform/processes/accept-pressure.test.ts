import { describe, expect, it } from 'vitest'
import { pressureOf } from '../../../src/platform/processes/accept-pressure.ts'

describe('how short of processor time accepting is', () => {
  it.each([
    ['nothing to accept, a full machine', 0.1, 0, 0],
    ['busy, with a processor idle', 0.95, 1, 0],
    ['busy on a full machine', 0.7, 0.1, 1],
    ['beginning to wait on a full machine', 0.525, 0, 0.5],
    ['busy, with half a processor idle', 0.9, 0.55, 0.5],
  ])('%s', (_, busy, idle, pressure) => {
    expect(pressureOf(busy, idle)).toBeCloseTo(pressure)
  })
})
