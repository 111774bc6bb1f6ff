import { describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { job, kinds, lanes, openJobs, turn } from '../worker-support.ts'

const many = (tenant: string, count: number, more = {}) =>
  Array.from({ length: count }, (_, n) => job(tenant, n, more))

describe.each(kinds)('controls that change on the %s store', (kind) => {
  it('maxInFlight holds for what waits, though the worker has some of it in memory', async () => {
    const queue = await (await openJobs(kind)).open()
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    let running = 0
    const together: number[] = []
    queue.worker(
      {
        job: async () => {
          together.push(++running)
          if (together.length > 100) await gate
          // Long enough that the worker does not claim everything at once.
          await new Promise((resolve) => setTimeout(resolve, 4))
          running--
        },
      },
      { lanes },
    )
    await queue.addMany(many('a', 2_000))
    await until(() => together.length > 100)
    await queue.set('a', { maxInFlight: 1 })
    release()
    await until(() => together.length === 2_000)
    expect(Math.max(...together.slice(0, 100))).toBeGreaterThan(1)
    expect(new Set(together.slice(-300))).toEqual(new Set([1]))
  })

  it('maxInFlight goes up for jobs that wait', async () => {
    const queue = await (await openJobs(kind)).open()
    await queue.set('a', { maxInFlight: 1 })
    let [running, most, done] = [0, 0, 0]
    queue.worker(
      {
        job: async () => {
          most = Math.max(most, ++running)
          await turn()
          running--
          done++
        },
      },
      { lanes },
    )
    await queue.addMany(many('a', 2_000))
    await until(() => done > 50)
    expect(most).toBe(1)
    await queue.set('a', { maxInFlight: null })
    await until(() => done === 2_000)
    expect(most).toBeGreaterThan(1)
  })

  it('a limited tenant is served again after all it had was cancelled before it ran', async () => {
    const queue = await (await openJobs(kind)).open()
    await queue.set('a', { maxInFlight: 1 })
    await queue.add(job('a', 'cancelled', { id: 'c' }))
    await queue.cancel([{ lane: 'work', tenant: 'a', id: 'c' }])
    const seen: unknown[] = []
    queue.worker({ job: ({ data }) => void seen.push(data) }, { lanes })
    await until(async () => (await queue.stats()).every((lane) => lane.waitingJobs + lane.leasedJobs === 0))
    await queue.add(job('a', 'wanted'))
    await until(() => seen.length === 1)
    expect(seen).toEqual(['wanted'])
  })

  it('a rate holds over all workers together', async () => {
    const place = await openJobs(kind)
    const queues = kind === 'postgres' ? [await place.open(), await place.open()] : [await place.open()]
    const perSecond = 100
    await queues[0]!.set('paced', { rate: perSecond })
    const starts: number[] = []
    const from = Date.now()
    for (const queue of [...queues, queues[0]!])
      queue.worker({ job: () => void starts.push(Date.now()) }, { lanes, concurrency: 8 })
    // Many small pages, so that the workers take turns.
    for (let n = 0; n < 30; n++) await queues[0]!.addMany(many('paced', 5))
    await until(() => starts.length === 150)
    // However slow the machine is, it can only be less. A tenth of a second's worth may start at once.
    for (const [index, at] of starts.entries())
      expect(index).toBeLessThanOrEqual(((at - from) * perSecond) / 1_000 + perSecond / 10 + 1)
  })

  it('the weight decides between tenants that wait', async () => {
    const queue = await (await openJobs(kind)).open()
    await queue.set('heavy', { weight: 4 })
    await queue.addMany(['heavy', 'light'].flatMap((tenant) => many(tenant, 400)))
    const order: string[] = []
    queue.worker(
      { job: ({ tenant }) => turn().then(() => void order.push(tenant)) },
      { lanes, concurrency: 1 },
    )
    await until(() => order.length === 800)
    const light = order.slice(0, 300).filter((tenant) => tenant === 'light').length
    expect(light).toBeLessThan(150)
    expect(light).toBeGreaterThan(0)
  })
})

it('a page of long jobs is broken up, so that another process helps with it', async () => {
  const place = await openJobs('postgres')
  const [first, second] = [await place.open(), await place.open()]
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const ran: Record<string, unknown[]> = { first: [], second: [] }
  first.worker(
    {
      job: async ({ data }) => {
        if (data === 'long') return void (await new Promise((resolve) => setTimeout(resolve, 150)))
        ran.first!.push(data)
        await gate
      },
    },
    { lanes, concurrency: 1 },
  )
  await first.add(job('a', 'long'))
  await until(async () => (await first.stats()).every((lane) => lane.waitingJobs + lane.leasedJobs === 0))
  await first.addMany(many('a', 300))
  await until(() => ran.first!.length === 1)
  second.worker({ job: ({ data }) => void ran.second!.push(data) }, { lanes, concurrency: 1 })
  await until(() => ran.second!.length > 0)
  release()
  await until(() => ran.first!.length + ran.second!.length === 300)
  expect(new Set([...ran.first!, ...ran.second!]).size).toBe(300)
})

it('a page of which nobody knew how long its jobs take is broken up when it shows', async () => {
  const place = await openJobs('postgres')
  const [first, second] = [await place.open(), await place.open()]
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const ran: Record<string, unknown[]> = { first: [], second: [] }
  await first.addMany(many('a', 300))
  first.worker({ job: ({ data }) => gate.then(() => void ran.first!.push(data)) }, { lanes, concurrency: 4 })
  await until(async () => (await first.stats())[0]?.leasedJobs === 300)
  second.worker({ job: ({ data }) => void ran.second!.push(data) }, { lanes, concurrency: 4 })
  // The first one's jobs all wait at the gate: whatever runs was given back by it.
  await until(() => ran.second!.length > 200)
  release()
  await until(() => ran.first!.length + ran.second!.length === 300)
  expect(new Set([...ran.first!, ...ran.second!]).size).toBe(300)
  expect(ran.first!.length).toBeGreaterThanOrEqual(4)
})
