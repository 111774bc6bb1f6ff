import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { until } from '../../../../../testing/until.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { maintainMessages } from '../../../src/messaging/messages/maintain.ts'
import { holdSending } from '../../../src/messaging/sending/restore-watch.ts'
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts'
import { addMessages, plainMail, sendThrough, stateOf } from './support.ts'

const mailOf = { input: { to: ['ann@x.example'], mail: plainMail() } }

let server: TestServer
let sink: SmtpSink

beforeAll(async () => {
  server = await startTestServer({ config: { allowPrivateNetworks: true } })
  sink = await startSmtpSink()
})
afterAll(async () => {
  await server.close()
  await sink.close()
})

test('mail that is long overdue and has no job gets one; what is held, or due for a moment only, is left alone', async () => {
  const { app } = server
  const stranded = async (name: string, overdue: string) => {
    const { project } = await createProject(app, { name })
    await sendThrough(app, project.id, sink.port)
    const [id] = await addMessages(app, project.id, [{ input: { to: ['ann@x.example'], mail: plainMail() } }])
    await app.pool.query('update messages set next_try_at = now() - $2::interval where id = $1', [
      id,
      overdue,
    ])
    return { id: id!, project: project.id }
  }
  const lost = await stranded('Lost', '11 minutes')
  const recent = await stranded('Recent', '9 minutes')
  const held = await stranded('Held', '11 minutes')
  await holdSending(app, 'Somebody held it.', { projectId: held.project })

  await maintainMessages(app)
  await until(async () => (await stateOf(app, lost.project, lost.id)).state === 'sent')
  await maintainMessages(app)
  for (const { project, id } of [recent, held]) {
    expect(await stateOf(app, project, id)).toMatchObject({ state: 'pending' })
    const { rows } = await app.pool.query('select turn from messages where id = $1', [id])
    expect(rows).toEqual([{ turn: 0 }])
  }
  expect(sink.mails).toHaveLength(1)
})

test('mail whose job became a dead letter before it was ever tried gets another; the letter does nothing when it is run again', async () => {
  const { app } = server
  const { project } = await createProject(app, { name: 'Dead' })
  await sendThrough(app, project.id, sink.port)
  const before = sink.mails.length
  const [id] = await addMessages(app, project.id, [mailOf])
  const lane = { lane: 'bulk', tenant: String(project.id), name: 'deliver' }
  // A worker of its own buries what comes in this lane before the server's could take it.
  await app.queue.set(lane.tenant, { paused: true })
  await app.queue.add({ ...lane, data: { messageId: id }, deadline: new Date(1) })
  await app.queue.add({ ...lane, data: { messageId: 'none' } })
  await app.queue.set(lane.tenant, { paused: false })
  const letters = () => app.queue.deadLetters({ tenant: lane.tenant })
  await until(async () => (await letters()).length === 2)
  expect(await stateOf(app, project.id, id!)).toMatchObject({ state: 'pending' })

  await maintainMessages(app)
  await until(async () => (await stateOf(app, project.id, id!)).state === 'sent')
  expect(sink.mails).toHaveLength(before + 1)
  await maintainMessages(app)
  await app.queue.redrive({ tenant: lane.tenant })
  await until(async () => (await app.queue.stats()).every((each) => each.waitingJobs + each.leasedJobs === 0))
  expect(sink.mails).toHaveLength(before + 1)
})
