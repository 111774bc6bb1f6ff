import type { Worker } from '@fairway/queue'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { describeRetryingJobs } from '../../../src/cli/queue.ts'
import type { Overview } from '../../../src/operations/overview/overview.ts'
import type { ProjectQueue } from '../../../src/operations/queue/project-queue.ts'
import { maintainRetries, RetryNotes, readRetryingJobs } from '../../../src/operations/queue/retrying-jobs.ts'
import { callAs } from './support.ts'

let server: TestServer
/** How far the server's clock is ahead, ms. */
let ahead = 0
let worker: Worker | undefined
let notes: RetryNotes

beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(Date.now() + ahead), config: { role: 'api' } })
})
afterAll(() => server.close())
afterEach(async () => {
  await worker?.close({ graceMs: 0 })
  worker = undefined
  await notes.close()
})

const newProject = async () => {
  const { project, secretKey } = await createProject(server.app, { name: 'Shop' })
  return { id: project.id, secretKey }
}

/** Runs jobs named `work` as the workers of the server do. */
function work(run: () => void, retry = { maxAttempts: 10, baseMs: 1, maxMs: 5 }): void {
  notes = new RetryNotes(server.app)
  worker = server.app.queue.worker({ work: run }, { lanes: { bulk: {} }, retry })
  notes.hear(worker)
}
const add = (project: number, id: string) =>
  server.app.queue.add({ lane: 'bulk', tenant: String(project), name: 'work', data: {}, id })
const eventually = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 30_000, interval: 50 })
const count = async (project: number) => (await readRetryingJobs(server.app, project)).count

test('a job that failed is told on the Queue page, Overview and by the command, until it succeeds', async () => {
  const project = await newProject()
  const other = await newProject()
  let broken = true
  work(
    () => {
      if (broken) throw new Error(`The bucket is away.${'!'.repeat(1_000)}`)
    },
    { maxAttempts: 1_000_000, baseMs: 1, maxMs: 5 },
  )
  await add(project.id, 'a')
  await eventually(() => count(project.id)).toBe(1)
  const { retryingJobs } = (await callAs(server, project, 'GET', '/queue')).json as ProjectQueue
  expect(retryingJobs).toEqual({
    count: 1,
    more: false,
    latest: [
      {
        lane: 'bulk',
        name: 'work',
        id: 'a',
        attempts: expect.any(Number),
        reason: expect.stringMatching(/^The bucket is away\.!+$/),
        triedAt: expect.stringMatching(/^20/),
        nextTryAt: expect.stringMatching(/^20/),
      },
    ],
  })
  expect(retryingJobs.latest[0]!.reason).toHaveLength(300)
  expect(((await callAs(server, project, 'GET', '/overview')).json as Overview).attention).toContainEqual({
    kind: 'jobs_retrying',
    count: 1,
    title: expect.stringMatching(/^1 job failed and is tried again: The bucket is away/),
  })
  expect(describeRetryingJobs(await readRetryingJobs(server.app, project.id))).toMatch(
    /1 job failed and is tried again:[\s\S]*next try[\s\S]*bulk +work .*The bucket is away/,
  )
  expect(await count(other.id)).toBe(0)

  broken = false
  await eventually(() => count(project.id)).toBe(0)
})

test('a job that died is a dead letter and no longer tried again', async () => {
  const { id } = await newProject()
  let attempts = 0
  work(
    () => {
      attempts++
      throw new Error('always')
    },
    { maxAttempts: 3, baseMs: 1, maxMs: 5 },
  )
  await add(id, 'a')
  await eventually(async () => (await server.app.queue.deadLetters({ tenant: String(id) })).length).toBe(1)
  await notes.close()
  expect(attempts).toBe(3)
  expect(await count(id)).toBe(0)
})

test('a failed try that another process writes down after the job ended does not stay', async () => {
  const { id } = await newProject()
  const job = {
    lane: 'bulk',
    tenant: String(id),
    name: 'work',
    id: 'a',
    data: {},
    readyAt: 0,
    firstAt: 0,
  }
  notes = new RetryNotes(server.app)
  const fails = async (attempt: number) => {
    const other = new RetryNotes(server.app)
    other.retried({ ...job, attempt }, new Error('late'), Date.now())
    await other.close()
  }
  await fails(1)
  notes.ended({ ...job, attempt: 3 })
  await eventually(() => count(id)).toBe(0)
  await fails(2)
  expect(await count(id)).toBe(1)
  await eventually(() => count(id)).toBe(0)
})

test('the latest hundred of a project are kept, none of a project that is gone, and none for ever', async () => {
  const { id } = await newProject()
  notes = new RetryNotes(server.app)
  const gone = 2_000_000_000
  for (let n = 0; n < 250; n++) {
    ahead++
    for (const tenant of [id, gone])
      notes.retried(
        {
          lane: 'bulk',
          tenant: String(tenant),
          name: 'work',
          id: `j${n}`,
          data: {},
          attempt: 1,
          readyAt: 0,
          firstAt: 0,
        },
        'NUL \u0000 is no text',
        Date.now() + 1_000,
      )
    if (n === 120) {
      await notes.close()
      notes = new RetryNotes(server.app)
    }
  }
  await notes.close()
  const kept = await readRetryingJobs(server.app, id)
  expect(kept).toMatchObject({ count: 100, more: true })
  expect(kept.latest.map((job) => job.id)).toEqual(Array.from({ length: 20 }, (_, n) => `j${249 - n}`))
  expect(kept.latest[0]!.reason).toBe('NUL  is no text')
  const { rows } = await server.app.pool.query<{ n: number }>(
    'select count(*)::integer as n from retrying_jobs where project_id = any ($1)',
    [[id, gone]],
  )
  expect(rows[0]!.n).toBe(101)

  ahead += 25 * 3_600_000
  await maintainRetries(server.app)
  expect(await count(id)).toBe(0)
})

test('what is no error, and one that can not be shown, are told as they are', async () => {
  const project = await newProject()
  const thrown = [
    Object.create(null),
    Object.assign(new Error(), { message: { a: 1 } }),
    'half \ud800',
    undefined,
  ]
  let next = 0
  work(
    () => {
      throw thrown[next++ % thrown.length]
    },
    { maxAttempts: 1_000_000, baseMs: 1, maxMs: 5 },
  )
  await add(project.id, 'odd')
  await eventually(() => count(project.id)).toBe(1)
  await eventually(
    async () => (await readRetryingJobs(server.app, project.id)).latest[0]!.attempts,
  ).toBeGreaterThan(8)
})
