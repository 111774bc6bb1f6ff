import { createRequire } from 'node:module'
import type { Tracker as VeroTracker } from '@getvero/tracking'
import RudderAnalytics from '@rudderstack/rudder-sdk-node'
import { Analytics } from '@segment/analytics-node'
import { PipelinesClient, TrackClient } from 'customerio-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventItem } from '../../src/audience/items/item.ts'
import { type IntakeServer, request, startIntakeServer } from './helpers.ts'
import { fillIntake, stopDatabase, watchReplies } from './trouble.ts'

/** The published clients, unmodified, against the real server. */

// Its default export is a proxy that throws when an ES module import looks at it.
const { Tracker } = createRequire(import.meta.url)('@getvero/tracking') as { Tracker: typeof VeroTracker }

let server: IntakeServer
beforeAll(async () => {
  server = await startIntakeServer()
})
afterAll(() => server?.close())

describe('a refusal', () => {
  it.each([
    [fillIntake, 429],
    [stopDatabase, 503],
  ])('tells when to come back (%o, %i)', async (startTrouble, status) => {
    const send = (path: string, body: object) =>
      request(server, 'POST', path, { auth_token: server.trackingKey, writeKey: server.trackingKey, ...body })
    const calls = [
      ['/api/v2/events/track', { identity: { id: 1 }, event_name: 'x' }],
      ['/v1/track', { userId: 1, event: 'x' }],
      ['/v1/batch', { batch: [{ type: 'track', userId: 1, event: 'x' }] }],
    ] as const
    for (const [path, body] of calls) expect((await send(path, body)).status).toBe(200)
    await server.take(3)

    const endTrouble = await startTrouble(server)
    for (const [path, body] of calls) {
      const reply = await send(path, body)
      expect(reply).toMatchObject({ status, body: { message: expect.stringContaining('try again') } })
      expect(reply.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    }
    await endTrouble()
    expect(await server.settled()).toEqual([])
  })
})

describe('@getvero/tracking', () => {
  const tracker = () => new Tracker({ trackingApiKey: server.trackingKey, trackingApiBaseUrl: server.url })

  it('runs through its whole interface', async () => {
    const { user, tag, event } = tracker()
    const channels = [{ type: 'push', address: 'TOK', platform: 'ios' }]
    await user.identify({ id: '1', email: 'a@b.co', channels, data: { plan: 'pro' } })
    await user.alias({ userId: '1', newId: '2' })
    await user.unsubscribe({ userId: '2' })
    await user.resubscribe({ userId: '2' })
    await tag.edit({ userId: '2', add: ['x'], remove: ['y'] })
    await event.track({
      identity: { userId: '2', email: 'a@b.co' },
      eventName: 'Purchased item',
      data: { n: 1 },
      extras: { source: 'node', createdAt: '2026-01-02T03:04:05.000Z' },
    })
    await user.delete({ userId: '2' })
    expect(await server.take(7)).toMatchObject([
      {
        kind: 'identify',
        person: { id: '1', email: 'a@b.co' },
        properties: { plan: 'pro' },
        devices: [{ address: 'TOK' }],
      },
      { kind: 'merge', person: { id: '2' }, from: { id: '1' } },
      { kind: 'subscription', subscribed: false },
      { kind: 'subscription', subscribed: true },
      { kind: 'tags', add: ['x'], remove: ['y'] },
      { kind: 'event', name: 'Purchased item', at: Date.UTC(2026, 0, 2, 3, 4, 5), source: 'node' },
      { kind: 'delete', person: { id: '2' } },
    ])
  })

  it('hears about a wrong key', async () => {
    const wrong = new Tracker({ trackingApiKey: 'wrong-key-of-some-length', trackingApiBaseUrl: server.url })
    await expect(wrong.user.identify({ id: '1', email: 'a@b.co' })).rejects.toThrow('401')
  })
})

describe('@segment/analytics-node', () => {
  it('runs through its whole interface', async () => {
    const analytics = segment()
    const failures = errorsOf(analytics)
    analytics.identify({ userId: 'u', traits: { email: 'a@b.co', plan: 'pro' } })
    analytics.track({ userId: 'u', event: 'Bought', properties: { n: 1 }, timestamp: new Date() })
    analytics.page({ userId: 'u', name: 'Home', properties: { url: 'https://x/' } })
    analytics.screen({ anonymousId: 'a', name: 'Start' })
    analytics.group({ userId: 'u', groupId: 'g' })
    analytics.alias({ userId: 'u', previousId: 'a' })
    await analytics.closeAndFlush()
    expect(failures).toEqual([])
    expect(await server.take(6)).toMatchObject([
      { kind: 'identify', person: { id: 'u' }, email: 'a@b.co', dedupe: { windowMs: 86_400_000 } },
      { kind: 'event', name: 'Bought', properties: { n: 1 } },
      { kind: 'event', name: 'Viewed page' },
      { kind: 'event', name: 'Viewed screen', person: { anonymousId: 'a' } },
      { kind: 'identify', properties: { group: { id: 'g' } } },
      { kind: 'merge', person: { id: 'u' }, from: { id: 'a' } },
    ])
  })

  const segment = () =>
    new Analytics({ writeKey: server.trackingKey, host: server.url, maxEventsInBatch: 10, flushInterval: 50 })

  const errorsOf = (analytics: Analytics) => {
    const failures: unknown[] = []
    analytics.on('error', (error) => failures.push(error))
    return failures
  }

  it('waits out a 429 and a 503', async () => {
    await trouble(async () => {
      const analytics = segment()
      const failures = errorsOf(analytics)
      analytics.track({ userId: 'u', event: 'Later' })
      await analytics.closeAndFlush({ timeout: 60_000 })
      expect(failures).toEqual([])
    }, 'Later')
  })
})

describe('@rudderstack/rudder-sdk-node', () => {
  const rudder = (gzip: boolean) =>
    new RudderAnalytics(server.trackingKey, {
      dataPlaneUrl: server.url,
      gzip,
      flushAt: 20,
      logLevel: 'none',
    } as object)
  const flushed = (client: RudderAnalytics) =>
    new Promise<void>((resolve, reject) =>
      client.flush((error?: Error) => (error ? reject(error) : resolve())),
    )

  it.each([true, false])('runs through its whole interface, gzip %s', async (gzip) => {
    const client = rudder(gzip)
    client.identify({ userId: 'u', traits: { email: 'a@b.co', plan: 'pro' } })
    client.track({ userId: 'u', event: 'Bought', properties: { n: 1 } })
    client.page({ userId: 'u', name: 'Home', properties: {} })
    client.screen({ userId: 'u', name: 'Start', properties: {} })
    client.group({ userId: 'u', groupId: 'g', traits: { name: 'Acme' } })
    client.alias({ userId: 'u', previousId: 'a' })
    await flushed(client)
    const kinds = (await server.take(6)).map((item) => item.kind)
    expect(kinds.sort()).toEqual(['event', 'event', 'event', 'identify', 'identify', 'merge'])
  })

  it('waits out a 429 and a 503', async () => {
    await trouble(async () => {
      const client = rudder(true)
      client.track({ userId: 'u', event: 'Rudder later' })
      await flushed(client)
    }, 'Rudder later')
  })
})

describe('customerio-node', () => {
  const track = () =>
    new TrackClient(String(server.projectId), server.trackingKey, { url: `${server.url}/api/v1` })
  const pipelines = () => new PipelinesClient(server.trackingKey, { url: `${server.url}/v1` })

  it('runs through the interface of TrackClient', async () => {
    const client = track()
    await client.identify('5', { email: 'a@b.co', plan: 'pro' })
    await client.track('5', { name: 'Bought', data: { n: 1 } })
    await client.trackPageView('5', 'https://x/')
    await client.trackAnonymous('anon', { name: 'Looked' })
    await client.addDevice('5', 'TOK', 'ios', { last_used: 1, model: 'x' })
    await client.deleteDevice('5', 'TOK/1')
    await client.suppress('5')
    await client.unsuppress('5')
    await client.mergeCustomers('id' as never, '5', 'email' as never, 'a@b.co')
    await client.batch([
      { type: 'person', action: 'identify', identifiers: { id: '5' }, attributes: { a: 1 } },
      { type: 'person', action: 'event', identifiers: { id: '5' }, name: 'Batched' },
    ] as never)
    await client.entity({ type: 'person', action: 'delete', identifiers: { id: '5' } } as never)
    await client.destroy('5')
    const kinds = (await server.take(13)).map((item) => item.kind)
    expect(kinds).toEqual([
      ...[
        'identify',
        'event',
        'event',
        'event',
        'identify',
        'identify',
        'suppression',
        'suppression',
        'merge',
      ],
      ...['identify', 'event', 'delete', 'delete'],
    ])
    expect(await client.getAccountRegion()).toMatchObject({ environment_id: server.projectId })
  })

  it('hears what Fairway does not do', async () => {
    await expect(track().addCustomersToSegment(7, ['5'])).rejects.toThrow(/Manual segments/)
  })

  it('runs through the interface of PipelinesClient', async () => {
    const client = pipelines()
    await client.identify({ userId: 'u', traits: { email: 'a@b.co' } })
    await client.track({ userId: 'u', event: 'Bought', properties: { n: 1 } })
    await client.page({ userId: 'u', name: 'Home' })
    await client.screen({ userId: 'u', name: 'Start' })
    await client.group({ userId: 'u', groupId: 'g' })
    await client.alias({ userId: 'u', previousId: 'old' })
    const kinds = (await server.take(6)).map((item) => item.kind)
    expect(kinds).toEqual(['identify', 'event', 'event', 'event', 'identify', 'merge'])
  })

  it('waits out a 429 and a 503', async () => {
    await trouble(() => track().track('5', { name: 'Cio later' }), 'Cio later')
    await trouble(() => pipelines().track({ userId: 'u', event: 'Piped later' }), 'Piped later')
  })
})

/**
 * Runs `act` while the server really is in trouble, first with a full intake (429) and then without its database (503),
 * and ends the trouble once the client has been refused. What it sends must arrive, once.
 */
async function trouble(act: () => Promise<unknown>, eventName: string) {
  for (const [startTrouble, status] of [
    [fillIntake, 429],
    [stopDatabase, 503],
  ] as const) {
    const replies = watchReplies()
    const endTrouble = await startTrouble(server)
    const acting = act()
    acting.catch(() => {})
    try {
      await replies.answered(status)
    } finally {
      replies.stop()
      await endTrouble()
    }
    await acting
    const items = await server.settled()
    expect(items.map((item) => (item as EventItem).name)).toEqual([eventName])
  }
}
