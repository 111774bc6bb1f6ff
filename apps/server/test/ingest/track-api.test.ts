import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IntakeServer, request, startIntakeServer } from './helpers.ts'

const success = { status: 200, message: 'Success.' }
const clock = new Date('2026-11-23T10:00:00Z')
const now = clock.getTime()
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
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('accept,content-type')
    const refused = await send('POST', '/events/track', {}, origin)
    expect(refused.headers.get('access-control-allow-origin')).toBe('*')
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

describe('users/track', () => {
  it('takes everything the documentation lists', async () => {
    const item = await accepted('POST', '/users/track', {
      auth_token: key,
      id: 1000,
      email: 'jo@example.com',
      phone_number: '+61400000000',
      channels: [{ type: 'push', address: 'TOKEN', platform: 'android' }],
      data: { plan: 'pro', language: 'en-AU', timezone: 10, userAgent: 'x', nothing: null },
      preferences: {
        topics: [
          { id: 'news', status: 'subscribed' },
          { name: 'offers', status: 'unsubscribed' },
        ],
      },
      extras: { created_at: '2026-11-22T10:00:00+0000', update_only: 'true' },
    })
    expect(item).toEqual({
      kind: 'identify',
      person: { id: '1000', email: 'jo@example.com' },
      at: Date.UTC(2026, 10, 22, 10),
      acceptedAt: now,
      source: 'track_api',
      email: 'jo@example.com',
      phone: '+61400000000',
      timezone: 'Etc/GMT-10',
      language: 'en-AU',
      properties: { plan: 'pro', userAgent: 'x', nothing: null },
      devices: [{ type: 'push', address: 'TOKEN', platform: 'android' }],
      topics: { news: true, offers: false },
      updateOnly: true,
    })
  })

  it('takes one channel as an object, and null wherever clients put it', async () => {
    const item = await accepted('POST', '/users/track', {
      auth_token: key,
      id: 'a',
      email: null,
      data: null,
      extras: null,
      channels: { type: 'push', address: 'T', platform: 'ios' },
      preferences: null,
      development_mode: false,
    })
    expect(item).toMatchObject({
      person: { id: 'a' },
      devices: [{ address: 'T', platform: 'ios' }],
      properties: {},
    })
  })

  it('prefers the named time zone to the offset', async () => {
    const data = { timezone: 11, ianaTimezone: 'Australia/Sydney' }
    const item = await accepted('POST', '/users/track', { auth_token: key, id: 'a', data })
    expect(item).toMatchObject({ timezone: 'Australia/Sydney', properties: {} })
  })

  it('keeps a time zone that is none as a property', async () => {
    const item = await accepted('POST', '/users/track', {
      auth_token: key,
      id: 'a',
      data: { timezone: 'Mars' },
    })
    expect(item).toMatchObject({ properties: { timezone: 'Mars' } })
  })

  it('takes a person with only an email', async () => {
    expect(
      await accepted('POST', '/users/track', { auth_token: key, email: ' jo@example.com ' }),
    ).toMatchObject({
      person: { email: 'jo@example.com' },
    })
  })

  it.each([
    [{ data: {} }, 'id'],
    [{ id: '' }, 'id'],
    [{ id: {} }, 'id'],
    [{ id: true }, 'id'],
    [{ id: 2 ** 60 }, 'id'],
    [{ id: 'x'.repeat(255) }, 'id'],
    [{ id: 1, email: 'nobody' }, 'email'],
    [{ id: 1, email: 'a@b.co\r\nBcc: x@y.z' }, 'email'],
    [{ id: 1, email: `${'x'.repeat(250)}@b.co` }, 'email'],
    [{ id: 1, data: [] }, 'data'],
    [{ id: 1, data: 'text' }, 'data'],
    [{ id: 1, channels: [3] }, 'channels.0'],
    [{ id: 1, extras: { created_at: 'yesterday' } }, 'extras.created_at'],
    [{ id: 1, extras: { created_at: -5 } }, 'extras.created_at'],
    [{ id: 1, extras: { update_only: 'maybe' } }, 'extras.update_only'],
    [{ id: 1, preferences: { topics: [{}] } }, 'preferences.topics.0.id'],
  ])('names what is wrong with %j', async (body, field) => {
    const reply = await send('POST', '/users/track', { auth_token: key, ...body })
    expect(reply).toMatchObject({
      status: 400,
      body: { status: 400, field, message: expect.stringContaining(field) },
    })
  })
})

