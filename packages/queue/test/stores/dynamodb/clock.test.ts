import { expect, it } from 'vitest'
import { StoreClock } from '../../../src/stores/dynamodb/client/store-clock.ts'

/** The `Date` header of an answer that a server made at this time. */
const header = (serverMs: number) => new Date(Math.floor(serverMs / 1_000) * 1_000).toUTCString()

/** Answers of a server whose clock is `offset` ahead of the monotonic one, as they come over a network with delays. */
function listen(clock: StoreClock, offset: number, answers: number, from = 0): void {
  for (let n = 0; n < answers; n++) {
    const sentAt = from + n * 137
    const there = 1 + ((n * 7) % 11)
    const back = 1 + ((n * 5) % 13)
    clock.observe(header(sentAt + there + offset), sentAt, sentAt + there + back)
  }
}

const errorOf = (clock: StoreClock, offset: number) => Math.abs(clock.now() - (performance.now() + offset))

it('tells the time of a server whose answers name whole seconds only', () => {
  const offset = 1_800_000_000_123
  const clock = new StoreClock()
  listen(clock, offset, 1)
  expect(errorOf(clock, offset)).toBeLessThanOrEqual(510)
  listen(clock, offset, 60, 137)
  expect(clock.uncertainty).toBeLessThan(40)
  expect(errorOf(clock, offset)).toBeLessThanOrEqual(clock.uncertainty + 1)
})

it('follows a clock that drifts, and one that was set', () => {
  const clock = new StoreClock()
  listen(clock, 1_000_000, 60)
  listen(clock, 1_000_040, 60, 3_600_000)
  expect(errorOf(clock, 1_000_040)).toBeLessThan(60)
  listen(clock, 61_000_000, 60, 3_700_000)
  expect(errorOf(clock, 61_000_000)).toBeLessThan(60)
})

it('is the clock of the machine until something was heard, and a given one always', () => {
  expect(Math.abs(new StoreClock().now() - Date.now())).toBeLessThan(1_000)
  const given = new StoreClock(() => 42)
  given.observe(header(1e12), 0, 1)
  expect(given.now()).toBe(42)
  new StoreClock().observe(undefined, 0, 1)
})
