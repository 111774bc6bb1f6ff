import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type IntakeServer, request, startIntakeServer } from './helpers.ts'

const clock = new Date('2026-11-23T10:00:00Z')
const now = clock.getTime()
let server: IntakeServer
let auth: Record<string, string>

beforeAll(async () => {
  server = await startIntakeServer({ now: () => clock })
  auth = basic(String(server.projectId), server.trackingKey)
})
afterAll(() => server?.close())

const send = (method: string, path: string, body?: unknown, headers = auth) =>
  request(server, method, `/api${path}`, body, headers)

async function accepted(method: string, path: string, body?: unknown) {
  expect(await send(method, path, body)).toMatchObject({ status: 200, body: {} })
  return (await server.take(1))[0]!
}

describe('authentication', () => {
  it('takes any site id that is no number, and the number of the project', async () => {
    for (const site of [String(server.projectId), 'a1b2c3', ''])
      expect(
        (await send('GET', '/v1/accounts/region', undefined, basic(site, server.trackingKey))).status,
      ).toBe(200)
  })

  it('refuses a wrong key, and the site id of another project', async () => {
    expect(await send('PUT', '/v1/customers/5', {}, basic('1', 'wrong'))).toMatchObject({
      status: 401,
      body: { meta: { error: expect.stringContaining('credentials') } },
    })
    expect(await send('PUT', '/v1/customers/5', {}, basic('999', server.trackingKey))).toMatchObject({
      status: 401,
      body: { meta: { error: expect.stringContaining('site id') } },
    })
  })

  it('tells the region', async () => {
    expect(await send('GET', '/v1/accounts/region')).toMatchObject({
      body: { url: server.url, region: 'self-hosted', environment_id: server.projectId },
    })
  })
})

describe('v1', () => {
  it('identify, with the attributes that are commands', async () => {
    const item = await accepted('PUT', '/v1/customers/a%2Fb%20c', {
      id: 'ignored',
      email: 'a@b.co',
      plan: 'pro',
      created_at: 1_700_000_000,
      unsubscribed: true,
      anonymous_id: 'anon',
      _update: true,
      cio_subscription_preferences: { topics: { topic_1: true, topic_2: false } },
    })
    expect(item).toEqual({
      kind: 'identify',
      person: { id: 'a/b c', anonymousId: 'anon' },
      at: now,
      acceptedAt: now,
      source: 'customer_io',
      email: 'a@b.co',
      properties: { plan: 'pro', created_at: 1_700_000_000 },
      subscribed: false,
      topics: { topic_1: true, topic_2: false },
      updateOnly: true,
    })
  })

  it.each([
    ['True', false],
    ['TRUE ', false],
    ['False', true],
    ['1', false],
  ])('an opt-out written %j is read', async (unsubscribed, subscribed) => {
    const item = await accepted('PUT', '/v1/customers/5', {
      unsubscribed,
      cio_subscription_preferences: { topics: { a: unsubscribed, b: 'Unsubscribed' } },
    })
    expect(item).toMatchObject({ subscribed, topics: { a: !subscribed, b: false } })
  })

  it('names people by email in the path', async () => {
    expect(await accepted('PUT', '/v1/customers/a@b.co', { id: 5 })).toMatchObject({
      person: { id: '5', email: 'a@b.co' },
      email: 'a@b.co',
    })
    expect(await accepted('DELETE', '/v1/customers/a%40b.co')).toMatchObject({
      kind: 'delete',
      person: { email: 'a@b.co' },
    })
  })

  it('events, page views and events of people not known yet', async () => {
    const path = '/v1/customers/5/events'
    expect(
      await accepted('POST', path, { name: 'Bought', data: { n: 1 }, timestamp: 1_700_000_000, id: '01HB' }),
    ).toMatchObject({
      kind: 'event',
      person: { id: '5' },
      name: 'Bought',
      properties: { n: 1 },
      at: 1_700_000_000_000,
      dedupe: { key: 'cio|01HB', windowMs: 86_400_000 },
    })
    expect(await accepted('POST', path, { type: 'page', name: 'https://x/' })).toMatchObject({
      name: 'Viewed page',
      properties: { url: 'https://x/' },
    })
    expect(await accepted('POST', '/v1/events', { name: 'x', anonymous_id: 'anon' })).toMatchObject({
      person: { anonymousId: 'anon' },
    })
    expect(
      await accepted('POST', '/v1/events', { name: 'invite', data: { recipient: 'a@b.co' } }),
    ).toMatchObject({
      person: { email: 'a@b.co' },
    })
  })

  it('devices', async () => {
    const device = { id: 'T', platform: 'ios', last_used: 1, attributes: { a: 1 } }
    expect(await accepted('PUT', '/v1/customers/5/devices', { device })).toMatchObject({
      devices: [{ type: 'push', address: 'T', platform: 'ios' }],
    })
    const token = `${'x'.repeat(300)}:/`
    expect(await accepted('DELETE', `/v1/customers/5/devices/${encodeURIComponent(token)}`)).toMatchObject({
      removeDevices: [token],
    })
  })

  it('suppress, unsuppress, merge', async () => {
    expect(await accepted('POST', '/v1/customers/5/suppress')).toMatchObject({
      kind: 'suppression',
      suppressed: true,
    })
    expect(await accepted('POST', '/v1/customers/5/unsuppress', {})).toMatchObject({ suppressed: false })
    const merge = { primary: { id: 1 }, secondary: { email: 'a@b.co' } }
    expect(await accepted('POST', '/v1/merge_customers', merge)).toMatchObject({
      kind: 'merge',
      person: { id: '1' },
      from: { email: 'a@b.co' },
    })
  })

  it.each([
    ['PUT', '/v1/customers/cio_123', {}, 'id'],
    ['PUT', '/v1/customers/%20', {}, 'id'],
    ['PUT', '/v1/customers/a%00b', {}, 'id'],
    ['PUT', '/v1/customers/5', { unsubscribed: 'perhaps' }, 'unsubscribed'],
    // A plus that became a space: an opt-out of nobody.
    ['PUT', '/v1/customers/ann%20shop@x.example', { unsubscribed: true }, 'id'],
    ['POST', '/v1/customers/ann%20shop@x.example/suppress', {}, 'id'],
    ['POST', '/v1/customers/5/events', { data: {} }, 'name'],
    ['POST', '/v1/events', { name: 'x' }, 'anonymous_id'],
    ['PUT', '/v1/customers/5/devices', { device: {} }, 'device.id'],
    ['POST', '/v1/merge_customers', { primary: { id: 1 } }, 'secondary'],
    ['POST', '/v1/merge_customers', { primary: { cio_id: 'x' }, secondary: { id: 1 } }, 'primary.cio_id'],
  ])('%s %s names what is wrong with %j', async (method, path, body, field) => {
    const reply = await send(method, path, body)
    expect(reply).toMatchObject({
      status: 400,
      body: { meta: { error: expect.any(String) }, errors: [{ field }] },
    })
    // An id that is none is noted.
    for (const item of await server.settled()) expect(item).toMatchObject({ kind: 'rejected' })
  })

  it('wants a body where one is needed', async () => {
    expect(await send('POST', '/v1/customers/5/events')).toMatchObject({
      status: 400,
      body: { meta: { error: expect.stringContaining('no body') } },
    })
  })

  it('explains what it does not do', async () => {
    for (const path of ['segments/7/add_customers', 'segments/7/remove_customers', 'metrics', 'push/events'])
      expect(await send('POST', `/v1/${path}`, {})).toMatchObject({
        status: 404,
        body: { meta: { error: expect.stringMatching(/property|by itself|event/) } },
      })
  })
})

