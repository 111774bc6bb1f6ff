import { describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { job, kinds, lanes, openJobs } from '../worker-support.ts'

describe.each(kinds)('the life of a job on the %s store', (kind) => {
  it('adds one of several jobs with a dedupe key, and says which', async () => {
    let offset = 0
    const place = await openJobs(kind, { now: () => 1_800_000_000_000 + offset })
    const queue = await place.open()
    const add = (id: string) => queue.add(job('a', 1, { id, dedupe: { key: 'd', windowMs: 60_000 } }))
    expect(await add('first')).toEqual({ id: 'first' })
    expect(await add('second')).toEqual({ id: 'first', duplicate: true })
    expect(await queue.add(job('b', 1, { id: 'other', dedupe: { key: 'd', windowMs: 1_000 } }))).toEqual({
      id: 'other',
    })
    offset += 60_001
    expect(await add('third')).toEqual({ id: 'third' })
    expect((await queue.stats())[0]!.waitingJobs).toBe(3)
  })

  it('buries a job that could not start before its deadline', async () => {
    const queue = await (await openJobs(kind)).open()
    const seen: unknown[] = []
    await queue.addMany([
      job('a', 'late', { deadline: new Date(Date.now() - 60_000) }),
      job('a', 'in time', { deadline: new Date(Date.now() + 600_000) }),
    ])
    queue.worker({ job: { batch: (jobs) => void seen.push(...jobs.map(({ data }) => data)) } }, { lanes })
    await until(async () => (await queue.deadLetters()).length === 1)
    await until(() => seen.length === 1)
    expect(seen).toEqual(['in time'])
    expect((await queue.deadLetters())[0]).toMatchObject({
      data: 'late',
      reason: expect.stringContaining('deadline'),
    })
  })

  it('cancels waiting, scheduled and running jobs', async () => {
    const place = await openJobs(kind)
    const queue = await place.open()
    const seen: unknown[] = []
    let aborted = false
    const address = (id: string) => ({ lane: 'work', tenant: 'a', id })
    await queue.addMany([
      job('a', 'waiting', { id: 'w' }),
      job('a', 'soon', { id: 's', delayMs: 100 }),
      job('a', 'running', { id: 'r' }),
      job('a', 'kept', { id: 'k' }),
    ])
    await queue.cancel([address('w'), address('s')])
    queue.worker(
      {
        job: async ({ data }, { signal }) => {
          seen.push(data)
          if (data !== 'running') return
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          aborted = true
        },
      },
      { lanes },
    )
    await until(() => seen.includes('running') && seen.includes('kept'))
    await queue.cancel([address('r')])
    await until(() => aborted)
    await until(async () =>
      (await queue.stats()).every((one) => one.waitingJobs + one.leasedJobs + one.scheduledJobs === 0),
    )
    expect(seen.sort()).toEqual(['kept', 'running'])
    expect(await queue.deadLetters()).toEqual([])
    await until(async () => (await place.rows('cancelled')) === 0)
  })

  it('shows progress while a job runs, and forgets it after', async () => {
    const place = await openJobs(kind)
    const queue = await place.open()
    let finish = () => {}
    queue.worker(
      {
        job: async (one, context) => {
          context.progress(one, { done: 3, of: 10 })
          await new Promise<void>((resolve) => {
            finish = resolve
          })
        },
      },
      { lanes },
    )
    await queue.add(job('a', 1, { id: 'p' }))
    await until(async () => (await queue.progress('p')) !== undefined)
    expect(await queue.progress('p')).toEqual({ done: 3, of: 10 })
    finish()
    await until(async () => (await queue.progress('p')) === undefined)
  })

  it('carries large payloads whole through failure, death and redrive, and leaves nothing behind', async () => {
    const place = await openJobs(kind)
    const queue = await place.open()
    const data = { text: 'ü'.repeat(120_000), nul: '\u0000' }
    const seen: unknown[] = []
    let failing = true
    queue.worker(
      {
        job: (one) => {
          seen.push(one.data)
          if (failing) throw new Error('not yet')
        },
      },
      { lanes, retry: { maxAttempts: 2, baseMs: 1 } },
    )
    await queue.add(job('a', data))
    await until(async () => (await queue.deadLetters()).length === 1)
    expect((await queue.deadLetters())[0]!.data).toEqual(data)
    failing = false
    expect(await queue.redrive({ reason: 'NOT yet' })).toBe(1)
    await until(() => seen.length === 3)
    for (const one of seen) expect(one).toEqual(data)
    await until(async () => (await place.rows('blobs')) === 0)
    await until(() => Object.values(queue.memory()).every(({ used }) => used === 0))
  })

  it('redrives slowly when told, and discards', async () => {
    const queue = await (await openJobs(kind)).open()
    const worker = queue.worker(
      {
        job: () => {
          throw new Error('broken')
        },
      },
      { lanes, retry: { maxAttempts: 1 } },
    )
    await queue.addMany(Array.from({ length: 20 }, (_, n) => job(n < 15 ? 'a' : 'b', n)))
    await until(async () => (await queue.deadLetters()).length === 20)
    await worker.close()
    expect(await queue.discard({ tenant: 'b' })).toBe(5)
    expect(await queue.redrive({ tenant: 'a' }, { perSecond: 0.01 })).toBe(15)
    expect((await queue.deadLetters()).length).toBe(0)
    const [stats] = await queue.stats()
    // The first one is due at once.
    expect(stats!.scheduledJobs).toBeGreaterThanOrEqual(14)
    expect(stats!.scheduledJobs + stats!.waitingJobs).toBe(15)
  })

  it('fires a schedule once at each time, whoever looks', async () => {
    let offset = 0
    const place = await openJobs(kind, { now: () => 1_800_000_000_000 + offset })
    const queues =
      kind === 'postgres'
        ? [await place.open(), await place.open(), await place.open()]
        : [await place.open()]
    const ids: string[] = []
    for (const one of queues) one.worker({ job: ({ id }) => void ids.push(id) }, { lanes })
    await queues[0]!.schedule('report', { everyMs: 60_000, job: job('a', 1) })
    await queues[0]!.schedule('yearly', { cron: '0 0 1 1 *', timezone: 'Europe/Berlin', job: job('a', 2) })
    for (let n = 1; n <= 3; n++) {
      offset += 60_000
      await until(() => ids.length >= n)
    }
    expect(new Set(ids).size).toBe(3)
    expect(ids).toHaveLength(3)
    expect((await queues[0]!.schedules()).map(({ id }) => id)).toEqual(['report', 'yearly'])
    expect(await queues[0]!.unschedule('report')).toBe(true)
    await expect(queues[0]!.schedule('bad', { cron: 'nonsense', job: job('a', 1) })).rejects.toThrow(/cron/)
  })

  it('tells what happened to jobs', async () => {
    const queue = await (await openJobs(kind)).open()
    const events: string[] = []
    const worker = queue.worker(
      {
        job: ({ data, attempt }) => {
          if (data === 'flaky' && attempt === 1) throw new Error('once')
          if (data === 'bad') throw new Error('always')
        },
      },
      { lanes, retry: { maxAttempts: 2, baseMs: 1 } },
    )
    worker
      .on('completed', (one) => void events.push(`completed ${one.data}`))
      .on('recovered', (one) => void events.push(`recovered ${one.data}`))
      .on('retried', (one, error, dueAt) => {
        const afterMs = dueAt - Date.now()
        events.push(`retried ${one.data}: ${(error as Error).message}, ${Math.abs(afterMs) < 60_000}`)
      })
      .on('dead', (one) => void events.push(`dead ${one.data}`))
    await queue.addMany([job('a', 'fine'), job('a', 'flaky'), job('a', 'bad')])
    await until(() => events.length === 6)
    expect(events.sort()).toEqual([
      'completed fine',
      'completed flaky',
      'dead bad',
      'recovered flaky',
      'retried bad: always, true',
      'retried flaky: once, true',
    ])
  })
})
