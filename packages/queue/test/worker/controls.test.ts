import { describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { TenantQuotaExceeded } from '../../src/index.ts'
import { job, kinds, lanes, openJobs, turn } from '../worker-support.ts'

describe.each(kinds)('controls on the %s store', (kind) => {
  it('never runs more of a tenant than maxInFlight, over two workers', async () => {
    const place = await openJobs(kind)
    const queues = kind === 'postgres' ? [await place.open(), await place.open()] : [await place.open()]
    const queue = queues[0]!
    await queue.set('capped', { maxInFlight: 3 })
    let [running, most, done, others] = [0, 0, 0, 0]
    for (const one of queues)
      one.worker(
        {
          job: async ({ tenant }) => {
            if (tenant === 'free') return void others++
            most = Math.max(most, ++running)
            await turn()
            running--
            done++
          },
        },
        { lanes },
      )
    for (let n = 0; n < 20; n++)
      await queue.addMany(Array.from({ length: 10 }, (_, m) => job(m === 0 ? 'free' : 'capped', m)))
    await until(() => done === 180 && others === 20)
    expect(most).toBeLessThanOrEqual(3)
    expect(most).toBeGreaterThan(1)
  })

  it('a rate that is taken away does not hold up what waits', async () => {
    const queue = await (await openJobs(kind)).open()
    await queue.set('paced', { rate: 0.5 })
    let done = 0
    queue.worker({ job: () => void done++ }, { lanes })
    await queue.addMany(Array.from({ length: 500 }, (_, n) => job('paced', n)))
    await until(() => done > 0)
    await queue.set('paced', { rate: null })
    await until(async () => done + (await queue.stats())[0]!.leasedJobs >= 495 || done >= 495)
  })

  it('closes a tenant whose provider asks for a pause, and no other', async () => {
    const queue = await (await openJobs(kind)).open()
    const seen: string[] = []
    let limited = false
    queue.worker(
      {
        job: ({ tenant }, context) => {
          if (tenant === 'limited' && !limited) {
            limited = true
            throw context.rateLimited(5_000)
          }
          seen.push(tenant)
        },
      },
      { lanes, concurrency: 1 },
    )
    await queue.addMany([job('limited', 1), job('limited', 2)])
    await until(() => limited)
    await queue.addMany([job('other', 1), job('other', 2)])
    await until(() => seen.length === 4)
    expect(seen).toEqual(['other', 'other', 'limited', 'limited'])
  })

  it('pauses tenants and lanes, and goes on', async () => {
    const queue = await (await openJobs(kind)).open()
    await queue.pause({ tenant: 'a' })
    await queue.pause({ lane: 'still' })
    const seen: unknown[] = []
    queue.worker({ job: ({ data }) => void seen.push(data) }, { lanes: { work: {}, still: {} } })
    await queue.addMany([job('a', 'a'), job('b', 'b'), job('b', 'still', { lane: 'still' })])
    await until(() => seen.length === 1)
    expect(seen).toEqual(['b'])
    expect((await queue.tenants(10, { tenant: 'a' }))[0]).toMatchObject({ paused: true, waitingJobs: 1 })
    await queue.resume({ tenant: 'a' })
    await until(() => seen.includes('a'))
    await queue.resume({ lane: 'still' })
    await until(() => seen.includes('still'))
  })

  it('says how full a quota is, refuses at the limit, and takes more when there is room', async () => {
    const queue = await (await openJobs(kind)).open()
    await queue.set('a', { maxJobs: 10 })
    expect(
      (await queue.addMany(Array.from({ length: 5 }, (_, n) => job('a', n))))[0]!.pressure,
    ).toBeUndefined()
    expect((await queue.addMany(Array.from({ length: 3 }, (_, n) => job('a', n))))[0]!.pressure).toBe(0.8)
    await queue.addMany(Array.from({ length: 2 }, (_, n) => job('a', n)))
    const refusal = await queue.add(job('a', 11)).catch((error) => error)
    expect(refusal).toBeInstanceOf(TenantQuotaExceeded)
    expect(refusal).toMatchObject({ lane: 'work', tenant: 'a', code: 'QUEUE_TENANT_QUOTA' })
    expect(refusal.retryAfterMs).toBeGreaterThan(0)
    await queue.add(job('b', 1))
    await queue.add(job('a', 1, { lane: 'other' }))
    queue.worker({ job: () => {} }, { lanes })
    await until(async () =>
      queue.add(job('a', 12)).then(
        () => true,
        () => false,
      ),
    )
  })

  it('refuses adds when the store is full, and drains', async () => {
    const place = await openJobs(kind)
    const queue = await place.open({ storeBytes: 10_000 })
    await until(async () =>
      queue.add(job('a', 'x'.repeat(500))).then(
        () => false,
        (error) => error.code === 'QUEUE_OVERLOADED',
      ),
    )
    queue.worker({ job: () => {} }, { lanes })
    await until(async () =>
      queue.add(job('a', 1)).then(
        () => true,
        () => false,
      ),
    )
  })

  it('names a control that is wrong', async () => {
    const queue = await (await openJobs(kind)).open()
    await expect(queue.set('a', { maxInFlight: 0 })).rejects.toThrow(/maxInFlight must be/)
    await expect(queue.set('a', { weights: 1 } as never)).rejects.toThrow(/weights is not a control/)
    await queue.set('a', { weight: 2, rate: 5 })
    await queue.set('a', { rate: null })
    expect(await queue.controls('a')).toEqual({ weight: 2 })
  })
})
