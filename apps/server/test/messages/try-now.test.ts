import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { until } from '../../../../testing/until.ts'
import { createProject } from '../../src/accounts/projects.ts'
import { deliverJob } from '../../src/messages/deliver-job.ts'
import type { Message } from '../../src/messages/messages.ts'
import { readRetrying } from '../../src/queue/retrying.ts'
import { refusal, type SmtpSink, startSmtpSink } from './smtp-sink.ts'
import { addMessages, plainMail, sendThrough } from './support.ts'

let server: TestServer
let sink: SmtpSink
let now = Date.now()
let refuses = true
let tries = 0

beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(now), config: { allowPrivateNetworks: true } })
  sink = await startSmtpSink({
    onRecipient: () => {
      tries++
      return refuses ? refusal(450, '4.2.1 Mailbox busy, try later') : null
    },
  })
})
afterAll(async () => {
  await server.close()
  await sink.close()
})

test('mail that waits for its next try leaves at once when somebody says so; what fails again costs it nothing', async () => {
  const { app, url } = server
  const { project, secretKey } = await createProject(app, { name: 'Shop' })
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${url}/api/v1/projects/${project.id}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secretKey}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
    })
    expect(response.status, path).toBe(200)
    return response.json() as Promise<T>
  }
  const waiting = async () =>
    (await call<{ items: Message[] }>('GET', 'messages?retrying=true')).items.map(
      ({ id, nextTryAt, attempts }) => ({ id, nextTryAt, attempts }),
    )
  await sendThrough(app, project.id, sink.port)
  const mails = ['ann', 'bob'].map((name) => ({ input: { to: [`${name}@x.example`], mail: plainMail() } }))
  const ids = await addMessages(app, project.id, mails)
  await app.queue.addMany(ids.map((id) => deliverJob(project.id, id, 'transactional')))
  await until(async () => (await readRetrying(app, project.id)).count === 2)
  const before = await waiting()
  expect(before.every(({ attempts }) => attempts === 1)).toBe(true)

  const tryNow = (body?: object) => call('POST', 'messages/try-now', body)
  expect(await tryNow({ provider: 2_000_000_000 })).toEqual({ count: 0, more: false })
  const soFar = tries
  expect(await tryNow()).toEqual({ count: 2, more: false })
  await until(() => tries === soFar + 2)
  // They come when they would have come, and have as many tries left.
  await until(async () => JSON.stringify(await waiting()) === JSON.stringify(before))

  refuses = false
  expect(await tryNow({})).toEqual({ count: 2, more: false })
  await until(() => sink.mails.length === 2)
  await until(async () => (await readRetrying(app, project.id)).count === 0)
  expect(await tryNow()).toEqual({ count: 0, more: false })

  // Their own jobs find nothing to do.
  now += 3_600_000
  await until(async () => (await app.queue.stats()).every(({ scheduledJobs }) => scheduledJobs === 0))
  await until(async () =>
    (await app.queue.stats()).every(({ waitingJobs, leasedJobs }) => waitingJobs + leasedJobs === 0),
  )
  expect(sink.mails).toHaveLength(2)
})
