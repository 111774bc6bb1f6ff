import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInBrowser } from '../../../../testing/snippets/run.ts'
import type { IngestItem } from '../../src/audience/items/item.ts'
import { executablePath, noBrowser } from '../console/browser.ts'
import { type IntakeServer, startIntakeServer } from './helpers.ts'

/** The published browser libraries, unmodified, in a real browser on a page of another site, with nothing but Fairway behind them. */
describe.skipIf(noBrowser)('in a browser', () => {
  let server: IntakeServer
  let browser: Browser
  beforeAll(async () => {
    server = await startIntakeServer()
    browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  /** What arrived until all kinds were there, and nobody else was asked for anything. */
  async function arrivesFrom(page: string, kinds: string[]): Promise<IngestItem[]> {
    const items: IngestItem[] = []
    const asked = await runInBrowser(page, server, browser, async () => {
      items.push(...(await server.settled()))
      return items.length >= kinds.length
    })
    expect(asked).toEqual([server.url])
    expect(items.map(({ kind }) => kind).sort()).toEqual(kinds.sort())
    return items
  }

  it('@segment/analytics-next: only the address of its settings is another', async () => {
    const items = await arrivesFrom(
      `import { AnalyticsBrowser } from '@segment/analytics-next'
       const analytics = AnalyticsBrowser.load({ writeKey: 'fw_track_…', cdnURL: 'https://your-fairway' })
       analytics.identify('u-1', { email: 'ada@example.com' })
       analytics.track('Bought', { n: 1 })
       analytics.page('Home')
       analytics.group('acme')
       analytics.alias('u-2', 'u-1')`,
      ['identify', 'event', 'event', 'identify', 'merge'],
    )
    expect(items).toContainEqual(
      expect.objectContaining({ name: 'Bought', person: expect.objectContaining({ id: 'u-1' }) }),
    )
  })

  it('@segment/analytics-next in batches, sent as the page is left', async () => {
    await arrivesFrom(
      `import { AnalyticsBrowser } from '@segment/analytics-next'
       const analytics = AnalyticsBrowser.load({ writeKey: 'fw_track_…', cdnURL: 'https://your-fairway' }, {
         integrations: { 'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: 10, timeout: 200 } } } },
       })
       analytics.track('One')
       analytics.track('Two')`,
      ['event', 'event'],
    )
  })

  it('@customerio/cdp-analytics-browser', async () => {
    await arrivesFrom(
      `import { AnalyticsBrowser } from '@customerio/cdp-analytics-browser'
       const analytics = AnalyticsBrowser.load({ writeKey: 'fw_track_…', cdnURL: 'https://your-fairway' })
       analytics.identify('u-3', { email: 'grace@example.com' })
       analytics.track('Bought', { n: 1 })`,
      ['identify', 'event'],
    )
  })

  it.each([false, true])('@rudderstack/analytics-js, by beacon: %s', async (useBeacon) => {
    await arrivesFrom(
      `import { RudderAnalytics } from '@rudderstack/analytics-js/bundled'
       const analytics = new RudderAnalytics()
       analytics.load('fw_track_…', 'https://your-fairway', {
         configUrl: 'https://your-fairway', useBeacon: ${useBeacon}, beaconQueueOptions: { flushQueueInterval: 200 },
       })
       analytics.identify('u-4', { email: 'alan@example.com' })
       analytics.track('Bought', { n: 1 })
       analytics.page('Home')
       analytics.group('acme', { plan: 'pro' })`,
      ['identify', 'event', 'event', 'identify'],
    )
  })

  it('navigator.sendBeacon with JSON, which always asks to send cookies', async () => {
    await arrivesFrom(
      `const send = (path, body) =>
         navigator.sendBeacon('https://your-fairway' + path, new Blob([JSON.stringify(body)], { type: 'application/json' }))
       const event = { userId: 'u-6', event: 'Left' }
       send('/v1/track', { ...event, writeKey: 'fw_track_…' })
       send('/beacon/v1/batch?writeKey=fw_track_…', { batch: [{ type: 'track', ...event }] })
       send('/api/v2/events/track', { auth_token: 'fw_track_…', identity: { id: 'u-6' }, event_name: 'Left' })`,
      ['event', 'event', 'event'],
    )
  })

  it('@getvero/tracking', async () => {
    await arrivesFrom(
      `import { Tracker } from '@getvero/tracking'
       const tracker = new Tracker({ trackingApiKey: 'fw_track_…', trackingApiBaseUrl: 'https://your-fairway' })
       await tracker.user.identify({ id: 'u-5', email: 'joan@example.com' })
       await tracker.event.track({ eventName: 'Bought', data: { n: 1 } })`,
      ['identify', 'event', 'event'],
    )
  })
})
