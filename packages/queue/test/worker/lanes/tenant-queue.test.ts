import fc from 'fast-check'
import { expect, it } from 'vitest'
import { priorityStepMs } from '../../../src/pages/streams.ts'
import { type QueuedJob, TenantQueue } from '../../../src/worker/lanes/tenant-queue.ts'

interface Item extends QueuedJob {
  n: number
}
const item = (n: number, key: string | undefined, priority = 0, readyAt = 0): Item => ({
  n,
  page: { key, priority, readyAt },
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ push: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.constant('shift' as const) },
  { weight: 3, arbitrary: fc.record({ free: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ sift: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ drainKey: fc.nat(2) }) },
)

it('never gives two jobs of a key at once, keeps their order, and loses none', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new TenantQueue<Item>()
      const waiting: Item[] = []
      const running: Item[] = []
      let next = 0
      const remove = (out: Item[]) => {
        for (const one of out) waiting.splice(waiting.indexOf(one), 1)
      }
      for (const one of steps) {
        if (one === 'shift') {
          const free = waiting.filter(
            ({ page: { key } }) => key === undefined || !running.some((job) => job.page.key === key),
          )
          const first = queue.first()
          const taken = queue.shift()
          expect(taken).toBe(first)
          expect(taken === undefined).toBe(free.length === 0)
          if (!taken) continue
          const { key } = taken.page
          if (key !== undefined) expect(running.some((job) => job.page.key === key)).toBe(false)
          expect(waiting.find((job) => job.page.key === key)).toBe(taken)
          remove([taken])
          running.push(taken)
        } else if ('push' in one) {
          const job = item(next++, one.push < 3 ? `k${one.push}` : undefined)
          waiting.push(job)
          queue.push(job)
        } else if ('free' in one) {
          const [ended] = running.splice(one.free % Math.max(1, running.length), 1)
          if (ended?.page.key !== undefined) queue.free(ended.page.key)
        } else if ('sift' in one) remove(queue.removeUnless(({ n }) => n % 4 !== one.sift))
        else remove(queue.drainKey(`k${one.drainKey}`))
        expect(queue.size).toBe(waiting.length)
      }
      expect(queue.drain()).toHaveLength(waiting.length)
    }),
    { numRuns: 500 },
  )
})

it('puts a priority ahead by a minute a step, and no more', () => {
  const queue = new TenantQueue<Item>()
  queue.push(item(1, undefined, 0, 0))
  queue.push(item(2, undefined, 1, priorityStepMs - 1))
  queue.push(item(3, undefined, 1, priorityStepMs + 1))
  queue.push(item(4, undefined, 3, 3 * priorityStepMs - 10))
  expect([1, 2, 3, 4].map(() => queue.shift()!.n)).toEqual([4, 2, 1, 3])
})
