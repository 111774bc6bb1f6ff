import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IntakeServer, request, startIntakeServer } from './helpers.ts'

const success = { status: 200, message: 'Success.' }
const clock = new Date('2026-11-23T10:00:00Z')
let server: IntakeServer
let key: string

beforeAll(async () => {
  server = await startIntakeServer({ now: () => clock })
  key = server.trackingKey
})
afterAll(() => server?.close())

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  request(server, method, `/api/v2${path}`, body, headers)

/** Sends, expects success and answers the one item accepted. */
async function accepted(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const reply = await send(method, path, body, headers)
  expect(reply).toMatchObject({ status: 200, body: success })
  return (await server.take(1))[0]!
}

describe('authentication', () => {
  it('takes either name of the key, in the query or in the body', async () => {
    for (const name of ['auth_token', 'tracking_api_key']) {
      expect(await accepted('POST', `/users/track?${name}=${key}`, { id: 1 })).toMatchObject({
        kind: 'identify',
      })
      expect(await accepted('POST', '/users/track', { [name]: key, id: 1 })).toMatchObject({
        kind: 'identify',
      })
      const form = `${name}=${key}&id=1`
      expect(await accepted('POST', '/users/track', form)).toMatchObject({ person: { id: '1' } })
    }
  })

  it('takes a secret key as well', async () => {
    await accepted('POST', '/users/track', { auth_token: server.secretKey, id: 1 })
  })

  it.each([
    {},
    { auth_token: 'wrong' },
    { auth_token: 12 },
    { auth_token: null },
    { auth_token: 'x'.repeat(40) },
  ])('refuses %j with the words that clients know', async (credentials) => {
    const reply = await send('POST', '/users/track', { ...credentials, id: 1 })
    expect(reply).toMatchObject({
      status: 401,
      body: {
        status: 401,
        message: 'Invalid authentication: You must provide a valid auth_token to access this resource.',
      },
    })
  })
})

