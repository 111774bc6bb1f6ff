import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import type { Channel } from '../../../src/messaging/channels/channel.ts'
import { Gateway, type Made } from '../../../src/messaging/channels/gateway.ts'
import { closeGateways } from '../../../src/messaging/channels/gateways.ts'
import type { SendResult } from '../../../src/messaging/channels/result.ts'
import type { App } from '../../../src/platform/app.ts'
import { addMessages, addPerson, addTemplate, deliver, stateOf } from '../messages/support.ts'

let server: TestServer
let app: App

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
  app = server.app
})
afterEach(() => closeGateways(app))
afterAll(() => server.close())

interface Letter extends Made {
  words: string
}

const sent: SendResult = {
  outcome: 'sent',
  providerMessageId: 'roost-1',
  note: null,
  bounced: [],
  deferred: undefined,
}

/** A channel that is nothing like mail: it knows people by their phone, and what it sends by heart. */
function pigeons(answer: (to: string) => SendResult) {
  const flown: Letter[] = []
  const kept: string[] = []
  let gateway: Gateway<Letter> | undefined
  class Roost extends Gateway<Letter> {
    protected async hand(letter: Letter) {
      flown.push(letter)
      return answer(letter.envelope.to[0]!)
    }
    close() {}
  }
  const open = () => (gateway ??= new Roost({ limits: { perSecond: 0, connections: 2 }, now: app.now }))
  const pigeon: Channel<Letter> = {
    name: 'pigeon',
    address: {
      of: (person) => person.phone,
      canonical: (text) => (text.startsWith('+') ? text : undefined),
      missing: 'no phone',
      invalid: 'the phone is not valid',
    },
    compose: async (_batch, messages) =>
      messages.map(({ message, to }) => ({
        result: {
          envelope: { from: 'roost', to },
          subject: 'By air',
          words: `coo ${message.person?.external_id}`,
        },
      })),
    providers: {},
    installation: { exists: () => true, open },
    sandbox: {
      write: async (_client, _project, letters) => {
        kept.push(...letters.map(({ product }) => product.words))
      },
      trim: async () => {},
    },
  }
  return { channels: { pigeon: pigeon as unknown as Channel }, flown, kept, gateway: () => gateway! }
}

async function addFlock(mode: 'live' | 'test', phones: (string | null)[]) {
  const project = (await createProject(app, { name: 'Loft' })).project.id
  await app.pool.query('update projects set mode = $2 where id = $1', [project, mode])
  const templateId = await addTemplate(app, project)
  const people: number[] = []
  for (const [place, phone] of phones.entries()) {
    const id = await addPerson(app, project, { id: `p${place}`, email: `p${place}@x.example` })
    await app.pool.query('update people set phone = $2 where id = $1', [id, phone])
    people.push(id)
  }
  const ids = await addMessages(
    app,
    project,
    people.map((personId) => ({ personId, templateId, channel: 'pigeon' })),
  )
  return { project, ids }
}

test('another channel gets claims, outcomes, retries and reasons without writing them', async () => {
  const { project, ids } = await addFlock('live', ['+1', '+2', '+3', '+4', null, 'none'])
  const answers: Record<string, SendResult> = {
    '+1': sent,
    '+2': { outcome: 'failed', reason: 'no such roof', bounced: [] },
    '+3': { outcome: 'retry', reason: 'fog', refusedBy: 'mail' },
    '+4': { outcome: 'unknown', reason: 'a hawk was seen' },
  }
  const { channels, flown } = pigeons((to) => answers[to]!)
  const { snoozed } = await deliver(app, project, ids, { channels })
  const states = await Promise.all(ids.map((id) => stateOf(app, project, id)))
  expect(states).toEqual([
    { state: 'sent', reason: null, attempts: 1 },
    { state: 'failed', reason: 'no such roof', attempts: 1 },
    { state: 'pending', reason: 'will be tried again: fog', attempts: 1 },
    { state: 'unknown', reason: 'a hawk was seen', attempts: 1 },
    { state: 'skipped', reason: 'no phone', attempts: 0 },
    { state: 'skipped', reason: 'the phone is not valid', attempts: 0 },
  ])
  expect([...snoozed.keys()]).toEqual([ids[2]])
  expect(flown.map(({ words }) => words).sort()).toEqual(['coo p0', 'coo p1', 'coo p2', 'coo p3'])
})

test('its circuit opens as that of every provider', async () => {
  const { project, ids } = await addFlock('live', ['+1', '+2', '+3', '+4', '+5', '+6', '+7', '+8'])
  const { channels, flown, gateway } = pigeons(() => ({
    outcome: 'retry',
    reason: 'the loft is shut',
    refusedBy: 'provider',
    silent: true,
  }))
  await deliver(app, project, ids, { channels })
  expect(gateway().breaker.open).toBe(true)
  expect(flown.length).toBeLessThan(ids.length)
  for (const id of ids) expect((await stateOf(app, project, id)).state).toBe('pending')
})

test('its tests stay in its sandbox', async () => {
  const { project, ids } = await addFlock('test', ['+1', '+2'])
  const { channels, flown, kept } = pigeons(() => sent)
  await deliver(app, project, ids, { channels })
  expect(flown).toEqual([])
  expect(kept).toEqual(['coo p0', 'coo p1'])
})

test('a message of a channel that nobody knows is kept back, and may be tried again', async () => {
  const { project, ids } = await addFlock('live', ['+1'])
  await deliver(app, project, ids)
  expect(await stateOf(app, project, ids[0]!)).toMatchObject({
    state: 'failed',
    reason: 'goes by "pigeon", which this version of Fairway does not know: upgrade it, then try again',
  })
})
