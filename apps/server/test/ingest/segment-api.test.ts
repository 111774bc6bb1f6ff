import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventItem } from '../../src/audience/items/item.ts'
import { basic, type IntakeServer, request, startIntakeServer } from './helpers.ts'

const clock = new Date('2026-11-23T10:00:00Z')
const now = clock.getTime()
let server: IntakeServer
let key: string

beforeAll(async () => {
  server = await startIntakeServer({ now: () => clock })
  key = server.trackingKey
})
afterAll(() => server?.close())

const send = (path: string, body?: unknown, headers: Record<string, string> = basic(key)) =>
  request(server, 'POST', path, body, headers)

async function accepted(path: string, body: unknown, headers?: Record<string, string>) {
  expect(await send(path, body, headers)).toMatchObject({ status: 200, body: { success: true } })
  return (await server.take(1))[0]!
}

describe('authentication', () => {
  it('takes the write key as Basic user, as Basic password, as Bearer, and in the body', async () => {
    const call = { userId: 1, event: 'x' }
    await accepted('/v1/track', call, basic(key))
    await accepted('/v1/track', call, basic('', key))
    await accepted('/v1/track', call, { authorization: `Bearer ${key}` })
    await accepted('/v1/track', { ...call, writeKey: key }, {})
    await accepted('/v1/batch', { writeKey: key, batch: [{ type: 'track', ...call }] }, {})
  })

  it('refuses others', async () => {
    for (const headers of [{}, basic('nobody'), { authorization: 'Basic' }, { authorization: 'Digest x' }])
      expect(await send('/v1/track', { userId: 1, event: 'x' }, headers)).toMatchObject({
        status: 401,
        body: { success: false, message: expect.stringContaining('write key') },
      })
  })

  it('lets browsers of any origin call, by the short paths too', async () => {
    const preflight = await request(server, 'OPTIONS', '/v1/t', undefined, { origin: 'https://a.example' })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(preflight.headers.get('access-control-allow-credentials')).toBe('true')
    expect(preflight.headers.get('vary')).toContain('Origin')
    await accepted('/v1/t', { userId: 1, event: 'x' })
  })
})

describe('calls', () => {
  it('identify', async () => {
    const item = await accepted('/v1/identify', {
      userId: '019mr8mf4r',
      anonymousId: 'anon',
      traits: { email: 'a@b.co', phone: '555', plan: 'pro', address: { city: 'Oslo' }, gone: null },
      context: {
        traits: { plan: 'free', from: 'context' },
        timezone: 'Europe/Oslo',
        locale: 'nb-NO',
        device: { token: 'T', type: 'iOS' },
        library: { name: 'x' },
      },
      messageId: 'm-1',
    })
    expect(item).toEqual({
      kind: 'identify',
      person: { id: '019mr8mf4r', anonymousId: 'anon' },
      at: now,
      acceptedAt: now,
      source: 'segment',
      email: 'a@b.co',
      phone: '555',
      timezone: 'Europe/Oslo',
      language: 'nb-NO',
      properties: { plan: 'pro', from: 'context', address: { city: 'Oslo' }, gone: null },
      devices: [{ type: 'push', address: 'T', platform: 'ios' }],
      dedupe: { key: 'segment|m-1', windowMs: 86_400_000 },
    })
  })

  it('keeps an email that is none as a property', async () => {
    expect(await accepted('/v1/identify', { userId: 1, traits: { email: 'n/a' } })).toMatchObject({
      properties: { email: 'n/a' },
    })
  })

  it('track, with the traits that came along', async () => {
    expect(
      await accepted('/v1/track', {
        anonymousId: 'a',
        event: 'Order Completed',
        properties: { total: 3 },
        context: { traits: { email: 'a@b.co', vip: true } },
      }),
    ).toMatchObject({
      kind: 'event',
      person: { anonymousId: 'a' },
      name: 'Order Completed',
      properties: { total: 3 },
      traits: { email: 'a@b.co', properties: { vip: true } },
    })
  })

  it('an event called unsubscribe is only an event', async () => {
    expect(await accepted('/v1/track', { userId: 1, event: 'Unsubscribed' })).toMatchObject({ kind: 'event' })
  })

  it('page and screen', async () => {
    const properties = { url: 'https://x.example/a' }
    expect(
      await accepted('/v1/page', { userId: 1, name: 'Home', category: 'Docs', properties }),
    ).toMatchObject({
      name: 'Viewed page',
      properties: { ...properties, name: 'Home', category: 'Docs' },
    })
    expect(await accepted('/v1/screen', { userId: 1, name: 'Start', category: null })).toMatchObject({
      name: 'Viewed screen',
      properties: { name: 'Start' },
    })
  })

  it('group and alias', async () => {
    expect(await accepted('/v1/group', { userId: 1, groupId: 9, traits: { name: 'Acme' } })).toMatchObject({
      kind: 'identify',
      properties: { group: { id: '9', name: 'Acme' } },
    })
    expect(await accepted('/v1/alias', { userId: 'new', previousId: 'old' })).toMatchObject({
      kind: 'merge',
      person: { id: 'new' },
      from: { id: 'old', anonymousId: 'old' },
    })
  })

  it.each([
    ['/v1/track', { event: 'x' }, 'userId'],
    ['/v1/track', { userId: 1 }, 'event'],
    ['/v1/track', { userId: 1, event: 'x', properties: 'x' }, 'properties'],
    ['/v1/track', { userId: 1, event: 'x', timestamp: 'soon' }, 'timestamp'],
    ['/v1/track', { userId: 1, event: 'x', messageId: {} }, 'messageId'],
    ['/v1/identify', { userId: [1] }, 'userId'],
    ['/v1/identify', { userId: 1, traits: ['x'] }, 'traits'],
    ['/v1/group', { userId: 1 }, 'groupId'],
    ['/v1/alias', { userId: 1 }, 'previousId'],
    ['/v1/alias', { previousId: 1 }, 'userId'],
    ['/v1/batch', { events: [] }, 'batch'],
    ['/v1/batch', [], 'batch'],
  ])('%s names what is wrong with %j', async (path, body, field) => {
    expect(await send(path, body)).toMatchObject({ status: 400, body: { success: false, field } })
  })
})

