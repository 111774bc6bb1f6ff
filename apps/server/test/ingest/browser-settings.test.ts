import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type IntakeServer, request, startIntakeServer } from './helpers.ts'

let server: IntakeServer
let key: string
beforeAll(async () => {
  server = await startIntakeServer()
  key = server.trackingKey
})
afterAll(() => server?.close())

const get = (path: string, headers?: Record<string, string>) =>
  request(server, 'GET', path, undefined, { origin: 'https://shop.example', ...headers })

describe('what browser libraries ask before they send', () => {
  it("Segment's and Customer.io's: this server, for pages of any site", async () => {
    const reply = await get(`/v1/projects/${key}/settings`)
    const here = { apiKey: key, apiHost: `${new URL(server.url).host}/v1`, protocol: 'http' }
    expect(reply).toMatchObject({
      status: 200,
      body: {
        integrations: { 'Segment.io': here, 'Customer.io Data Pipelines': here },
        metrics: { sampleRate: 0 },
      },
    })
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect(reply.headers.get('cache-control')).toBe('no-store')
  })

  it('where the installation is reached from outside, when that is configured', async () => {
    const own = await startIntakeServer({ config: { publicUrl: 'https://fairway.example:8443' } })
    const reply = await request(own, 'GET', `/v1/projects/${own.trackingKey}/settings`)
    expect(reply.body).toMatchObject({
      integrations: { 'Segment.io': { apiHost: 'fairway.example:8443/v1', protocol: 'https' } },
    })
    await own.close()
  })

  it.each([
    ['/sourceConfig', () => basic(key)],
    ['/sourceConfig/?p=npm&v=3.34.1&build=modern', () => basic(key)],
    ['/sourceconfig', () => basic(key)],
    ['/sourceconfig/?p=npm', () => basic(key)],
    ['//SourceConfig/', () => basic(key)],
    [() => `/sourceConfig?writeKey=${key}`, () => ({})],
  ])("RudderStack's: %s", async (path, headers) => {
    const reply = await get(typeof path === 'string' ? path : path(), headers())
    expect(reply).toMatchObject({
      status: 200,
      body: {
        source: {
          id: String(server.projectId),
          writeKey: key,
          enabled: true,
          destinations: [],
          config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
        },
      },
    })
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://shop.example')
  })

  it('an unknown key is told, and the preflight of a page is answered', async () => {
    for (const path of ['/v1/projects/nobody/settings', '/sourceConfig?writeKey=nobody', '/sourceConfig'])
      expect(await get(path), path).toMatchObject({
        status: 401,
        body: { success: false, code: 'unauthorized', error: expect.stringContaining('key') },
      })
    const preflight = await request(server, 'OPTIONS', '/sourceConfig', undefined, {
      origin: 'https://shop.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,content-type',
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type')
  })
})

describe('what a page sends as it closes', () => {
  it('comes by beacon, with the key in the query and without a type', async () => {
    const body = JSON.stringify({ batch: [{ type: 'track', anonymousId: 'a', event: 'Left' }] })
    const reply = await request(server, 'POST', `/beacon/v1/batch?writeKey=${key}`, body, {
      'content-type': 'text/plain;charset=UTF-8',
    })
    expect(reply).toMatchObject({ status: 200, body: { success: true } })
    expect(await server.take(1)).toMatchObject([
      { kind: 'event', name: 'Left', person: { anonymousId: 'a' } },
    ])
  })

  it('about the library itself is answered and not kept', async () => {
    expect((await request(server, 'POST', '/v1/m', '{"series":[]}')).status).toBe(200)
    expect(await server.settled()).toEqual([])
  })
})
