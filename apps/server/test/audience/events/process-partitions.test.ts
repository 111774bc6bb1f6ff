import { afterAll, beforeAll, expect, it } from 'vitest'
import { maintainEvents } from '../../../src/audience/events/maintain.ts'
import {
  ensurePartitions,
  forgetPartitions,
  listPartitions,
  partitionAt,
} from '../../../src/audience/events/partitions.ts'
import { type Bench, event, identify, start, startBench } from '../../ingest/process-support.ts'

let now = new Date(start)
let bench: Bench

beforeAll(async () => {
  bench = await startBench(() => now)
})
afterAll(() => bench?.close())

const names = async () => (await listPartitions(bench.app.pool)).map(({ name }) => name)
const days = (n: number) => n * 86_400_000

it('names months, and everything before 2020 together', () => {
  expect(partitionAt(Date.UTC(2026, 11, 31, 23, 59, 59, 999))).toEqual({
    name: 'events_2026_12',
    from: new Date('2026-12-01'),
    to: new Date('2027-01-01'),
  })
  expect(partitionAt(Date.UTC(2019, 11, 31, 23, 59, 59, 999)).name).toBe('events_before_2020')
  expect(partitionAt(0).name).toBe('events_before_2020')
})

it('stores an event of any past month, wherever batches race to make its partition', async () => {
  const times = [0, Date.UTC(1999, 1), Date.UTC(2020, 0), Date.UTC(2021, 5, 30), Date.UTC(2024, 1, 29), start]
  await Promise.all(
    times.flatMap((at) =>
      [1, 2].map((n) => bench.process({ ...event('1', 0, { name: `${at} ${n}` }), at }, identify('1', 0))),
    ),
  )
  const stored = await bench.rows('select occurred_at from events where project_id = $1', bench.projectId)
  expect(stored).toHaveLength(12)
  expect(await names()).toEqual(
    expect.arrayContaining(['events_before_2020', 'events_2021_06', 'events_2024_02']),
  )
})

it('makes partitions ahead, with every index of the table', async () => {
  await maintainEvents(bench.app)
  expect(await names()).toEqual(
    expect.arrayContaining(['events_2026_06', 'events_2026_07', 'events_2026_08', 'events_2026_09']),
  )
  const [indexes] = await bench.rows<{ of_table: number; of_partition: number }>(
    `select count(*) filter (where indrelid = 'events'::regclass)::int as of_table,
       count(*) filter (where indrelid = 'events_2026_09'::regclass)::int as of_partition from pg_index`,
  )
  expect(indexes!.of_partition).toBe(indexes!.of_table)
  await Promise.all([1, 2, 3].map(() => maintainEvents(bench.app)))
})

it('makes a partition again that another process dropped', async () => {
  await ensurePartitions(bench.app.pool, [Date.UTC(2022, 0)])
  await bench.rows('drop table events_2022_01')
  await bench.process({ ...event('1', 0, { name: 'again' }), at: Date.UTC(2022, 0, 5) })
  expect(await bench.rows(`select from events where name = 'again'`)).toHaveLength(1)
})

it("deletes events beyond their project's retention, and drops partitions that no project needs", async () => {
  const keeper = await bench.newProject()
  await keeper.process({ ...event('k', 0), at: Date.UTC(2024, 1, 10) })
  const short = await bench.newProject()
  await short.process(
    { ...event('s', 0, { name: 'expired' }), at: start - days(40) },
    { ...event('s', 0, { name: 'kept' }), at: start - days(20) },
    { ...event('s', 0, { name: 'expired' }), at: Date.UTC(2024, 1, 10) },
    { ...event('s', 0, { name: 'expired' }), at: Date.UTC(2023, 1, 10) },
  )
  await bench.rows('update projects set event_retention_days = 30 where id <> $1', keeper.projectId)
  forgetPartitions(bench.app.pool)
  await maintainEvents(bench.app)
  expect(await short.rows('select name from events where project_id = $1', short.projectId)).toEqual([
    { name: 'kept' },
  ])
  expect(await keeper.rows('select from events where project_id = $1', keeper.projectId)).toHaveLength(1)
  expect(await names()).toContain('events_2024_02')
  expect(await names()).not.toContain('events_2023_02')
  expect(await names()).not.toContain('events_before_2020')

  await bench.rows('update projects set event_retention_days = 400')
  await maintainEvents(bench.app)
  expect(await names()).not.toContain('events_2024_02')
})

it('sweeps ended duplicate windows and old rejects', async () => {
  const project = await bench.newProject()
  await project.process(
    event('1', 0, { dedupe: { key: 'a', windowMs: 60_000 } }),
    event('1', 0, { dedupe: { key: 'b', windowMs: days(2) } }),
    identify('1', 0, { properties: { bad: '\u0000' } }),
  )
  now = new Date(start + days(1))
  await maintainEvents(bench.app)
  const left = async (table: string) =>
    (await project.rows(`select from ${table} where project_id = $1`, project.projectId)).length
  expect(await left('ingest_keys')).toBe(1)
  expect(await left('ingest_rejects')).toBe(1)
  now = new Date(start + days(31))
  await maintainEvents(bench.app)
  expect(await left('ingest_rejects')).toBe(0)
})
