import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { executablePath, noBrowser } from '../console/browser.ts'
import { type IntakeServer, request, startIntakeServer } from './helpers.ts'
import { stopDatabase, watchReplies } from './trouble.ts'

let server: IntakeServer
beforeAll(async () => {
  server = await startIntakeServer()
})
afterAll(() => server?.close())

describe('the file', () => {
  it('is small, cached, and the same at both addresses', async () => {
    const reply = await request(server, 'GET', '/fairway.js')
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toContain('javascript')
    expect(reply.headers.get('cache-control')).toContain('max-age=3600')
    const text = reply.body as string
    expect(text.length).toBeLessThan(5_000)
    expect((await request(server, 'GET', '/m.js')).body).toBe(text)
    const etag = reply.headers.get('etag')!
    expect((await request(server, 'GET', '/m.js', undefined, { 'if-none-match': etag })).status).toBe(304)
  })
})

describe.skipIf(noBrowser)('in a browser', () => {
  let browser: Browser
  let context: BrowserContext
  let page: Page
  /** The shop's site: another origin than Fairway's. */
  let shop: Server
  let shopUrl: string

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    shop = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>Shop</title>')
    })
    await new Promise<void>((listening) => shop.listen(0, '127.0.0.1', listening))
    shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    await browser?.close()
    shop?.close()
  })
  beforeEach(async () => {
    context = await browser.newContext({ locale: 'nb-NO', timezoneId: 'Europe/Oslo' })
    page = await context.newPage()
    await page.goto(`${shopUrl}/shoes?size=42`)
  })
  afterEach(async () => {
    await context.close()
    await server.settled()
  })

  const push = (...commands: unknown[]) =>
    page.evaluate((list) => {
      const pageWindow = window as unknown as { _veroq: { push: (command: unknown) => void } }
      pageWindow._veroq ??= [] as never
      for (const command of list) pageWindow._veroq.push(command)
    }, commands)
  const load = (file = 'fairway.js') => page.addScriptTag({ url: `${server.url}/${file}` })
  const init = () => push(['init', { api_key: server.trackingKey }])
  const waiting = () => page.evaluate(() => JSON.parse(localStorage.getItem('fairway:queue') ?? '[]').length)

  const allSent = () => until(async () => (await waiting()) === 0)

  it('understands the commands, those from before it was loaded too', async () => {
    await push(['init', { api_key: server.trackingKey, development_mode: true }])
    await push(
      ['user', { id: 42, email: 'jo@example.com', plan: 'pro' }],
      ['track', 'Purchased item', { price: 20 }],
    )
    await load('m.js')
    await push(['trackPageview'], ['tags', { id: '42', add: ['vip'], remove: ['trial'] }])
    await push(['unsubscribe', '42'], ['resubscribe', '42'], ['reidentify', 'new', '42'], ['track', 'After'])
    const items = await server.take(9)
    const person = { id: '42', anonymousId: expect.any(String) }
    expect(items).toMatchObject([
      {
        kind: 'identify',
        person,
        email: 'jo@example.com',
        properties: { plan: 'pro' },
        timezone: 'Europe/Oslo',
        language: 'nb-NO',
      },
      { kind: 'event', name: 'Visited site', properties: { language: 'nb-NO' } },
      { kind: 'event', name: 'Purchased item', person, properties: { price: 20 } },
      { kind: 'event', name: 'Viewed page', properties: { url: `${shopUrl}/shoes?size=42`, title: 'Shop' } },
      { kind: 'tags', add: ['vip'], remove: ['trial'] },
      { kind: 'subscription', subscribed: false },
      { kind: 'subscription', subscribed: true },
      { kind: 'merge', person: { id: 'new' }, from: { id: '42' } },
      { kind: 'event', name: 'After', person: { id: 'new' } },
    ])
    await allSent()
  })

  it('keeps one anonymous id until somebody signs in, over page loads', async () => {
    await load()
    await push(['track', 'Looked'])
    await init()
    await allSent()
    await page.reload()
    await load()
    await init()
    await push(['track', 'Looked again'], ['user', { email: 'jo@example.com' }])
    const items = await server.take(4)
    const [first] = items
    const anonymousId = first!.person.anonymousId
    expect(anonymousId).toMatch(/^[\w-]{16,}$/)
    expect(items.map(({ person }) => person)).toMatchObject([
      { anonymousId },
      { anonymousId },
      { id: 'jo@example.com', anonymousId },
      { id: 'jo@example.com', anonymousId },
    ])
  })

  it('recognises the reader of a mail by vero_id', async () => {
    await page.goto(`${shopUrl}/?vero_id=77&utm_source=x`)
    await load()
    await init()
    expect(await server.take(2)).toMatchObject([
      { kind: 'identify', person: { id: '77' } },
      { kind: 'event', name: 'Visited site', person: { id: '77' } },
    ])
    await allSent()
    await page.reload()
    await load()
    await init()
    await push(['track', 'x'])
    expect(await server.take(1)).toMatchObject([{ name: 'x' }])
  })

  it('keeps what the server could not take, and sends it when the server is back', async () => {
    await load()
    await init()
    await push(['track', 'Warm up'])
    await server.take(1)
    const replies = watchReplies()
    const endTrouble = await stopDatabase(server)
    await push(['track', 'In trouble'], ['track', 'Then another'])
    await replies.answered(503)
    replies.stop()
    expect(await waiting()).toBe(2)
    await endTrouble()
    expect(await server.take(2)).toMatchObject([{ name: 'In trouble' }, { name: 'Then another' }])
    await allSent()
    expect(await server.settled()).toEqual([])
  })

  it('hands what waits to the browser when the page is left, and carries on in the next page', async () => {
    await load()
    await init()
    await page.evaluate(() => {
      const { _veroq } = window as unknown as { _veroq: { push: (command: unknown) => void } }
      for (const n of [1, 2, 3]) _veroq.push(['track', `Leaving ${n}`])
      location.href = '/next'
    })
    await page.waitForURL('**/next')
    await load()
    await init()
    await allSent()
    const sent = (await server.settled()) as { name: string; dedupe: { key: string } }[]
    // A request under way when the page went may be sent again: its message id makes that harmless.
    const once = new Map(sent.map((item) => [item.dedupe.key, item.name]))
    expect([...once.values()].sort()).toEqual(['Leaving 1', 'Leaving 2', 'Leaving 3'])
  })

  it('forgets what the server refuses for good, and ignores nonsense', async () => {
    await load()
    await push('nonsense', [], ['init', {}], ['dance'], ['constructor'])
    await init()
    await push(['track', ''], ['user', null], ['track', 'Good'], null, ['tags', null])
    expect(await server.take(1)).toMatchObject([{ name: 'Good' }])
    await allSent()
  })

  it('works where storage is forbidden', async () => {
    await page.evaluate(() => {
      for (const name of ['localStorage', 'sessionStorage'])
        Object.defineProperty(window, name, {
          get() {
            throw new Error('forbidden')
          },
        })
    })
    await load()
    await init()
    await push(['user', { id: 'u' }], ['track', 'x'])
    const items = await server.take(2)
    expect(items).toMatchObject([{ kind: 'identify' }, { name: 'x', person: { id: 'u' } }])
  })
})
