import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { describeRetrying } from '../../../src/cli/queue.ts'
import type { ListedProvider } from '../../../src/messaging/channels/providers.ts'
import type { Message } from '../../../src/messaging/messages/messages.ts'
import { readRetrying } from '../../../src/messaging/sending/retrying.ts'
import type { Overview } from '../../../src/operations/overview/overview.ts'
import type { ProjectQueue } from '../../../src/operations/queue/project-queue.ts'
import type { App } from '../../../src/platform/app.ts'
import { refusal, startSmtpSink } from './smtp-sink.ts'
import {
  addMessages,
  addPerson,
  addTemplate,
  deliver,
  ofCampaign,
  plainMail,
  sendThrough,
} from './support.ts'

let server: TestServer
let app: App
let now = Date.now()

beforeAll(async () => {
  server = await startTestServer({
    now: () => new Date(now),
    config: { role: 'api', allowPrivateNetworks: true },
  })
  app = server.app
})
afterAll(() => server.close())

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const sink = await startSmtpSink()
  await sink.close()
  return sink.port
}

async function newProject() {
  const { project, secretKey } = await createProject(app, { name: 'Shop' })
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${server.url}/api/v1/projects/${project.id}/${path}`, {
      headers: { authorization: `Bearer ${secretKey}` },
    })
    expect(response.status, path).toBe(200)
    return response.json() as Promise<T>
  }
  return { id: project.id, get }
}

const mailsTo = (...names: string[]) =>
  names.map((name) => ({ input: { to: [`${name}@x.example`], mail: plainMail() } }))

test('mail through a server that is not there is told everywhere, with the reason and when it is tried again', async () => {
  const { id, get } = await newProject()
  await sendThrough(app, id, await closedPort())
  const names = Array.from({ length: 12 }, (_, n) => `p${n}`)
  const ids = await addMessages(app, id, mailsTo(...names))
  const { snoozed } = await deliver(app, id, ids)
  expect([...snoozed.keys()].sort()).toEqual([...ids].sort())

  const retrying = await readRetrying(app, id, { now: app.now() })
  const reason = expect.stringMatching(/^will be tried again: .*ECONNREFUSED/)
  expect(retrying).toMatchObject({ count: 12, more: false })
  expect(retrying.reasons.reduce((sum, { count }) => sum + count, 0)).toBe(12)
  for (const one of retrying.reasons)
    expect(one).toMatchObject({ reason, provider: /^provider \d+$/.exec(one.provider!)![0] })
  // Those that were tried, and those that the breaker kept back: each with the time at which its job comes back.
  for (const message of (await get<{ items: Message[] }>('messages?retrying=true')).items) {
    expect(message).toMatchObject({ state: 'pending', reason })
    expect(Date.parse(String(message.nextTryAt))).toBe(now + snoozed.get(message.id)!)
  }

  const overview = await get<Overview>('overview')
  expect(overview.retrying.count).toBe(12)
  expect(overview.attention).toContainEqual({
    kind: 'messages_retrying',
    count: 12,
    title: expect.stringMatching(/^12 messages could not be sent yet: .*ECONNREFUSED.*[^.]\.$/),
  })
  expect((await get<ProjectQueue>('queue')).retrying).toMatchObject({ count: 12, reasons: [{ reason }] })
  const [provider] = (await get<{ items: ListedProvider[] }>('providers')).items
  expect(provider!.retrying).toMatchObject({ count: 12, nextTryAt: retrying.nextTryAt!.toISOString() })
  expect(describeRetrying(retrying)).toMatch(
    /12 messages could not be sent yet[\s\S]*next try[\s\S]*provider \d+ .*ECONNREFUSED/,
  )

  // Another server that works: nothing is left to tell of.
  const sink = await startSmtpSink()
  await sendThrough(app, id, sink.port)
  await deliver(app, id, ids)
  expect(sink.mails).toHaveLength(12)
  expect(await readRetrying(app, id, { now: app.now() })).toEqual({
    count: 0,
    more: false,
    triable: 0,
    nextTryAt: null,
    reasons: [],
  })
  now += 10_000
  expect((await get<Overview>('overview')).attention).toEqual([])
  await sink.close()
})

test('a refusal for now is told by its words, and what is settled otherwise no longer waits', async () => {
  const { id, get } = await newProject()
  const sink = await startSmtpSink({
    onRecipient: () => refusal(450, '4.2.1 Mailbox busy, try later'),
  } as never)
  await sendThrough(app, id, sink.port)
  const ids = await addMessages(app, id, mailsTo('ann', 'bob'))
  await deliver(app, id, ids)
  expect(await readRetrying(app, id, { now: app.now() })).toMatchObject({
    count: 2,
    reasons: [{ count: 2, reason: expect.stringContaining('Mailbox busy') }],
  })
  await app.pool.query(
    `insert into suppressions (project_id, address, reason)
     select project_id, recipient, 'api' from messages where project_id = $1`,
    [id],
  )
  await deliver(app, id, ids)
  expect((await get<ProjectQueue>('queue')).retrying.count).toBe(0)
  await sink.close()
})

test('messages are told with the names of their person, campaign and template', async () => {
  const { id, get } = await newProject()
  const template = await addTemplate(app, id)
  const ada = await addPerson(app, id, {
    id: 'ada',
    email: 'ada@x.example',
    properties: { first_name: 'Ada', last_name: 'Lovelace' },
  })
  const { rows } = await app.pool.query<{ id: number }>(
    `insert into campaigns (project_id, name, trigger_event, folded_trigger, template_id)
     values ($1, 'Welcome', 'Signed up', 'signed up', $2) returning id`,
    [id, template],
  )
  const [message] = await addMessages(app, id, [
    { ...ofCampaign, personId: ada, originId: rows[0]!.id, templateId: template },
  ])
  const named = {
    person: { id: ada, externalId: 'ada', email: 'ada@x.example', name: 'Ada Lovelace' },
    campaignName: 'Welcome',
    templateName: 'T',
  }
  expect((await get<{ items: Message[] }>('messages')).items).toMatchObject([{ id: message, ...named }])
  expect(await get<Message>(`messages/${message}`)).toMatchObject(named)
})
