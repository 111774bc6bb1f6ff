import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { until } from '../../../../../testing/until.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { closeGateways } from '../../../src/messaging/channels/gateways.ts'
import { sweepWaitingMail, wakeStep } from '../../../src/messaging/delivery/wake.ts'
import type { Message } from '../../../src/messaging/messages/messages.ts'
import { readRetrying } from '../../../src/messaging/sending/retrying.ts'
import { describeWaiting, readWaiting } from '../../../src/messaging/sending/waiting.ts'
import type { Overview } from '../../../src/operations/overview/overview.ts'
import type { App } from '../../../src/platform/app.ts'
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts'
import { addMessages, deliver, plainMail, sendThrough } from './support.ts'

let server: TestServer
let app: App
let sink: SmtpSink
let closedPort: number
const now = Date.now()

beforeAll(async () => {
  server = await startTestServer({
    now: () => new Date(now),
    config: { role: 'api', allowPrivateNetworks: true },
  })
  app = server.app
  sink = await startSmtpSink()
  const other = await startSmtpSink()
  closedPort = other.port
  await other.close()
})
afterAll(async () => {
  await server.close()
  await sink.close()
})

const untilLive = 'the project is in test mode; it leaves when the project is live again'
const untilServer = 'no SMTP server is in use; it leaves when there is one'

test.each(['removed', 'switched off'])(
  'live mail whose SMTP server is %s waits for another: it is never kept in the mailbox, and leaves once',
  async (how) => {
    const shop = await newShop()
    await sendThrough(app, shop.id, closedPort)
    const tried = await shop.mailsTo('ann', 'bob')
    await deliver(app, shop.id, tried)
    const due = await shop.mailsTo('cat')
    const [provider] = (await shop.call<{ items: { id: number }[] }>('GET', 'providers')).items
    if (how === 'removed') await shop.call('DELETE', `providers/${provider!.id}`)
    else await shop.call('PATCH', `providers/${provider!.id}`, { active: false })

    await shop.wake()
    const ids = [...tried, ...due]
    expect((await deliver(app, shop.id, ids)).snoozed.size).toBe(0)
    for (const mail of await shop.messages('waiting=true'))
      expect(mail).toMatchObject({
        state: 'pending',
        reason: untilServer,
        waitsFor: 'server',
        nextTryAt: null,
      })
    expect(await readWaiting(app, app.config, shop.id)).toMatchObject({
      live: { count: 0 },
      server: { count: 3 },
    })
    expect((await readRetrying(app, shop.id, { now: app.now() })).count).toBe(0)
    expect(await shop.mailbox()).toEqual([])
    expect(await shop.call('POST', 'messages/try-now')).toEqual({ count: 0, more: false })

    const before = sink.mails.length
    await shop.addServer(sink.port)
    await shop.wake()
    await deliver(app, shop.id, ids)
    expect(
      sink.mails
        .slice(before)
        .map(({ to }) => to[0])
        .sort(),
    ).toEqual(['ann@x.example', 'bob@x.example', 'cat@x.example'])
    expect((await shop.messages('state=sent')).map(({ reason }) => reason)).toEqual([null, null, null])
  },
)

test('new mail of a live project without a server waits too, and a row that waits is written once', async () => {
  const shop = await newShop()
  await shop.call('PATCH', 'settings', { mode: 'live' })
  const ids = await shop.mailsTo('ann')
  await deliver(app, shop.id, ids)
  const version = async () =>
    (await app.pool.query('select xmin::text from messages where project_id = $1', [shop.id])).rows
  const written = await version()
  await deliver(app, shop.id, ids)
  await sweepWaitingMail(app)
  await shop.wake()
  expect(await version()).toEqual(written)
  expect(await shop.messages('waiting=true')).toMatchObject([{ waitsFor: 'server', attempts: 0 }])
  const sentence = 'The project is live, but no SMTP server is in use: 1 mail waits until there is one.'
  expect(describeWaiting(await readWaiting(app, app.config, shop.id))).toBe(sentence)
  const waiting = {
    hindrance: 'server',
    live: { count: 0, more: false },
    server: { count: 1, more: false },
  }
  for (const place of ['sending', 'queue', 'overview'])
    expect(await shop.call('GET', place)).toMatchObject({ waiting })
  expect((await shop.call<Overview>('GET', 'overview')).attention).toEqual([
    { kind: 'messages_waiting', count: 1, title: sentence },
  ])
  expect(await shop.mailbox()).toEqual([])
})