describe('the other requests about users', () => {
  it('edits properties and the email address', async () => {
    const body = { auth_token: key, id: 1, changes: { email: 'new@example.com', plan: 'free', old: null } }
    expect(await accepted('PUT', '/users/edit', body)).toMatchObject({
      kind: 'identify',
      person: { id: '1' },
      email: 'new@example.com',
      properties: { plan: 'free', old: null },
    })
  })

  it('edits tags; the reserved tag is the subscription', async () => {
    const body = { auth_token: key, id: 1, add: ['vip', 'unsubscribed'], remove: 'trial' }
    expect(await send('PUT', '/users/tags/edit', body)).toMatchObject({ status: 200, body: success })
    expect(await server.take(2)).toMatchObject([
      { kind: 'tags', add: ['vip'], remove: ['trial'] },
      { kind: 'subscription', subscribed: false },
    ])
    const back = { auth_token: key, id: 1, remove: ['unsubscribed'] }
    expect(await accepted('PUT', '/users/tags/edit', back)).toMatchObject({
      kind: 'subscription',
      subscribed: true,
    })
  })

  it('wants tags to add or to remove, and takes empty lists', async () => {
    expect(await send('PUT', '/users/tags/edit', { auth_token: key, id: 1 })).toMatchObject({
      status: 400,
      body: { field: 'add' },
    })
    const reply = await send('PUT', '/users/tags/edit', { auth_token: key, id: 1, add: [], remove: [] })
    expect(reply).toMatchObject({ status: 200, body: success })
  })

  it('merges on reidentify', async () => {
    expect(
      await accepted('PUT', '/users/reidentify', { auth_token: key, id: 'old', new_id: 5 }),
    ).toMatchObject({
      kind: 'merge',
      person: { id: '5' },
      from: { id: 'old' },
    })
    expect(await send('PUT', '/users/reidentify', { auth_token: key, id: 'old' })).toMatchObject({
      status: 400,
      body: { field: 'new_id' },
    })
  })

  it('unsubscribes, resubscribes, deletes', async () => {
    const body = { auth_token: key, email: 'a@b.co' }
    const person = { email: 'a@b.co' }
    expect(await accepted('POST', '/users/unsubscribe', body)).toMatchObject({ person, subscribed: false })
    expect(await accepted('POST', '/users/resubscribe', body)).toMatchObject({ person, subscribed: true })
    expect(await accepted('POST', '/users/delete', body)).toMatchObject({ person, kind: 'delete' })
  })
})

describe('events/track', () => {
  const track = (fields: object) => accepted('POST', '/events/track', { auth_token: key, ...fields })

  it('takes an event with properties of its person', async () => {
    const item = await track({
      identity: { id: 2, email: 'a@b.co', name: 'Jo', _user_type: 'Customer', phone_number: '+1555' },
      event_name: ' Purchased item ',
      data: { n: 1, when: '2026-01-01' },
      extras: { created_at: '2026-11-23T09:46:23.487Z', source: 'segment', vero_conv: 'x' },
    })
    expect(item).toMatchObject({
      kind: 'event',
      person: { id: '2', email: 'a@b.co' },
      name: 'Purchased item',
      properties: { n: 1, when: '2026-01-01' },
      traits: { email: 'a@b.co', phone: '+1555', properties: { name: 'Jo' } },
      at: Date.UTC(2026, 10, 23, 9, 46, 23, 487),
      acceptedAt: now,
      source: 'segment',
      dedupe: { windowMs: 300_000 },
    })
    expect(JSON.stringify(item)).not.toContain('_user_type')
  })

  it('never lets an event happen later than now', async () => {
    const extras = { created_at: '2030-01-01T00:00:00Z' }
    expect(await track({ identity: { id: 1 }, event_name: 'x', extras })).toMatchObject({ at: now })
  })

  it('reads times as seconds, milliseconds, text and local text', async () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5)
    for (const created_at of [
      at / 1000,
      at,
      String(at / 1000),
      '2026-01-02T03:04:05Z',
      '2026-01-02 03:04:05',
    ])
      expect(await track({ identity: { id: 1 }, event_name: 'x', extras: { created_at } })).toMatchObject({
        at,
      })
  })

  it('calls events the same by folded name, person, and data or else check_id', async () => {
    const keyOf = async (fields: object) => {
      const item = await track({
        identity: { id: 1 },
        event_name: 'Purchased item',
        data: { n: 1 },
        ...fields,
      })
      return (item as { dedupe: { key: string } }).dedupe.key
    }
    const same = await keyOf({})
    expect(await keyOf({ event_name: 'purchased_ITEM' })).toBe(same)
    expect(await keyOf({ event_name: 'Purchased-item' })).toBe(same)
    expect(await keyOf({ identity: { id: '1', email: 'a@b.co' } })).toBe(same)
    expect(await keyOf({ extras: { check_id: 5 } })).toBe(same)
    expect(await keyOf({ data: { n: 2 } })).not.toBe(same)
    expect(await keyOf({ identity: { id: 2 } })).not.toBe(same)
    expect(await keyOf({ event_name: 'Sold item' })).not.toBe(same)
    const empty = await keyOf({ data: null })
    expect(await keyOf({ data: {} })).toBe(empty)
    expect(await keyOf({ data: {}, extras: { check_id: 1700000000000000 } })).not.toBe(empty)
    expect(await keyOf({ data: { long: 'x'.repeat(5000) } })).toHaveLength(
      (await keyOf({ data: { long: 'y'.repeat(9000) } })).length,
    )
  })

  it.each([
    [{ event_name: 'x' }, 'identity'],
    [{ identity: 'me', event_name: 'x' }, 'identity'],
    [{ identity: {}, event_name: 'x' }, 'identity.id'],
    [{ identity: { id: 1 } }, 'event_name'],
    [{ identity: { id: 1 }, event_name: '  ' }, 'event_name'],
    [{ identity: { id: 1 }, event_name: ['x'] }, 'event_name'],
    [{ identity: { id: 1 }, event_name: 'x'.repeat(255) }, 'event_name'],
    [{ identity: { id: 1, email: 'nobody@' }, event_name: 'x' }, 'identity.email'],
    [{ identity: { id: 1 }, event_name: 'x', data: 3 }, 'data'],
  ])('names what is wrong with %j', async (body, field) => {
    const reply = await send('POST', '/events/track', { auth_token: key, ...body })
    expect(reply).toMatchObject({ status: 400, body: { status: 400, field } })
  })
})
