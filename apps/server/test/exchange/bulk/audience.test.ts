import type { Job, JobContext } from '@fairway/queue'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BulkAction } from '../../../src/exchange/bulk/bulk-action.ts'
import type { Task } from '../../../src/platform/tasks/task.ts'
import { workTask } from '../../../src/platform/tasks/work.ts'
import { taskKinds } from '../../../src/task-kinds.ts'
import { type Bench, event, identify, start, startBench } from '../../ingest/process-support.ts'

let now = start + 3_600_000
let bench: Bench

beforeAll(async () => {
  bench = await startBench(() => new Date(now++))
})
afterAll(() => bench?.close())

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${bench.url}/api/v1/projects/${bench.projectId}${path}`, {
    method,
    headers: { authorization: `Bearer ${bench.secretKey}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  return { status: response.status, body: (await response.json()) as any }
}

const work = (task: number): Promise<void> => {
  const job = { tenant: String(bench.projectId), data: { task }, attempt: 1 } as unknown as Job
  return workTask(bench.app, taskKinds)(job, {
    signal: new AbortController().signal,
  } as JobContext) as Promise<void>
}

/** Starts it and works it to its end. */
async function bulk(people: object, action: BulkAction): Promise<Task> {
  const { status, body } = await call('POST', '/people/bulk', { people, action })
  expect(status, JSON.stringify(body)).toBe(202)
  for (;;) {
    await work(body.id)
    const { body: task } = await call('GET', `/tasks/${body.id}`)
    if (task.state !== 'running' && task.state !== 'waiting') return task
  }
}

async function segment(body: object): Promise<number> {
  const { status, body: created } = await call('POST', '/segments', body)
  expect(status, JSON.stringify(created)).toBe(201)
  return created.id
}

const plan = (value: string) => ({ person: 'plan', operator: 'equals', value })
const names = (items: { externalId: string }[]) => items.map(({ externalId }) => externalId)

const people = 1_200
beforeAll(async () => {
  await bench.process(
    ...Array.from({ length: people }, (_, i) =>
      identify(`p${String(i).padStart(4, '0')}`, i, {
        properties: { plan: i % 300 === 7 ? 'rare' : 'free' },
      }),
    ),
    event('p0007', 0, { name: 'Opened' }),
  )
})

describe('a search', () => {
  it('finds for whom conditions hold, newest first, by pages of what was looked at', async () => {
    const rare = ['p0907', 'p0607', 'p0307', 'p0007']
    const whole = await call('POST', '/people/search', { conditions: plan('rare') })
    expect(whole).toMatchObject({ status: 200, body: { nextCursor: null, examined: people } })
    expect(names(whole.body.items)).toEqual(rare)
    const found: string[] = []
    for (let cursor: string | undefined; ; ) {
      const { body } = await call('POST', '/people/search', { conditions: plan('rare'), limit: 1, cursor })
      found.push(...names(body.items))
      if (body.nextCursor === null) break
      cursor = body.nextCursor
    }
    expect(found).toEqual(rare)
    const all = await call('POST', '/people/search', { limit: 3 })
    expect(names(all.body.items)).toEqual(['p1199', 'p1198', 'p1197'])
    const opened = { event: 'opened', count: { operator: '>=', value: 1 } }
    expect(names((await call('POST', '/people/search', { conditions: opened })).body.items)).toEqual([
      'p0007',
    ])
  })

  it('looks at 20,000 people at most', async () => {
    await bench.rows(
      `insert into people (project_id, external_id) select $1, 'many' || i from generate_series(1, 25000) as s (i)`,
      bench.projectId,
    )
    const first = await call('POST', '/people/search', { conditions: plan('rare') })
    expect(first.body.items).toEqual([])
    expect(first.body.examined).toBeLessThanOrEqual(20_000)
    expect(first.body.nextCursor).not.toBeNull()
    const found: string[] = []
    for (let cursor = first.body.nextCursor; cursor !== null; ) {
      const { body } = await call('POST', '/people/search', { conditions: plan('rare'), cursor })
      found.push(...names(body.items))
      cursor = body.nextCursor
    }
    expect(found).toHaveLength(4)
    await bench.rows(`delete from people where project_id = $1 and external_id like 'many%'`, bench.projectId)
  })

  it('finds members of a segment, and among them', async () => {
    const guests = await segment({ name: 'Guests', manual: true })
    await call('POST', `/segments/${guests}/members`, { add: ['id:p0001', 'id:p0007', 'id:p0307'] })
    const members = await call('POST', '/people/search', { segment: guests })
    expect(names(members.body.items)).toEqual(['p0307', 'p0007', 'p0001'])
    const among = await call('POST', '/people/search', {
      segment: guests,
      conditions: plan('rare'),
      limit: 1,
    })
    expect(names(among.body.items)).toEqual(['p0307'])
    expect((await call('GET', '/people/id:p0001')).body.segments).toEqual([{ id: guests, name: 'Guests' }])
  })

  it('refuses what it does not understand', async () => {
    for (const [body, field] of [
      [{ conditions: { nothing: 1 } }, 'conditions'],
      [{ segment: 999_999 }, 'segment'],
      [{ segment: 'x' }, 'segment'],
      [{ cursor: 'nonsense' }, 'cursor'],
      [{ limit: 0 }, 'limit'],
    ] as const)
      expect(await call('POST', '/people/search', body)).toMatchObject({ status: 422, body: { field } })
  })
})

