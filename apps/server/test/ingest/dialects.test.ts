import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { heldOf, maxHeldBytes } from '../../src/ingest/large-bodies.ts'
import { basic, type IntakeServer, request, startIntakeServer } from './helpers.ts'

/** What the APIs of the vendors have in common: spellings of paths, errors that their clients read, PHP, large bodies. */

let server: IntakeServer
let key: string
beforeAll(async () => {
  server = await startIntakeServer()
  key = server.trackingKey
})
afterAll(() => server?.close())

interface RawReply {
  status: number
  head: string
  body: Record<string, unknown>
}

/** As written: fetch would make a path normal, and would not send 10 MB before it looks for a reply. */
function raw(method: string, path: string, body: string | Buffer = '', headers: string[] = []) {
  return new Promise<RawReply>((done, fail) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += chunk)).on('error', fail)
    socket.on('close', () => {
      const [head = '', json = ''] = text.split('\r\n\r\n')
      done({
        status: Number(head.slice(9, 12)),
        head,
        body: json.startsWith('{') ? JSON.parse(json) : { text: json },
      })
    })
    const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers]
    if (!headers.some((line) => line.startsWith('Transfer-Encoding')))
      lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    socket.write(body)
  })
}

const authorization = () => `Authorization: ${basic(key).authorization}`
const customerIo = () => `Authorization: ${basic(String(server.projectId), key).authorization}`
const vero = () =>
  JSON.stringify({ auth_token: key, identity: { id: 'Ab1' }, event_name: 'x', data: { n: Math.random() } })
const call = JSON.stringify({ userId: 'Ab1', event: 'x' })
const batch = JSON.stringify({ batch: [{ type: 'track', userId: 'Ab1', event: 'x' }] })

describe('a path', () => {
  it.each([
    ['//api/v2/events/track.json', vero],
    ['/api//v2//events///track', vero],
    ['///api/v2/events/track/', vero],
    ['/API/V2/Events/Track.JSON', vero],
    ['//v1/track', () => call],
    ['/V1/Track', () => call],
    ['//v1//batch/', () => batch],
    ['//Beacon/v1/Batch', () => batch],
  ])('%s is read as it is meant', async (path, body) => {
    expect(await raw('POST', path, body(), [authorization()])).toMatchObject({ status: 200 })
    expect((await server.take(1))[0]).toMatchObject({ kind: 'event', person: { id: 'Ab1' } })
  })

  it.each([
    ['PUT', '//api/v1/customers/Ab1', 'identify'],
    ['PUT', '/API/V1/Customers/Ab1', 'identify'],
    ['POST', '//api/v1/customers/Ab1/Events', 'event'],
    ['DELETE', '//api/v1/customers/Ab1/DEVICES/Tok', 'identify'],
  ])('%s %s keeps the values in it', async (method, path, kind) => {
    const body = kind === 'event' ? '{"name":"x"}' : ''
    expect(await raw(method, path, body, [customerIo()])).toMatchObject({ status: 200 })
    expect((await server.take(1))[0]).toMatchObject({ kind, person: { id: 'Ab1' } })
  })

  it('without the person whom it should name is refused', async () => {
    for (const path of [
      '/api/v1/customers//events',
      '//api/v1/customers//events',
      '/api/v1/customers/5//events',
    ])
      expect(await raw('POST', path, '{"name":"x"}', [customerIo()])).toMatchObject({
        status: 400,
        body: { meta: { error: expect.stringContaining('empty segments') } },
      })
    expect(await server.settled()).toEqual([])
  })

  it.each([
    '//api/auth/sign-in/email',
    '/API/auth/sign-in/email',
    '/api/auth//sign-in/email',
    '/api/v2/..//auth/sign-in/email',
    '//api/v2/../auth/sign-in/email',
    '//api/v2/%2e%2e/auth/sign-in/email',
    '//v1/../api/auth/sign-in/email',
    '//api//auth/sign-in/email',
    '/Api/Auth/Sign-In/Email',
    '//api/v1/session',
    '/API/V1/session',
    '//api/v1/projects/1/settings',
    '/api/v1//projects/1/settings',
  ])('%s, which leads to no such API, is read by nobody', async (path) => {
    for (const method of ['GET', 'POST']) {
      const { status } = await raw(
        method,
        path,
        method === 'POST' ? '{"email":"a@b.co","password":"x"}' : '',
        ['Content-Type: application/json', `Origin: ${server.url}`],
      )
      expect([400, 404]).toContain(status)
    }
  })
})