describe('times', () => {
  const at = async (path: string, body: object) => ((await accepted(path, body)) as EventItem).at
  const call = { type: 'track', userId: 1, event: 'x' }

  it('corrects a sender whose clock is an hour ahead', async () => {
    const ahead = now + 3_600_000
    const times = { timestamp: new Date(ahead - 5_000), sentAt: new Date(ahead) }
    expect(await at('/v1/track', { ...call, ...times })).toBe(now - 5_000)
    const { sentAt, timestamp } = times
    expect(await at('/v1/batch', { sentAt, batch: [{ ...call, timestamp }] })).toBe(now - 5_000)
    expect(await at('/v1/batch', { batch: [{ ...call, sentAt, originalTimestamp: timestamp }] })).toBe(
      now - 5_000,
    )
  })

  it('takes a time as it is when nothing says how the clock stands', async () => {
    expect(await at('/v1/track', { ...call, timestamp: '2026-11-20T00:00:00.000Z' })).toBe(
      Date.UTC(2026, 10, 20),
    )
    expect(await at('/v1/track', { ...call, timestamp: '2027-01-01T00:00:00.000Z' })).toBe(now)
    expect(await at('/v1/track', call)).toBe(now)
  })

  it('takes historical times as they are', async () => {
    const batch = [{ ...call, timestamp: '2019-02-03T00:00:00Z' }]
    expect(await at('/v1/import', { sentAt: '2026-11-23T09:00:00Z', batch })).toBe(Date.UTC(2019, 1, 3))
  })
})

