import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairScheduler } from '../../../src/index.ts'

describe('FairScheduler', () => {
  it('keeps the service of any two busy keys within one largest quantum each (weighted)', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ weight: fc.integer({ min: 1, max: 8 }), cost: fc.integer({ min: 1, max: 50 }) }),
          {
            minLength: 2,
            maxLength: 12,
          },
        ),
        fc.integer({ min: 1, max: 400 }),
        (keys, rounds) => {
          const scheduler = new FairScheduler<number>()
          // All keys stay busy for the whole time.
          for (const [index, { weight }] of keys.entries())
            for (let n = 0; n < rounds; n++) scheduler.push(`k${index}`, index, weight)
          const service = keys.map(() => 0)
          for (let n = 0; n < rounds; n++) {
            const { item } = scheduler.peek()!
            scheduler.serve(keys[item]!.cost)
            service[item]! += keys[item]!.cost
          }
          for (const [a, one] of keys.entries())
            for (const [b, two] of keys.entries()) {
              const lag = Math.abs(service[a]! / one.weight - service[b]! / two.weight)
              expect(lag).toBeLessThanOrEqual(one.cost / one.weight + two.cost / two.weight + 1e-6)
            }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is fair by true cost when estimates are wrong and corrected at completion', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 1, max: 100 }),
        (trueCosts, estimate) => {
          const scheduler = new FairScheduler<number>()
          const service = trueCosts.map(() => 0)
          for (const index of trueCosts.keys())
            for (let n = 0; n < 500; n++) scheduler.push(`k${index}`, index)
          for (let n = 0; n < 300; n++) {
            const { name, item } = scheduler.peek()!
            scheduler.serve(estimate)
            scheduler.correct(name, trueCosts[item]! - estimate)
            service[item]! += trueCosts[item]!
          }
          const most = Math.max(...service)
          const least = Math.min(...service)
          expect(most - least).toBeLessThanOrEqual(2 * Math.max(...trueCosts) + estimate)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('serves a newly busy key before all that were served while it was idle', () => {
    const scheduler = new FairScheduler<string>()
    for (let n = 0; n < 100; n++) scheduler.push('noisy', `noisy${n}`)
    for (let n = 0; n < 50; n++) scheduler.serve(10)
    scheduler.push('quiet', 'quiet')
    expect(scheduler.peek()!.name).toBe('quiet')
  })

  it('gives no credit for having been idle', () => {
    const scheduler = new FairScheduler<string>()
    scheduler.push('early', 'e')
    for (let n = 0; n < 100; n++) scheduler.push('busy', 'b')
    for (let n = 0; n < 80; n++) scheduler.serve(1)
    for (let n = 0; n < 20; n++) scheduler.push('early', 'e')
    const served: string[] = []
    for (let n = 0; n < 20; n++) {
      served.push(scheduler.peek()!.name)
      scheduler.serve(1)
    }
    expect(served.filter((name) => name === 'busy').length).toBeGreaterThanOrEqual(9)
  })

  it('never loses, repeats or reorders items, and forgets idle keys', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ push: fc.integer({ min: 0, max: 20 }) }),
            fc.record({ serve: fc.integer({ min: 0, max: 30 }) }),
            fc.record({ park: fc.integer({ min: 0, max: 20 }) }),
            fc.record({ unpark: fc.integer({ min: 0, max: 20 }) }),
            fc.record({ correct: fc.integer({ min: -20, max: 20 }), of: fc.integer({ min: 0, max: 20 }) }),
          ),
          { maxLength: 400 },
        ),
        (steps) => {
          const scheduler = new FairScheduler<{ key: number; n: number }>()
          const pushed = new Map<number, number>()
          const served = new Map<number, number>()
          const parked = new Set<number>()
          let size = 0
          for (const step of steps) {
            if ('push' in step) {
              const n = pushed.get(step.push) ?? 0
              scheduler.push(`k${step.push}`, { key: step.push, n })
              pushed.set(step.push, n + 1)
              size++
            } else if ('serve' in step) {
              const next = scheduler.peek()
              const servable = [...pushed].some(([key, n]) => n > (served.get(key) ?? 0) && !parked.has(key))
              expect(next !== undefined).toBe(servable)
              if (!next) continue
              expect(next.item.n).toBe(served.get(next.item.key) ?? 0)
              served.set(next.item.key, next.item.n + 1)
              scheduler.serve(step.serve)
              size--
            } else if ('park' in step) {
              if (scheduler.hasWork(`k${step.park}`)) parked.add(step.park)
              scheduler.park(`k${step.park}`)
            } else if ('unpark' in step) {
              parked.delete(step.unpark)
              scheduler.unpark(`k${step.unpark}`)
            } else scheduler.correct(`k${step.of}`, step.correct)
            expect(scheduler.size).toBe(size)
          }
          expect(scheduler.drain()).toHaveLength(size)
          expect(scheduler.remembered).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })
})
