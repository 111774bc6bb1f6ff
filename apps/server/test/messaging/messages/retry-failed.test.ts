import type { Job, JobContext } from '@fairway/queue'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import type { App } from '../../../src/platform/app.ts'
import { workTask } from '../../../src/platform/tasks/work.ts'
import { taskKinds } from '../../../src/task-kinds.ts'
import { refusal, startSmtpSink } from './smtp-sink.ts'
import {
  addMessages,
  addPerson,
  addTemplate,
  deliver,
  ofCampaign,
  plainMail,
  sendThrough,
  stateOf,
} from './support.ts'

let server: TestServer
let app: App
let now = Date.parse('2026-06-01T12:00:00Z')

beforeAll(async () => {
  server = await startTestServer({
    now: () => new Date(now),
    config: { role: 'api', allowPrivateNetworks: true },
  })
  app = server.app
})
afterAll(() => server.close())

async function newProject() {
  const { project, secretKey } = await createProject(app, { name: 'Shop' })
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${server.url}/api/v1/projects/${project.id}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secretKey}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
    })
    return { status: response.status, json: await response.json() }
  }
  const work = (task: number) =>
    workTask(app, taskKinds)(
      { tenant: String(project.id), data: { task }, attempt: 1 } as Job<unknown> as Job,
      { signal: new AbortController().signal } as JobContext,
    )
  return { id: project.id, call, work }
}

const mailsTo = (...names: string[]) =>
  names.map((name) => ({ input: { to: [`${name}@x.example`], mail: plainMail() } }))

test('all that failed for a reason are tried again, once each, whoever asks twice; the suppressed are not', async () => {
  const { id, call, work } = await newProject()
  let refuse = true
  const sink = await startSmtpSink({
    onRecipient: (address) => {
      if (address.startsWith('spam')) return refusal(554, '5.7.1 looks like spam')
      return refuse ? refusal(550, '5.7.1 blocked for now') : null
    },
  })
  await sendThrough(app, id, sink.port)
  const names = Array.from({ length: 20 }, (_, n) => `p${n}`)
  const ids = await addMessages(app, id, mailsTo(...names, 'gone', 'spam1', 'spam2'))
  await deliver(app, id, ids)
  await app.pool.query(
    `insert into suppressions (project_id, address, reason) values ($1, 'gone@x.example', 'manual')`,
    [id],
  )
  expect((await call('GET', 'messages/failed')).json).toMatchObject({ count: 23, more: false })
  expect((await call('GET', 'messages/failed?reason=for%20now')).json).toEqual({
    count: 21,
    more: false,
    reasons: [{ count: 21, reason: expect.stringContaining('blocked for now') }],
  })

  now += 1_000
  refuse = false
  const asked = await call('POST', 'messages/retry', { reason: 'blocked for now' })
  expect(asked).toMatchObject({ status: 202, json: { kind: 'retry_messages', state: 'waiting', total: 21 } })
  const again = await call('POST', 'messages/retry', { reason: 'blocked for now' })
  await work(asked.json.id)
  await work(again.json.id)
  const taskOf = async (task: number) => (await call('GET', `tasks/${task}`)).json
  expect(await taskOf(asked.json.id)).toMatchObject({
    state: 'done',
    done: 21,
    failed: 1,
    detail: { retried: 20, suppressed: 1 },
  })
  expect(await taskOf(again.json.id)).toMatchObject({ state: 'done', detail: { retried: 0 } })
  const { rows } = await app.pool.query(
    'select state, turn, count(*)::int from messages where project_id = $1 group by 1, 2 order by 1, 2',
    [id],
  )
  expect(rows).toEqual([
    { state: 'failed', turn: 0, count: 3 },
    { state: 'pending', turn: 1, count: 20 },
  ])
  expect(await stateOf(app, id, ids[0]!)).toMatchObject({
    state: 'pending',
    attempts: 0,
    reason: expect.stringContaining('tried again with others, asked for by'),
  })
  await deliver(app, id, ids)
  expect(sink.mails.map((mail) => mail.to[0]).sort()).toEqual(names.map((name) => `${name}@x.example`).sort())
  await sink.close()
})

test('what fails again while the task runs is left for another; opt-outs count again', async () => {
  const { id, call, work } = await newProject()
  const sink = await startSmtpSink()
  await sendThrough(app, id, sink.port)
  const templateId = await addTemplate(app, id)
  const people = await Promise.all(
    ['ann', 'bob'].map((name) => addPerson(app, id, { id: name, email: `${name}@x.example` })),
  )
  const ids = await addMessages(
    app,
    id,
    people.map((personId) => ({ ...ofCampaign, personId, templateId, originId: 7 })),
  )
  const fail = (which: string[]) =>
    app.pool.query(
      `update messages set state = 'failed', reason = 'x', settled_at = $2 where id = any($1::uuid[])`,
      [which, new Date(now)],
    )
  await fail(ids)
  now += 1_000
  const asked = await call('POST', 'messages/retry', { campaign: 7 })
  const other = await call('POST', 'messages/retry', { campaign: 8 })
  now += 1_000
  const [late] = await addMessages(app, id, [{ ...ofCampaign, personId: people[0], templateId, originId: 7 }])
  await fail([late!])
  await work(asked.json.id)
  await work(other.json.id)
  expect((await stateOf(app, id, late!)).state).toBe('failed')
  await app.pool.query('update people set subscribed = false where id = $1', [people[1]])
  await deliver(app, id, ids)
  expect(await Promise.all(ids.map((one) => stateOf(app, id, one)))).toMatchObject([
    { state: 'sent' },
    { state: 'skipped', reason: 'unsubscribed' },
  ])
  const inTime = await call('POST', 'messages/retry', { from: new Date(now + 1).toISOString() })
  expect(inTime.json.total).toBe(0)
  expect(await call('POST', 'messages/retry', { from: 'yesterday' })).toMatchObject({
    status: 422,
    json: { field: 'from' },
  })
  await sink.close()
})

test('a step that is cut off leaves nothing behind, and is done again', async () => {
  const { id, call, work } = await newProject()
  await addMessages(app, id, mailsTo(...Array.from({ length: 700 }, (_, n) => `p${n}`)))
  await app.pool.query(
    `update messages set state = 'failed', reason = 'x', settled_at = $2 where project_id = $1`,
    [id, new Date(now)],
  )
  now += 1_000
  const { json: task } = await call('POST', 'messages/retry', {})
  // The second step can't be written.
  const { rows: late } = await app.pool.query<{ id: string }>(
    'select id from messages where project_id = $1 order by created_at, id offset 650 limit 1',
    [id],
  )
  await app.pool.query(`
    create function cut() returns trigger language plpgsql as $$ begin
      if new.id = '${late[0]!.id}' then raise exception 'cut'; end if; return new; end $$;
    create trigger cut before update on messages for each row when (new.project_id = ${id}) execute function cut()`)
  await expect(work(task.id)).rejects.toThrow('cut')
  const pending = async () =>
    (await app.pool.query(`select from messages where project_id = $1 and state = 'pending'`, [id])).rowCount
  expect(await pending()).toBe(500)
  await app.pool.query('drop trigger cut on messages; drop function cut()')
  await work(task.id)
  expect(await pending()).toBe(700)
  const { rows } = await app.pool.query('select distinct turn from messages where project_id = $1', [id])
  expect(rows).toEqual([{ turn: 1 }])
})