describe('v2', () => {
  const person = (fields: object) => ({ type: 'person', identifiers: { id: 5 }, ...fields })

  it.each([
    [
      person({ action: 'identify', attributes: { plan: 'pro' }, timestamp: 1_700_000_000 }),
      { kind: 'identify', at: 1_700_000_000_000, properties: { plan: 'pro' } },
    ],
    [
      person({ action: 'event', name: 'x', attributes: { n: 1 } }),
      { kind: 'event', name: 'x', properties: { n: 1 } },
    ],
    [
      person({ action: 'page', name: '/a' }),
      { kind: 'event', name: 'Viewed page', properties: { url: '/a' } },
    ],
    [person({ action: 'screen', name: 'a' }), { kind: 'event', name: 'Viewed screen' }],
    [person({ action: 'delete' }), { kind: 'delete' }],
    [person({ action: 'suppress' }), { kind: 'suppression', suppressed: true }],
    [person({ action: 'unsuppress' }), { kind: 'suppression', suppressed: false }],
    [
      person({ action: 'add_device', device: { token: 'T', platform: 'android' } }),
      { devices: [{ address: 'T' }] },
    ],
    [person({ action: 'delete_device', device: { token: 'T' } }), { removeDevices: ['T'] }],
    [
      { type: 'person', action: 'merge', primary: { id: 5 }, secondary: { id: 6 } },
      { kind: 'merge', from: { id: '6' } },
    ],
  ])('entity %j', async (operation, item) => {
    expect(await accepted('POST', '/v2/entity', operation)).toMatchObject({ person: { id: '5' }, ...item })
  })

  it('says what is wrong with an operation', async () => {
    for (const [operation, field] of [
      [{ type: 'object', action: 'identify' }, 'type'],
      [person({ action: 'dance' }), 'action'],
      [{ type: 'person', action: 'identify' }, 'identifiers'],
      [person({ action: 'event' }), 'name'],
    ] as const)
      expect(await send('POST', '/v2/entity', operation)).toMatchObject({
        status: 400,
        body: { errors: [{ reason: 'bad_request', field }] },
      })
  })

  it('takes the good operations of a partly bad batch and says which were bad', async () => {
    const batch = [
      person({ action: 'event', name: 'x' }),
      person({ action: 'event' }),
      person({ action: 'delete' }),
    ]
    expect(await send('POST', '/v2/batch', { batch })).toMatchObject({
      status: 207,
      body: {
        errors: [{ batch_index: 1, reason: 'bad_request', field: 'name', message: expect.any(String) }],
      },
    })
    expect(await server.take(3)).toMatchObject([
      { kind: 'event' },
      { kind: 'delete' },
      { kind: 'rejected', person: { id: '5' }, call: { type: 'event' } },
    ])
    expect((await send('POST', '/v2/batch', { batch: [{}] })).status).toBe(400)
    expect((await send('POST', '/v2/batch', { batch: {} })).status).toBe(400)
    expect((await send('POST', '/v2/batch', { batch: Array(2_501).fill({}) })).status).toBe(413)
  })
})