describe("errors that the vendors' clients read", () => {
  const segment = (status: number) => ({
    status,
    body: {
      success: false,
      code: expect.any(String),
      message: expect.any(String),
      error: expect.any(String),
    },
  })
  const track = (status: number) => ({ status, body: { status, message: expect.any(String) } })
  const cio = (status: number) => ({ status, body: { meta: { error: expect.any(String) } } })

  it.each([
    ['POST', '/v1/track', segment(401)],
    ['POST', '/v1/batch', segment(401)],
    ['GET', '/v1/batch', segment(405)],
    ['POST', '/v1/nothing', segment(404)],
    ['POST', '/v1/%zz', segment(400)],
    ['POST', '/v1/%62atch', segment(400)],
    ['POST', '/v1/../v1/track', segment(400)],
    ['POST', '/beacon/v1/nothing', segment(404)],
    ['GET', '/sourceConfig', segment(401)],
    ['GET', '/v1/projects/nobody/settings', segment(401)],
    ['POST', '/api/v2/users/track', track(401)],
    ['POST', '/api/v2/%zz', track(400)],
    ['POST', '/api/v2/users/%zz', track(400)],
    ['POST', '/api/v2/users/%E0%A4%A', track(400)],
    ['POST', '/api/v2/nothing', track(404)],
    ['GET', '/api/v2/users/track', track(405)],
    ['PUT', '/api/v1/customers/%zz', cio(400)],

    ['POST', '/api/v2/entity', cio(401)],
    ['POST', '/api/v2/batch/%zz', cio(400)],
    ['GET', '/api/v1/customers/5', cio(404)],
    ['POST', '/api/v1/customers/5/nothing', cio(404)],
  ])('%s %s', async (method, path, expected) => {
    const reply = await raw(method, path, method === 'GET' ? '' : '{}')
    expect(reply).toMatchObject(expected)
    expect(reply.head).toContain('application/json')
    expect(reply.head.toLowerCase()).toContain('x-content-type-options: nosniff')
  })

  it('REST answers problem documents as before', async () => {
    for (const path of [
      '/api/v1/%zz',
      '/api/v1/projects/1/%zz',
      '/api/v1/nothing',
      '/api/v1/projects/1/nothing',
    ])
      expect((await raw('GET', path)).head).toContain('application/problem+json')
  })

  it.each([
    ['POST', '/api/v1/push/events', /opening as an event/],
    ['POST', '/api/v1/metrics', /by itself/],
    ['POST', '/api/v1/forms/7/submit', /no forms/],
    ['POST', '/api/v1/send/push', /v1\/send\/email/],
    ['POST', '/v1/send/push', /v1\/send\/email/],
    ['POST', '/v1/send/sms', /v1\/send\/email/],
    ['POST', '/v1/campaigns/3/triggers', /no broadcasts triggered by API/],
    ['GET', '/v1/campaigns/3/triggers/4/errors', /no broadcasts triggered by API/],
    ['POST', '/api/v1/campaigns/3/triggers', /no broadcasts triggered by API/],
    ['POST', '/v1/segments/7/add_customers', /Manual segments/],
  ])('%s %s explains what to do instead', async (method, path, why) => {
    const reply = await raw(method, path, '{}', [customerIo()])
    expect(reply).toMatchObject({ status: 404, body: { meta: { error: expect.stringMatching(why) } } })
  })
})

