import type { Job, JobContext } from '@fairway/queue'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { withTransaction } from '../../../src/platform/db/transaction.ts'
import { commandTask } from '../../../src/platform/tasks/change-state.ts'
import { TaskFailed, type TaskKind, type TaskKinds } from '../../../src/platform/tasks/kind.ts'
import { loadTask, startTask, type TaskRow, toTask } from '../../../src/platform/tasks/task.ts'
import { wakeTasks } from '../../../src/platform/tasks/wake.ts'
import { workTask } from '../../../src/platform/tasks/work.ts'

let server: TestServer
let now = new Date('2026-06-01T12:00:00Z')
/** Called before each step is written; what a test throws here breaks it. */
let beforeWrite: (place: number) => void | Promise<void> = () => {}
/** The same before each step is looked for, when nothing is locked. */
let beforeNext: () => unknown = () => {}

/** Notes the numbers 1 to `input.to`, one a step, in counters. */
const counting: TaskKind<number> = {
  async open(_app, task) {
    let place = (task.cursor as number | null) ?? 0
    const to = Number(task.input.to)
    return {
      async next() {
        await beforeNext()
        return place < to ? ++place : undefined
      },
      async write(client, number) {
        await beforeWrite(number)
        await client.query(`insert into counters (project_id, name, hour, value) values ($1, $2, $3, $4)`, [
          task.project_id,
          `step ${number}`,
          now,
          number,
        ])
        return { cursor: number, done: 1, detail: { odd: number % 2 } }
      },
    }
  },
  async ended(_app, client, task, state) {
    await client.query(`insert into counters (project_id, name, hour, value) values ($1, $2, $3, 0)`, [
      task.project_id,
      state,
      now,
    ])
  },
}
const kinds: TaskKinds = { counting: counting as TaskKind<never> }

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' }, now: () => now })
})
afterAll(() => server?.close())
beforeEach(async () => {
  beforeWrite = () => {}
  beforeNext = () => {}
  await server.app.pool.query('delete from counters')
})

const start = (to: number): Promise<TaskRow> =>
  withTransaction(server.app.pool, (client) =>
    startTask(server.app, client, server.projectId, {
      kind: 'counting',
      title: 'Count',
      input: { to },
      total: to,
    }),
  )

const work = (task: TaskRow, attempt = 1): Promise<void> => {
  const job = { tenant: String(server.projectId), data: { task: task.id }, attempt } as unknown as Job
  const context = { signal: new AbortController().signal } as JobContext
  return workTask(server.app, kinds)(job, context) as Promise<void>
}

const reload = async (task: TaskRow) => (await loadTask(server.app.pool, server.projectId, task.id))!

async function noted(): Promise<string[]> {
  const { rows } = await server.app.pool.query<{ name: string }>(
    'select name from counters where project_id = $1 order by name',
    [server.projectId],
  )
  return rows.map(({ name }) => name)
}