describe('a bulk action', () => {
  const count = async (condition: string) =>
    (
      await bench.rows<{ n: number }>(
        `select count(*) as n from people where project_id = $1 and ${condition}`,
        bench.projectId,
      )
    )[0]!.n

  it('does the same to everybody, in steps, with progress', async () => {
    const task = await bulk({ everybody: true }, { kind: 'add_tag', tag: 'seen' })
    expect(task).toMatchObject({
      kind: 'bulk_action',
      title: 'Add the tag seen',
      state: 'done',
      done: people,
      total: people,
      failed: 0,
      detail: { people },
    })
    expect(await count(`'seen' = any(tags)`)).toBe(people)
    await bulk({ everybody: true }, { kind: 'remove_tag', tag: 'seen' })
    expect(await count(`'seen' = any(tags)`)).toBe(0)
  })

  it('reaches those named, those for whom conditions hold, and members', async () => {
    const { body: person } = await call('GET', '/people/id:p0010')
    const named = await bulk(
      { ids: [person.id, 'id:p0011', 999_999_999] },
      { kind: 'set_property', name: 'vip', value: true },
    )
    expect(named).toMatchObject({ done: 2, total: 2, detail: { people: 2 } })
    expect(await count(`properties -> 'vip' = 'true'`)).toBe(2)
    const held = await bulk({ conditions: plan('rare') }, { kind: 'set_topic', topic: 'news', wanted: false })
    expect(held).toMatchObject({ done: people, total: people, detail: { people: 4 } })
    expect(await count(`topics -> 'news' = 'false'`)).toBe(4)
    const list = await segment({ name: 'List', manual: true })
    await bulk({ conditions: plan('rare') }, { kind: 'add_to_segment', segment: list })
    expect((await call('GET', `/segments/${list}`)).body.size).toBe(4)
    expect((await call('GET', '/people/id:p0007/timeline')).body.items[0].name).toBe('Entered segment: List')
    for (const kind of ['unsubscribe', 'suppress'] as const) await bulk({ segment: list }, { kind })
    expect(await count('not subscribed and suppressed')).toBe(4)
    await bulk({ segment: list }, { kind: 'subscribe' })
    expect(await count('not subscribed')).toBe(0)
    await bulk({ segment: list }, { kind: 'remove_from_segment', segment: list })
    expect((await call('GET', `/segments/${list}`)).body.size).toBe(0)
    await bulk({ ids: ['id:p0010'] }, { kind: 'set_property', name: 'vip', value: null })
    expect(await count(`properties ? 'vip'`)).toBe(1)
  })

  it('is older than what people do after it was asked for, and leaves out who came later', async () => {
    const { body } = await call('POST', '/people/bulk', {
      people: { everybody: true },
      action: { kind: 'set_property', name: 'stage', value: 'bulk' },
    })
    await call('PUT', '/people/id:p0020', { properties: { stage: 'own' } })
    await call('PUT', '/people/id:late', { properties: { plan: 'free' } })
    for (let task = body; task.state !== 'done'; task = (await call('GET', `/tasks/${body.id}`)).body)
      await work(body.id)
    expect((await call('GET', '/people/id:p0020')).body.properties.stage).toBe('own')
    expect((await call('GET', '/people/id:late')).body.properties).toEqual({ plan: 'free' })
    expect(await count(`properties ->> 'stage' = 'bulk'`)).toBe(people - 1)
  })

  it('erases, with a receipt for each', async () => {
    const task = await bulk({ conditions: plan('rare') }, { kind: 'erase' })
    expect(task.detail).toEqual({ people: 4 })
    expect(await count(`properties ->> 'plan' = 'rare'`)).toBe(0)
    const { body } = await call('GET', '/erasures')
    expect(body.items).toHaveLength(4)
    for (const { removed, requestedBy } of body.items) {
      expect(removed.people).toBe(1)
      expect(requestedBy).toMatch(/^key fw_secret_/)
    }
  })

  it('ends with words when what it needs was deleted', async () => {
    const list = await segment({ name: 'Short-lived', manual: true })
    const { body } = await call('POST', '/people/bulk', {
      people: { ids: ['id:p0001'] },
      action: { kind: 'add_to_segment', segment: list },
    })
    await bench.rows('delete from segments where id = $1', list)
    await work(body.id)
    expect((await call('GET', `/tasks/${body.id}`)).body).toMatchObject({
      state: 'failed',
      message: 'Segment was not found',
    })
  })

  it('refuses what it does not understand, and names it', async () => {
    const dynamic = await segment({ name: 'Dynamic', conditions: plan('free') })
    const tag = { kind: 'add_tag', tag: 'x' }
    for (const [people, action, field] of [
      [{}, tag, 'people'],
      [{ everybody: true, segment: 1 }, tag, 'people'],
      [{ everybody: false }, tag, 'people.everybody'],
      [{ segment: 999_999 }, tag, 'people.segment'],
      [{ conditions: { any: [{ x: 1 }] } }, tag, 'people.conditions.any.0'],
      [{ ids: [] }, tag, 'people.ids'],
      [{ ids: [1.5] }, tag, 'people.ids.0'],
      [{ ids: ['id:nobody'] }, tag, 'people.ids.0'],
      [{ all: true }, tag, 'people.all'],
      [{ everybody: true }, { kind: 'explode' }, 'action.kind'],
      [{ everybody: true }, { kind: 'add_tag' }, 'action.tag'],
      [{ everybody: true }, { kind: 'erase', sure: true }, 'action.sure'],
      [{ everybody: true }, { kind: 'set_property', name: 'x', value: {} }, 'action.value'],
      [{ everybody: true }, { kind: 'set_property', name: 'x', value: 'a\0' }, 'action.value'],
      [{ everybody: true }, { kind: 'set_topic', topic: 'x' }, 'action.wanted'],
    ] as const)
      expect(
        await call('POST', '/people/bulk', { people, action }),
        JSON.stringify([people, action]),
      ).toMatchObject({
        status: 422,
        body: { field },
      })
    const toDynamic = { kind: 'add_to_segment', segment: dynamic }
    expect(
      await call('POST', '/people/bulk', { people: { everybody: true }, action: toDynamic }),
    ).toMatchObject({
      status: 409,
    })
    expect(await call('POST', '/people/bulk', [])).toMatchObject({ status: 422 })
  })
})