describe("PHP's empty lists are empty objects", () => {
  it('where an object is meant', async () => {
    const send = (method: string, path: string, body: unknown, headers = {}) =>
      request(server, method, path, JSON.stringify(body), { 'content-type': 'application/json', ...headers })
    const site = basic(String(server.projectId), key)
    const calls: [string, string, unknown, object?][] = [
      [
        'POST',
        '/api/v2/events/track',
        { auth_token: key, identity: { id: 1 }, event_name: 'x', data: [], extras: [] },
      ],
      ['POST', '/api/v2/users/track', { auth_token: key, id: 1, data: [], channels: [], preferences: [] }],
      ['PUT', '/api/v2/users/edit', { auth_token: key, id: 1, changes: [] }],
      [
        'POST',
        '/v1/track',
        { userId: 1, event: 'x', properties: [], context: [], integrations: [] },
        basic(key),
      ],
      [
        'POST',
        '/v1/identify',
        { userId: 1, traits: [], context: { traits: [], device: [], os: [] } },
        basic(key),
      ],
      ['POST', '/v1/group', { userId: 1, groupId: 2, traits: [] }, basic(key)],
      [
        'POST',
        '/v1/batch',
        { context: [], batch: [{ type: 'track', userId: 1, event: 'x', properties: [] }] },
        basic(key),
      ],
      ['PUT', '/api/v1/customers/5', [], site],
      ['POST', '/api/v1/customers/5/events', { name: 'x', data: [] }, site],
      [
        'POST',
        '/api/v2/entity',
        { type: 'person', action: 'identify', identifiers: { id: 5 }, attributes: [] },
        site,
      ],
    ]
    for (const [method, path, body, headers] of calls)
      expect(await send(method, path, body, headers), path).toMatchObject({ status: 200 })
    await server.take(calls.length)
    // Lists that hold something, and lists of people, are no objects.
    expect(
      await send('POST', '/v1/track', { userId: 1, event: 'x', properties: [1] }, basic(key)),
    ).toMatchObject({
      status: 400,
      body: { field: 'properties' },
    })
    expect(await send('POST', '/v1/track', [], basic(key))).toMatchObject({ status: 400 })
    expect(
      await send('POST', '/api/v2/events/track', { auth_token: key, identity: [], event_name: 'x' }),
    ).toMatchObject({ status: 400, body: { field: 'identity.id' } })
  })
})

describe('a body of 10 MB', () => {
  const large = Buffer.alloc(10_000_000, 32)

  it.each([
    '/v1/batch',
    '/api/v2/events/track',
    '/api/v2/batch',
    '/v1/send/email',
    '/api/v1/projects/1/templates',
  ])('is answered with 413 before the connection closes: %s', async (path) => {
    const reply = await raw('POST', path, large, [
      path.includes('projects') || path.includes('send')
        ? `Authorization: Bearer ${server.secretKey}`
        : authorization(),
      'Content-Type: application/json',
    ])
    expect(reply).toMatchObject({ status: 413 })
    expect(JSON.stringify(reply.body)).toContain('too large')
  })

  it('that does not announce its length, too', async () => {
    const chunk = Buffer.concat([
      Buffer.from(`${large.length.toString(16)}\r\n`),
      large,
      Buffer.from('\r\n0\r\n\r\n'),
    ])
    expect(
      await raw('POST', '/v1/batch', chunk, [authorization(), 'Transfer-Encoding: chunked']),
    ).toMatchObject({ status: 413, body: { success: false, code: 'too_large' } })
  })
})

describe('large bodies together', () => {
  it('are refused beyond their share of memory, and small ones never', async () => {
    const own = await startIntakeServer()
    const room = heldOf(own.app)
    try {
      room.bytes = maxHeldBytes
      const large = {
        batch: Array(100).fill({
          type: 'track',
          userId: 1,
          event: 'x',
          properties: { a: 'x'.repeat(9_000) },
        }),
      }
      const send = (body: unknown) => request(own, 'POST', '/v1/batch', body, basic(own.trackingKey))
      const refused = await send(large)
      expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_requests' } })
      expect(refused.headers.get('retry-after')).toBe('1')
      expect((await send({ batch: large.batch.slice(0, 40) })).status).toBe(200)
      await until(() => room.bytes === maxHeldBytes)
      room.bytes = 0
      expect((await send(large)).status).toBe(200)
      await until(() => room.bytes === 0)

      // Few bytes that become many.
      const packed = () =>
        request(own, 'POST', '/v1/batch', gzipSync(JSON.stringify(large)), {
          'content-encoding': 'gzip',
          ...basic(own.trackingKey),
        })
      room.bytes = maxHeldBytes - 100_000
      expect(await packed()).toMatchObject({ status: 429, body: { code: 'too_many_requests' } })
      await until(() => room.bytes === maxHeldBytes - 100_000)
      room.bytes = 0
      expect((await packed()).status).toBe(200)
      await until(() => room.bytes === 0)
    } finally {
      await own.close()
    }
  })
})