describe('a task', () => {
  it('is worked step by step to its end', async () => {
    const task = await start(3)
    await work(task)
    const ended = await reload(task)
    expect(toTask(ended)).toMatchObject({ state: 'done', done: 3, total: 3, failed: 0, detail: { odd: 2 } })
    expect(ended.finished_at).toEqual(now)
    expect(await noted()).toEqual(['done', 'step 1', 'step 2', 'step 3'])
    // A job that comes late has nothing to do.
    await work(task)
    expect((await reload(task)).done).toBe(3)
  })

  it('goes on after the last committed step when one broke', async () => {
    const task = await start(4)
    beforeWrite = (place) => {
      if (place === 3) throw new Error('the machine died')
    }
    await expect(work(task)).rejects.toThrow('the machine died')
    expect(await reload(task)).toMatchObject({ state: 'running', cursor: 2, done: 2 })
    beforeWrite = () => {}
    await work(task, 2)
    expect(await reload(task)).toMatchObject({ state: 'done', done: 4 })
    expect(await noted()).toEqual(['done', 'step 1', 'step 2', 'step 3', 'step 4'])
  })

  it('is never worked by two at once', async () => {
    const task = await start(5)
    let second: Promise<void> | undefined
    beforeWrite = async (place) => {
      if (place === 2) await (second ??= work(task))
    }
    await work(task)
    expect(await reload(task)).toMatchObject({ state: 'done', done: 5 })
    expect(await noted()).toHaveLength(6)
  })

  it('does not take a step that another one took in between', async () => {
    const task = await start(5)
    // The second reads its first number, then the first goes all the way.
    let first: Promise<void> | undefined
    const slow: TaskKind<number> = {
      open: async (...args) => {
        const session = await counting.open(...args)
        return {
          ...session,
          async next() {
            const number = await session.next()
            await (first ??= work(task))
            return number
          },
        }
      },
    }
    const job = { tenant: String(server.projectId), data: { task: task.id }, attempt: 1 } as unknown as Job
    await workTask(server.app, { counting: slow as TaskKind<never> })(job, {
      signal: new AbortController().signal,
    } as JobContext)
    expect(await reload(task)).toMatchObject({ state: 'done', done: 5 })
    expect(await noted()).toHaveLength(6)
  })

  it('fails with a reason for people, or after failing again and again', async () => {
    const hopeless = await start(2)
    beforeWrite = () => {
      throw new TaskFailed('The file is no CSV')
    }
    await work(hopeless)
    expect(await reload(hopeless)).toMatchObject({ state: 'failed', message: 'The file is no CSV' })
    expect(await noted()).toEqual(['failed'])
    await server.app.pool.query('delete from counters')

    const unlucky = await start(2)
    beforeWrite = () => {
      throw new Error('no room')
    }
    await expect(work(unlucky, 7)).rejects.toThrow('no room')
    await work(unlucky, 8)
    expect(await reload(unlucky)).toMatchObject({
      state: 'failed',
      message: 'It failed 8 times in a row, last with: no room',
    })
  })

  it('fails when its kind is unknown, as after a downgrade', async () => {
    const task = await start(1)
    await server.app.pool.query(`update tasks set kind = 'teleport' where id = $1`, [task.id])
    await work(task)
    expect((await reload(task)).message).toMatch('knows no tasks of the kind teleport')
  })

  it('can be paused, resumed and cancelled between two steps', async () => {
    const command = (task: TaskRow, name: 'pause' | 'resume' | 'cancel') =>
      commandTask(server.app, kinds, server.projectId, task.id, name)
    const task = await start(3)
    let pausing: Promise<TaskRow> | undefined
    beforeWrite = () => {
      pausing ??= command(task, 'pause')
    }
    beforeNext = () => pausing
    await work(task)
    await pausing
    const paused = await reload(task)
    expect(paused.state).toBe('paused')
    const done = paused.done
    expect(done).toBeLessThan(3)
    await work(task)
    expect((await reload(task)).done).toBe(done)

    expect((await command(task, 'resume')).state).toBe('waiting')
    await work(task)
    expect(await reload(task)).toMatchObject({ state: 'done', done: 3 })
    await expect(command(task, 'cancel')).rejects.toMatchObject({ status: 409 })

    const other = await start(3)
    await command(other, 'cancel')
    await command(other, 'cancel')
    await work(other)
    expect(await reload(other)).toMatchObject({ state: 'cancelled', done: 0 })
    await expect(command(other, 'resume')).rejects.toMatchObject({ status: 409 })
    expect(await noted()).toContain('cancelled')
  })

  it('that lost its job gets another', async () => {
    const task = await start(1)
    await server.app.queue.purgeTenant(String(server.projectId))
    await wakeTasks(server.app)
    const waiting = async () =>
      (await server.app.queue.stats()).find(({ lane }) => lane === 'bulk')?.waitingJobs ?? 0
    expect(await waiting()).toBe(0)
    now = new Date(now.getTime() + 61_000)
    await wakeTasks(server.app)
    await wakeTasks(server.app)
    expect(await waiting()).toBe(1)
    await work(task)
  })
})