describe('paths and verbs', () => {
  it.each([
    ['POST', '/users/track', { id: 1 }],
    ['PUT', '/users/edit', { id: 1, changes: { a: 1 } }],
    ['PUT', '/users/tags/edit', { id: 1, add: ['x'] }],
    ['PUT', '/users/reidentify', { id: 1, new_id: 2 }],
    ['POST', '/users/reidentify', { id: 1, new_id: 2 }],
    ['POST', '/users/unsubscribe', { id: 1 }],
    ['POST', '/users/resubscribe', { id: 1 }],
    ['POST', '/users/delete', { id: 1 }],
    ['DELETE', '/users/delete', { id: 1 }],
    ['POST', '/events/track', { identity: { id: 1 }, event_name: 'x' }],
  ])('%s %s works with and without .json', async (method, path, body) => {
    const plain = await accepted(method, path, { auth_token: key, ...body })
    const suffixed = await accepted(method, `${path}.json`, { auth_token: key, ...body })
    expect(suffixed).toEqual(plain)
  })

  it('takes a DELETE whose body has no content type, and one without a body', async () => {
    const body = new TextEncoder().encode(JSON.stringify({ auth_token: key, id: 'a' }))
    expect(await accepted('DELETE', '/users/delete', body)).toMatchObject({
      kind: 'delete',
      person: { id: 'a' },
    })
    expect(await accepted('DELETE', `/users/delete?auth_token=${key}&id=b`)).toMatchObject({
      person: { id: 'b' },
    })
  })

  it('answers unknown paths and wrong verbs in the same shape', async () => {
    expect(await send('POST', '/users/nothing', {})).toMatchObject({ status: 404, body: { status: 404 } })
    expect(await send('GET', '/users/track')).toMatchObject({
      status: 405,
      body: { status: 405, message: '/api/v2/users/track takes POST or PUT, not GET' },
    })
  })

  it('answers the heartbeat without a key', async () => {
    expect(await send('GET', '/heartbeat')).toMatchObject({ status: 200, body: success })
    expect(await request(server, 'GET', '/heartbeat')).toMatchObject({ status: 200 })
  })

  it('lets browsers of any origin call', async () => {
    const origin = { origin: 'https://shop.example' }
    const preflight = await send('OPTIONS', '/events/track', undefined, {
      ...origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'accept,content-type',
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin.origin)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('accept,content-type')
    const refused = await send('POST', '/events/track', {}, origin)
    expect(refused.headers.get('access-control-allow-origin')).toBe(origin.origin)
  })

  it('lets them call nothing else', async () => {
    const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST' }
    const paths = [
      `/api/v1/projects/${server.projectId}/people`,
      '/api/auth/get-session',
      '/heartbeat',
      '/api/v1/customers/1',
      '/',
    ]
    for (const path of paths)
      for (const method of ['OPTIONS', 'GET']) {
        const reply = await request(server, method, path, undefined, headers)
        for (const name of ['access-control-allow-origin', 'access-control-allow-credentials'])
          expect([method, path, name, reply.headers.get(name)]).toEqual([method, path, name, null])
      }
  })
})

describe('bodies as clients send them', () => {
  const event = () => ({ auth_token: key, identity: { id: 7 }, event_name: 'Bought', data: { naïve: '✓' } })
  const bytes = () => new TextEncoder().encode(JSON.stringify(event()))
  const expected = { kind: 'event', person: { id: '7' }, name: 'Bought', properties: { naïve: '✓' } }

  it.each([
    undefined,
    'application/json; encoding=utf-8',
    'text/plain',
    'application/x-www-form-urlencoded',
    'json',
    'multi part/nonsense',
    'application/octet-stream',
  ])('reads JSON with content type %s', async (type) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    expect(await accepted('POST', '/events/track', bytes(), headers)).toMatchObject(expected)
  })

  it('reads gzip that calls itself a form, and gzip that calls itself nothing', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' }
    expect(await accepted('POST', '/events/track', gzipSync(bytes()), headers)).toMatchObject(expected)
    expect(await accepted('POST', '/events/track', gzipSync(bytes()))).toMatchObject(expected)
  })

  it('reads a byte order mark and white space before the JSON', async () => {
    expect(await accepted('POST', '/events/track', `\ufeff \n${JSON.stringify(event())}`)).toMatchObject(
      expected,
    )
  })

  it('reads forms with brackets', async () => {
    const form = new URLSearchParams([
      ['auth_token', key],
      ['identity[id]', '7'],
      ['identity[email]', 'a@b.co'],
      ['identity[name]', 'Jo'],
      ['event_name', 'Bought'],
      ['data[link]', 'https://x.example/?a=1&b=2'],
      ['data[items][]', 'one'],
      ['data[items][]', 'two'],
    ])
    expect(await accepted('POST', '/events/track', form.toString())).toMatchObject({
      person: { id: '7', email: 'a@b.co' },
      properties: { link: 'https://x.example/?a=1&b=2', items: ['one', 'two'] },
      traits: { email: 'a@b.co', properties: { name: 'Jo' } },
    })
  })

  it('reads forms with JSON in their fields', async () => {
    const form = new URLSearchParams({
      auth_token: key,
      identity: '{"id": 1234, "email": "john@smith.com"}',
      event_name: 'test_event_two',
      data: '{"product_name": "Red T-shirt"}',
      extras: '{"created_at": 1457161309}',
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await accepted('POST', '/events/track', form.toString(), headers)).toMatchObject({
      person: { id: '1234', email: 'john@smith.com' },
      name: 'test_event_two',
      properties: { product_name: 'Red T-shirt' },
      at: 1457161309000,
    })
  })

  it('reads multipart forms', async () => {
    const form = new FormData()
    form.set('auth_token', key)
    form.set('id', '123Postman')
    form.set('add', '["test-tag"]')
    form.set('data[x]', 'ü')
    expect(await accepted('PUT', '/users/tags/edit', form)).toMatchObject({
      kind: 'tags',
      person: { id: '123Postman' },
      add: ['test-tag'],
    })
  })

  it('says that a field of a form is not JSON', async () => {
    const form = new URLSearchParams({ auth_token: key, identity: '{"id": 1', event_name: 'x' })
    expect(await send('POST', '/events/track', form.toString())).toMatchObject({
      status: 400,
      body: { status: 400, field: 'identity' },
    })
  })
})