test('the server of the installation takes what a project without one has; the sweep finds what waited for it', async () => {
  const shop = await newShop()
  await shop.call('PATCH', 'settings', { mode: 'live' })
  await shop.wake()
  const ids = await shop.mailsTo('ann')
  await deliver(app, shop.id, ids)
  const senderless = await shop.mailsTo('no-sender')
  await app.pool.query(`update messages set input = input #- '{mail,from}' where id = any($1::uuid[])`, [
    senderless,
  ])
  const before = sink.mails.length
  const { smtpUrl } = app.config
  try {
    closeGateways(app)
    Object.assign(app.config, { smtpUrl: `smtp://127.0.0.1:${sink.port}` })
    const jobs = await shop.wakeJobs()
    await sweepWaitingMail(app)
    await until(async () => (await shop.wakeJobs()) === jobs + 1)
    await shop.wake()
    await deliver(app, shop.id, [...ids, ...senderless])
  } finally {
    Object.assign(app.config, { smtpUrl })
    closeGateways(app)
  }
  expect(sink.mails.slice(before).map(({ to }) => to)).toEqual([['ann@x.example']])
  expect(await shop.messages('state=failed')).toMatchObject([
    { id: senderless[0], reason: expect.stringContaining('from: is missing') },
  ])
})

test('mail that was made while the project was live waits out its test mode, is woken by the mode, and leaves', async () => {
  const shop = await newShop()
  await sendThrough(app, shop.id, closedPort)
  const ids = await shop.mailsTo('ann', 'bob')
  await deliver(app, shop.id, ids)
  const before = sink.mails.length
  for (const testAddress of [null, 'qa@x.example']) {
    await shop.call('PATCH', 'settings', { mode: 'test', testAddress })
    await shop.wake()
    const made = await shop.mailsTo('made-in-test')
    expect((await deliver(app, shop.id, [...ids, ...(testAddress ? [] : made)])).snoozed.size).toBe(0)
    const waiting = await shop.messages('waiting=true')
    expect(waiting.map(({ id }) => id).sort()).toEqual([...ids].sort())
    for (const mail of waiting)
      expect(mail).toMatchObject({
        state: 'pending',
        reason: untilLive,
        waitsFor: 'live',
        nextTryAt: null,
        attempts: 1,
      })
  }
  expect((await readRetrying(app, shop.id, { now: app.now() })).count).toBe(0)

  // Made live without a server, it waits for that; the reason says so.
  const [provider] = (await shop.call<{ items: { id: number }[] }>('GET', 'providers')).items
  await shop.call('DELETE', `providers/${provider!.id}`)
  await shop.call('PATCH', 'settings', { mode: 'live' })
  await shop.wake()
  await deliver(app, shop.id, ids)
  expect((await shop.messages('waiting=true')).map(({ reason }) => reason)).toEqual([
    untilServer,
    untilServer,
  ])
  await shop.addServer(sink.port)
  await shop.wake()
  await deliver(app, shop.id, ids)
  expect(
    sink.mails
      .slice(before)
      .map(({ to }) => to[0])
      .sort(),
  ).toEqual(['ann@x.example', 'bob@x.example'])
})

test('mail that was made in test mode reaches nobody real, whatever the project is when it leaves', async () => {
  const shop = await newShop()
  await shop.addServer(sink.port)
  const early = await shop.mailsTo('ann', 'bob')
  await shop.call('PATCH', 'settings', { mode: 'live' })
  const before = sink.mails.length
  await deliver(app, shop.id, early.slice(0, 1))
  expect(sink.mails).toHaveLength(before)
  expect((await shop.mailbox()).map(({ envelopeTo }) => envelopeTo)).toEqual([['ann@x.example']])
  await shop.call('PATCH', 'settings', { testAddress: 'qa@x.example' })
  await deliver(app, shop.id, [...early.slice(1), ...(await shop.mailsTo('cat'))])
  expect(sink.mails.slice(before).map(({ to }) => to[0])).toEqual(
    expect.arrayContaining(['qa@x.example', 'cat@x.example']),
  )
  expect(sink.mails).toHaveLength(before + 2)
})

