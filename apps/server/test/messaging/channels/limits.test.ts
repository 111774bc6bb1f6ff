import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CircuitBreaker } from '../../../src/messaging/channels/circuit-breaker.ts'
import { RateLimit } from '../../../src/messaging/channels/rate-limit.ts'
import { Slots } from '../../../src/messaging/channels/slots.ts'

describe('circuit breaker', () => {
  const opened = (now: number) => {
    const breaker = new CircuitBreaker()
    for (let n = 0; n < 5; n++) breaker.failed(now)
    return breaker
  }

  test('opens after five failures in a row, not after five with a success between', () => {
    expect(opened(0).allow(10, 0)).toBe(0)
    const breaker = new CircuitBreaker()
    for (let n = 0; n < 20; n++) {
      breaker.failed(n)
      if (n % 4 === 3) breaker.succeeded()
    }
    expect(breaker.allow(10, 100)).toBe(10)
  })

  test('opens at the first silence, and again at each', () => {
    const breaker = new CircuitBreaker()
    breaker.failed(0, 'no answer', { silent: true })
    expect(breaker.allow(10, 1)).toBe(0)
    expect(breaker.isClosedTo(1)).toBe(true)
    // What was under way says no more of it.
    breaker.failed(2, 'the mail before')
    expect(breaker.reason).toBe('no answer')
    expect(breaker.allow(10, 30_000)).toBe(1)
    expect(breaker.isClosedTo(30_001)).toBe(false)
    // The one that tries is waited for as long as it may take.
    expect(breaker.allow(10, 270_000)).toBe(0)
    breaker.failed(270_000, 'no answer', { silent: true })
    expect(breaker.waitMs(270_000)).toBe(60_000)
    expect(breaker.allow(10, 330_000)).toBe(1)
    // Somebody else had settled that mail.
    breaker.notTried(330_001)
    expect(breaker.allow(10, 330_001)).toBe(1)
  })

  test('lets one try after its time, and everybody after its success', () => {
    const breaker = opened(0)
    expect(breaker.waitMs(10_000)).toBe(20_000)
    expect(breaker.allow(10, 29_999)).toBe(0)
    expect(breaker.allow(10, 30_000)).toBe(1)
    expect(breaker.allow(10, 30_001)).toBe(0)
    breaker.succeeded()
    expect(breaker.allow(10, 30_002)).toBe(10)
  })

  test('a failed try doubles the time, up to five minutes; late failures of the same outage do not', () => {
    const breaker = opened(0)
    for (let n = 0; n < 50; n++) breaker.failed(1)
    let now = 30_000
    for (const wait of [60_000, 120_000, 240_000, 300_000, 300_000]) {
      expect(breaker.allow(5, now)).toBe(1)
      breaker.failed(now)
      expect(breaker.waitMs(now)).toBe(wait)
      now += wait
    }
  })
})

describe('rate limit', () => {
  test('never grants more than the rate over any time, beyond one second of burst', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 80 })), {
          maxLength: 60,
        }),
        (perSecond, steps) => {
          const limit = new RateLimit(perSecond)
          let now = 1_000_000
          let granted = 0
          limit.take(0, now)
          for (const [pause, wanted] of steps) {
            now += pause
            const taken = limit.take(wanted, now)
            expect(taken).toBeLessThanOrEqual(wanted)
            granted += taken
            expect(granted).toBeLessThanOrEqual(perSecond + ((now - 1_000_000) / 1000) * perSecond + 1e-6)
          }
        },
      ),
    )
  })

  test('turns are one send apart and at most an hour away', () => {
    const limit = new RateLimit(4)
    expect([1, 2, 3].map(() => limit.nextTurnMs(0))).toEqual([250, 500, 750])
    let last = 0
    for (let n = 0; n < 20_000; n++) last = limit.nextTurnMs(0)
    expect(last).toBe(3_600_000)
  })

  test('zero is without a limit', () => {
    expect(new RateLimit(0).take(1_000, 0)).toBe(1_000)
  })
})

describe('slots', () => {
  const signal = new AbortController().signal

  test('never more than the capacity at once, and everybody gets a turn', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 40 }), async (counts) => {
        const slots = new Slots(8)
        let served = 0
        await Promise.all(
          counts.map(async (count) => {
            await slots.acquire(count, signal, 60_000)
            expect(slots.busy).toBeLessThanOrEqual(8)
            await new Promise((resolve) => setImmediate(resolve))
            served++
            slots.release(count)
          }),
        )
        expect(served).toBe(counts.length)
        expect(slots.busy).toBe(0)
      }),
      { numRuns: 30 },
    )
  })

  test('who finds no places in time takes none', async () => {
    const slots = new Slots(2)
    expect(await slots.acquire(2, signal, 60_000)).toBe(true)
    const late = slots.acquire(2, signal, 1)
    const small = slots.acquire(1, signal, 60_000)
    expect(await late).toBe(false)
    slots.release(1)
    expect(await small).toBe(true)
    expect(slots.busy).toBe(2)
  })

  test('who gives up waiting makes room for those behind', async () => {
    const slots = new Slots(4)
    await slots.acquire(3, signal, 60_000)
    const impatient = new AbortController()
    const big = slots.acquire(4, impatient.signal, 60_000)
    const small = slots.acquire(1, signal, 60_000)
    expect(slots.contended).toBe(true)
    impatient.abort(new Error('gone'))
    await expect(big).rejects.toThrow('gone')
    await small
    expect(slots.busy).toBe(4)
    expect(slots.contended).toBe(false)
  })
})