describe('batches', () => {
  it('takes the good calls of a partly bad batch and says which were bad', async () => {
    const batch = [
      { type: 'track', userId: 1, event: 'a' },
      { type: 'track', userId: 2 },
      { type: 'dance', userId: 3 },
      'nonsense',
      { type: 'track', userId: 4, event: 'b', properties: { a: 'x\0y' } },
      { type: 'track', userId: 5, event: 'c', properties: { a: 'ü'.repeat(40_000) } },
      { action: 'identify', userId: 6 },
    ]
    expect(await send('/v1/batch', { batch })).toMatchObject({
      status: 200,
      body: {
        success: true,
        rejected: [
          { index: 1, field: 'event', reason: expect.stringContaining('event is missing') },
          { index: 2, field: 'type' },
          { index: 3, reason: expect.stringContaining('must be a JSON object') },
          { index: 4, field: 'properties.a', reason: expect.stringContaining('NUL') },
          { index: 5, reason: expect.stringContaining('one event may have 65536') },
        ],
      },
    })
    expect(await server.take(7)).toMatchObject([
      { name: 'a' },
      { kind: 'identify', person: { id: '6' } },
      { kind: 'rejected', person: { id: '2' }, call: { type: 'track' } },
      { kind: 'rejected', person: { id: '3' }, call: { type: 'dance' } },
      { kind: 'rejected', person: {}, reason: expect.stringContaining('JSON object') },
      { kind: 'rejected', call: { name: 'b' } },
      { kind: 'rejected', call: { name: 'c' } },
    ])
  })

  it('refuses a batch without a good call', async () => {
    const reply = await send('/v1/batch', { batch: [{ type: 'track' }, {}] })
    expect(reply).toMatchObject({
      status: 400,
      body: { success: false, field: 'batch.0.event', rejected: [{ index: 0 }, { index: 1 }] },
    })
    expect(await server.take(2)).toMatchObject([{ kind: 'rejected' }, { kind: 'rejected' }])
  })

  it('takes an empty batch', async () => {
    expect(await send('/v1/batch', { batch: [] })).toMatchObject({ status: 200, body: { success: true } })
  })

  it('takes 20,000 calls and no more', async () => {
    const batch = Array.from({ length: 20_000 }, (_, i) => ({ type: 'track', userId: i + 1, event: 'many' }))
    expect(await send('/v1/batch', { batch })).toMatchObject({ status: 200, body: { success: true } })
    // In whatever order: nothing promises one among calls of a batch, their times decide.
    const ids = (await server.take(20_000)).map(({ person }) => Number(person.id))
    expect(ids.toSorted((a, b) => a - b)).toEqual(batch.map(({ userId }) => userId))
    expect(await send('/v1/batch', { batch: [...batch, batch[0]] })).toMatchObject({
      status: 413,
      body: { success: false, field: 'batch', message: expect.stringContaining('20000') },
    })
  })

  it("takes RudderStack's 4 MB, plain and compressed, and not 5", async () => {
    const ofSize = (bytes: number) => {
      const call = { type: 'track', userId: 1, event: 'big', properties: { text: 'x'.repeat(30_000) } }
      const batch = Array(Math.ceil(bytes / JSON.stringify(call).length)).fill(call)
      return { calls: batch.length, text: JSON.stringify({ batch }) }
    }
    const { calls, text } = ofSize(4_000_000)
    expect(text.length).toBeGreaterThan(4_000_000)
    expect(await send('/v1/batch', text)).toMatchObject({ status: 200, body: { success: true } })
    const headers = { ...basic(key), 'content-encoding': 'gzip' }
    expect(await send('/v1/batch', gzipSync(text), headers)).toMatchObject({ status: 200 })
    await server.take(2 * calls)
    const tooLarge = { success: false, code: 'too_large', error: expect.stringContaining('large') }
    const { text: larger } = ofSize(5_000_000)
    expect(await send('/v1/batch', larger)).toMatchObject({ status: 413, body: tooLarge })
    expect(await send('/v1/batch', gzipSync(larger), headers)).toMatchObject({ status: 413, body: tooLarge })
  })

  it("takes a call of 64 KB, as Customer.io's pipelines do", async () => {
    const properties = { text: 'x'.repeat(65_000) }
    expect(await accepted('/v1/track', { userId: 1, event: 'big', properties })).toMatchObject({
      name: 'big',
    })
  })

  it('does not copy the batch context into every call', async () => {
    const context = { locale: 'de', timezone: 'Europe/Berlin', traits: { big: 'x'.repeat(10_000) } }
    const reply = await send('/v1/batch', { context, batch: [{ type: 'identify', userId: 1 }] })
    expect(reply.status).toBe(200)
    expect((await server.take(1))[0]).toMatchObject({
      language: 'de',
      timezone: 'Europe/Berlin',
      properties: {},
    })
    const nul = { context: { locale: 'd\0' }, batch: [{ type: 'identify', userId: 1 }] }
    expect(await send('/v1/batch', nul)).toMatchObject({ status: 400, body: { field: 'context.locale' } })
  })
})
