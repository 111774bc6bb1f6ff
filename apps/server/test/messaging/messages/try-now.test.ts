import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { until } from '../../../../../testing/until.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { claimMessages } from '../../../src/messaging/delivery/outcomes.ts'
import { deliverJob } from '../../../src/messaging/messages/deliver-job.ts'
import type { Message } from '../../../src/messaging/messages/messages.ts'
import { readRetrying } from '../../../src/messaging/sending/retrying.ts'
import { refusal, type SmtpSink, startSmtpSink } from './smtp-sink.ts'
import { addMessages, deliver, plainMail, sendThrough, stateOf } from './support.ts'

let server: TestServer
let sink: SmtpSink
let now = Date.now()
let refuses = true
let refusesMail = false
let tries = 0
/** While it is set, the SMTP server answers nobody. */
let silence: Promise<void> | undefined

beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(now), config: { allowPrivateNetworks: true } })
  sink = await startSmtpSink({
    onRecipient: () => {
      tries++
      return refuses ? refusal(450, '4.2.1 Mailbox busy, try later') : null
    },
    onMessage: async () => {
      await silence
      return refusesMail ? refusal(451, '4.3.0 Not now') : null
    },
  })
})
afterAll(async () => {
  await server.close()
  await sink.close()
})

test('mail that waits for its next try leaves at once when somebody says so; what fails again costs it nothing', async () => {
  const { app, project, call, waiting, mailsTo } = await newShop()
  await mailsTo('ann', 'bob')
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
  expect(await tryNow()).toEqual({ count: 0, more: false })
  await app.pool.query(
    `update messages set try_now_at = try_now_at - interval '2 minutes' where project_id = $1`,
    [project.id],
  )
  expect(await tryNow({})).toEqual({ count: 2, more: false })
  await until(() => sink.mails.length === 2)
  await until(async () => (await readRetrying(app, project.id, { now: app.now() })).count === 0)
  expect(await tryNow()).toEqual({ count: 0, more: false })

  // Their own jobs find nothing to do.
  now += 3_600_000
  await until(async () => (await app.queue.stats()).every(({ scheduledJobs }) => scheduledJobs === 0))
  await until(async () =>
    (await app.queue.stats()).every(({ waitingJobs, leasedJobs }) => waitingJobs + leasedJobs === 0),
  )
  expect(sink.mails).toHaveLength(2)
})

test('the job that waited comes while the mail is tried ahead of time: it is not in doubt, and has a job to the end', async () => {
  const { app, project, call, mailsTo } = await newShop()
  refuses = true
  const [id] = await mailsTo('cat')
  refuses = false
  refusesMail = true
  let answer = () => {}
  silence = new Promise((resolve) => {
    answer = resolve
  })
  const before = sink.mails.length
  expect(await call('POST', 'messages/try-now')).toEqual({ count: 1, more: false })
  await until(async () => (await stateOf(app, project.id, id!)).state === 'claimed')

  expect((await deliver(app, project.id, [id!], { turn: 0 })).snoozed.size).toBe(0)
  expect(await stateOf(app, project.id, id!)).toMatchObject({ state: 'claimed', attempts: 2 })
  silence = undefined
  answer()
  await until(async () => (await stateOf(app, project.id, id!)).state === 'pending')
  expect(await stateOf(app, project.id, id!)).toMatchObject({ attempts: 1 })
  // Nor does it get the mail where it looked before somebody asked.
  expect(await claimMessages(app, project.id, [{ id: id!, turn: 0 }], randomUUID())).toEqual(new Set())
  expect(sink.mails).toHaveLength(before)

  // By itself, when it was due.
  refusesMail = false
  now += 60_000
  await until(() => sink.mails.length > before)
  await until(async () => (await stateOf(app, project.id, id!)).state === 'sent')
  await until(async () => {
    const { ready, scheduled } = await jobs(project.id)
    return ready + scheduled === 0
  })
  expect(sink.mails).toHaveLength(before + 1)
})

test('asked for again and again, each mail has one job more and as many attempts as before', async () => {
  const { app, project, call, mailsTo, waiting } = await newShop()
  refuses = true
  const names = Array.from({ length: 20 }, (_, n) => `d${n}`)
  const ids = await mailsTo(...names)
  const before = await waiting()
  const { scheduled } = await jobs(project.id)
  for (let press = 0; press < 15; press++) {
    expect(await call('POST', 'messages/try-now')).toEqual({ count: press === 0 ? 20 : 0, more: false })
  }
  await until(async () => JSON.stringify(await waiting()) === JSON.stringify(before))
  expect((await jobs(project.id)).scheduled).toBeLessThanOrEqual(scheduled + 20)
  for (const id of ids) expect((await stateOf(app, project.id, id)).attempts).toBeGreaterThanOrEqual(1)
  refuses = false
})

async function jobs(projectId: number) {
  const { rows } = await server.app.pool.query<{ scheduled: number }>(
    `select count(*)::int as scheduled from fairway_queue.scheduled where tenant = $1`,
    [String(projectId)],
  )
  const lanes = await server.app.queue.stats()
  return {
    ready: lanes.reduce((sum, { waitingJobs, leasedJobs }) => sum + waitingJobs + leasedJobs, 0),
    scheduled: rows[0]!.scheduled,
  }
}

async function newShop() {
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
  /** Mails that were tried once. */
  const mailsTo = async (...names: string[]) => {
    const mails = names.map((name) => ({ input: { to: [`${name}@x.example`], mail: plainMail() } }))
    const ids = await addMessages(app, project.id, mails)
    await app.queue.addMany(ids.map((id) => deliverJob(project.id, id, 'transactional')))
    await until(async () => (await readRetrying(app, project.id, { now: app.now() })).count === names.length)
    return ids
  }
  return { app, project, call, waiting, mailsTo }
}
