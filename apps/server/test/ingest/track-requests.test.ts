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
    [{ id: 1, data: [1] }, 'data'],
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
    // An id that is none is noted.
    for (const item of await server.settled()) expect(item).toMatchObject({ kind: 'rejected' })
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