test('a change of the server clears the old reason and the wait for another “Try now”, and costs no attempt', async () => {
  const shop = await newShop()
  await shop.addServer(closedPort)
  await shop.call('PATCH', 'settings', { mode: 'live' })
  await shop.wake()
  const ids = await shop.mailsTo('ann')
  await deliver(app, shop.id, ids)
  const retrying = () => readRetrying(app, shop.id, { now: app.now() })
  const { nextTryAt } = await retrying()
  expect(await retrying()).toMatchObject({ count: 1, triable: 1 })
  const tryNow = () => shop.call('POST', 'messages/try-now', { message: ids[0] })
  expect(await tryNow()).toEqual({ count: 1, more: false })
  await deliver(app, shop.id, ids, { backTo: nextTryAt! })
  expect(await retrying()).toMatchObject({ count: 1, triable: 0, nextTryAt })
  expect(await tryNow()).toEqual({ count: 0, more: false })

  const [provider] = (await shop.call<{ items: { id: number }[] }>('GET', 'providers')).items
  // A name is no other way.
  await shop.call('PATCH', `providers/${provider!.id}`, { name: 'Mine' })
  await shop.wake()
  expect(await retrying()).toMatchObject({ nextTryAt })
  await shop.call('PATCH', `providers/${provider!.id}`, {
    config: { host: '127.0.0.1', port: closedPort, secure: false, user: 'me', password: 'other' },
  })
  await shop.wake()
  const [woken] = await shop.messages('retrying=true')
  expect(woken).toMatchObject({
    reason: expect.stringContaining('now, because the mode or the SMTP server was changed'),
    attempts: 1,
  })
  await deliver(app, shop.id, ids, { backTo: nextTryAt! })
  expect(await retrying()).toMatchObject({ count: 1, triable: 1, nextTryAt })
  expect((await shop.messages('retrying=true'))[0]).toMatchObject({
    reason: expect.stringContaining('ECONNREFUSED'),
    attempts: 1,
  })
  // Once for each change.
  await shop.wake()
  expect(await retrying()).toMatchObject({ triable: 1, nextTryAt })
})

test('what waits is woken in steps, each mail once', async () => {
  const shop = await newShop()
  await shop.call('PATCH', 'settings', { mode: 'live' })
  await shop.wake()
  const ids = await shop.mailsTo(...Array.from({ length: 1_200 }, (_, n) => `p${n}`))
  await deliver(app, shop.id, ids)
  expect((await readWaiting(app, app.config, shop.id)).server.count).toBe(1_200)
  await shop.addServer(sink.port)
  const left: number[] = []
  while (await wakeStep(app, shop.id)) left.push((await readWaiting(app, app.config, shop.id)).server.count)
  expect(left.slice(0, 3)).toEqual([700, 200, 0])
  const { rows } = await app.pool.query(
    'select turn, count(*) as count from messages where project_id = $1 group by 1',
    [shop.id],
  )
  expect(rows).toEqual([{ turn: 1, count: 1_200 }])
})

async function newShop() {
  const { project, secretKey } = await createProject(app, { name: 'Shop' })
  const { id } = project
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${server.url}/api/v1/projects/${id}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secretKey}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
    })
    const text = await response.text()
    expect(response.status, `${path}: ${text}`).toBeLessThan(300)
    return (text ? JSON.parse(text) : undefined) as T
  }
  return {
    id,
    call,
    mailsTo: (...names: string[]) =>
      addMessages(
        app,
        id,
        names.map((name) => ({ input: { to: [`${name}@x.example`], mail: plainMail() } })),
      ),
    addServer: (port: number) =>
      call<{ id: number; active: boolean }>('POST', 'providers', {
        config: { host: '127.0.0.1', port, secure: false },
      }),
    messages: async (query: string) => (await call<{ items: Message[] }>('GET', `messages?${query}`)).items,
    mailbox: async () => (await call<{ items: { envelopeTo: string[] }[] }>('GET', 'mailbox')).items,
    /** As the job does that the ticker makes. */
    async wake() {
      while (await wakeStep(app, id));
    },
    /** That wait for a worker, of which there is none. */
    async wakeJobs() {
      const lanes = await app.queue.tenants(100, { tenant: String(id) })
      return lanes.find(({ lane }) => lane === 'automation')?.waitingJobs ?? 0
    },
  }
}
