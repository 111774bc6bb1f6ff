import { afterAll, beforeAll, expect, it } from 'vitest'
import { processItems } from '../../src/ingest/process.ts'
import { type Bench, context, event, identify, startBench, toJob } from './process-support.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench?.close())

const tenant = () => String(bench.projectId)

it('fails the whole batch when the database is at fault, for the queue to try again', async () => {
  const handler = processItems(bench.app)
  const jobs = [toJob(tenant(), event('1', 0)), toJob(tenant(), event('2', 1))]
  await bench.rows('alter table counters rename to counters_away')
  const { retried, ...batch } = context()
  await expect(handler(jobs, batch)).rejects.toThrow(/counters/)
  expect(retried).toEqual([])
  expect(await bench.rows('select from events')).toEqual([])
  await bench.rows('alter table counters_away rename to counters')
  await handler(jobs, batch)
  expect(await bench.rows('select from events')).toHaveLength(2)
})

it('retries alone an item that a mistake of ours stumbles over', async () => {
  const broken = identify('3', 0, { tags: { add: 7, remove: [] } as never })
  const jobs = [event('4', 0), broken, event('5', 0)].map((item) => toJob(tenant(), item))
  const { retried, ...batch } = context()
  await processItems(bench.app)(jobs, { ...batch, retry: (job) => void retried.push(job) })
  expect(retried).toEqual([jobs[1]])
  expect(await bench.rows(`select from people where external_id in ('4', '5')`)).toHaveLength(2)
})

it('stops between transactions when its lease is lost', async () => {
  const { retried, ...batch } = context()
  const jobs = [toJob(tenant(), event('6', 0))]
  await expect(processItems(bench.app)(jobs, { ...batch, signal: AbortSignal.abort() })).rejects.toThrow()
  expect(await bench.rows(`select from people where external_id = '6'`)).toEqual([])
  expect(retried).toEqual([])
})
