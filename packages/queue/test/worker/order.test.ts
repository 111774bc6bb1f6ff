import { describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { type Job, Snooze } from '../../src/index.ts'
import { job, kinds, lanes, openJobs, turn } from '../worker-support.ts'

describe.each(kinds)('order on the %s store', (kind) => {
  it('runs the jobs of a key one at a time and in order, whatever fails, over two workers', async () => {
    const place = await openJobs(kind)
    const [queue, other] = [await place.open(), kind === 'postgres' ? await place.open() : undefined]
    const running = new Set<string>()
    const done: Record<string, number[]> = { x: [], y: [], z: [] }
    let runs = 0
    const handle = async ({ key, data, attempt }: Job) => {
      expect(running.has(key!)).toBe(false)
      running.add(key!)
      await turn()
      running.delete(key!)
      runs++
      if ((data as number) % 5 === 1 && attempt === 1) throw new Error('once')
      if (runs % 11 === 0) throw new Snooze(1)
      done[key!]!.push(data as number)
    }
    for (const one of other ? [queue, other] : [queue])
      one.worker({ job: handle }, { lanes, retry: { baseMs: 1 } })
    for (let n = 0; n < 30; n++) await queue.addMany(Object.keys(done).map((key) => job('a', n, { key })))
    await until(() => Object.values(done).every((list) => list.length >= 30))
    for (const list of Object.values(done)) expect(list).toEqual(Array.from({ length: 30 }, (_, n) => n))
    await until(async () => (await queue.stats()).every((lane) => lane.waitingJobs + lane.leasedJobs === 0))
    await until(async () => (await place.rows('streams')) === 0)
  })

  it('goes on behind a job of a key that died', async () => {
    const queue = await (await openJobs(kind)).open()
    const done: unknown[] = []
    queue.worker(
      {
        job: ({ data }) => {
          if (data === 1) throw new Error('always')
          done.push(data)
        },
      },
      { lanes, retry: { maxAttempts: 2, baseMs: 1 } },
    )
    await queue.addMany([0, 1, 2, 3].map((n) => job('a', n, { key: 'k' })))
    await until(() => done.length === 3)
    expect(done).toEqual([0, 2, 3])
    await until(async () => (await queue.deadLetters()).length === 1)
  })

  it('a key held up leaves the others alone, and closing gives it back in order', async () => {
    const place = await openJobs(kind)
    const queue = await place.open()
    const started: unknown[] = []
    const first = queue.worker(
      {
        job: async ({ data, key }, { signal }) => {
          started.push(data)
          if (key === 'slow') await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
      },
      { lanes },
    )
    await queue.addMany([
      ...[0, 1, 2].map((n) => job('a', `s${n}`, { key: 'slow' })),
      job('a', 'q', { key: 'quick' }),
      job('a', 'free'),
    ])
    await until(() => started.includes('q') && started.includes('free') && started.includes('s0'))
    expect(started).not.toContain('s1')
    await first.close({ graceMs: 0 })
    const again: unknown[] = []
    queue.worker({ job: ({ data }) => void again.push(data) }, { lanes })
    await until(() => again.length === 3)
    expect(again).toEqual(['s0', 's1', 's2'])
  })

  it('takes jobs of a higher priority first', async () => {
    const queue = await (await openJobs(kind)).open()
    await queue.addMany(
      [0, 1, 2, 3].flatMap((priority) => [1, 2].map((n) => job('a', `${priority}.${n}`, { priority }))),
    )
    const seen: unknown[] = []
    queue.worker({ job: ({ data }) => void seen.push(data) }, { lanes, concurrency: 1 })
    await until(() => seen.length === 8)
    expect(seen.slice(0, 6)).toEqual(['3.1', '3.2', '2.1', '2.2', '1.1', '1.2'])
  })

  it('names what is wrong with keys, priorities and windows', async () => {
    const queue = await (await openJobs(kind)).open()
    const field = (more: object) => queue.add(job('a', 1, more)).catch((error) => error.field)
    expect(await field({ priority: 4 })).toBe('priority')
    expect(await field({ priority: 1, key: 'k' })).toBe('priority')
    expect(await field({ key: '' })).toBe('key')
    expect(await field({ dedupe: { key: 'd', windowMs: 0 } })).toBe('dedupe.windowMs')
    expect(await field({ deadline: new Date(Number.NaN) })).toBe('deadline')
  })
})
