import { afterAll, beforeAll, expect, it } from 'vitest'
import { countOverTime } from '../../../src/audience/events/over-time.ts'
import { type Bench, event, start, startBench } from '../../ingest/process-support.ts'

const hour = 3_600_000
let bench: Bench

beforeAll(async () => {
  bench = await startBench(() => new Date(start + hour))
  // Accepted now, of the day before and of the year before.
  const before = (ms: number, name: string) => ({ ...event('1', 0, { name }), at: start - ms })
  await bench.process(
    ...[0, 1, hour, 25 * hour, 25 * hour].map((ms) => before(ms, 'Opened App')),
    before(hour, 'other'),
    before(365 * 24 * hour, 'other'),
  )
})
afterAll(() => bench?.close())

const count = (
  query: Omit<Parameters<typeof countOverTime>[2], 'unit'>,
  unit: 'hour' | 'day' = 'hour',
  timezone = 'UTC',
) => countOverTime(bench.app, { id: bench.projectId, timezone }, { ...query, unit })

it('counts by the hour in which events happened, by name in any spelling or all of them, with zeros', async () => {
  const last = await count({ name: 'opened-app', from: new Date(start - 2 * hour).toISOString() })
  expect(last).toEqual(
    [0, 2, 1, 0].map((expected, i) => ({ at: new Date(start + (i - 2) * hour), count: expected })),
  )
  const all = await count({})
  expect(all).toHaveLength(49)
  expect(all.reduce((sum, point) => sum + point.count, 0)).toBe(6)
  expect((await count({ name: 'never' })).every((point) => point.count === 0)).toBe(true)
})

it("counts by the project's days", async () => {
  const from = new Date(start - 26 * hour).toISOString()
  expect(await count({ from }, 'day')).toEqual([
    { at: new Date('2026-05-31T00:00:00Z'), count: 2 },
    { at: new Date('2026-06-01T00:00:00Z'), count: 4 },
  ])
  // The day on Kiritimati begins at 10:00 UTC.
  expect(await count({ from }, 'day', 'Pacific/Kiritimati')).toEqual([
    { at: new Date('2026-05-31T10:00:00Z'), count: 2 },
    { at: new Date('2026-06-01T10:00:00Z'), count: 4 },
  ])
})

it('refuses a range without sense with 422', async () => {
  const get = async (query: string) => {
    const response = await fetch(
      `${bench.url}/api/v1/projects/${bench.projectId}/events/over-time?${query}`,
      {
        headers: { authorization: `Bearer ${bench.secretKey}` },
      },
    )
    return { status: response.status, body: await response.json() }
  }
  expect(await get('unit=day')).toMatchObject({ status: 200 })
  for (const [query, field] of [
    ['from=yesterday', 'from'],
    ['to=-1', 'to'],
    ['from=2026-06-02T00:00:00Z&to=2026-06-01T00:00:00Z', 'from'],
    ['from=2020-01-01T00:00:00Z', 'from'],
    ['unit=week', 'unit'],
    ['name=%00', 'name'],
  ])
    expect(await get(query!)).toMatchObject({ status: 422, body: { field } })
})
