import { type IncomingHttpHeaders, request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt } from '../../../../testing/built.ts'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { createSignInLink } from '../../src/accounts/sign-in-link.ts'

let server: TestServer
beforeAll(async () => {
  await ensureBuilt('console')
  server = await startTestServer({ config: { role: 'api' } })
  for (let i = 0; i < 20; i++)
    await project('PUT', `/people/id:person-${i}`, { properties: { plan: 'pro', i } })
}, 300_000)
afterAll(() => server?.close())

interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** As it is sent: fetch would decompress it. */
const send = (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) =>
  new Promise<Reply>((done, fail) => {
    const { hostname, port } = new URL(server.url)
    const text = body === undefined ? undefined : JSON.stringify(body)
    const type = text === undefined ? {} : { 'content-type': 'application/json' }
    request({ method, hostname, port, path, headers: { ...headers, ...type } }, async (response) => {
      const pieces: Buffer[] = []
      for await (const piece of response) pieces.push(piece)
      done({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(pieces) })
    })
      .on('error', fail)
      .end(text)
  })
const project = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  send(
    method,
    `/api/v1/projects/${server.projectId}${path}`,
    { authorization: `Bearer ${server.secretKey}`, ...headers },
    body,
  )
const gzip = { 'accept-encoding': 'gzip' }
const browser = { 'accept-encoding': 'gzip, deflate, br, zstd', accept: 'text/html' }

describe("the console's files", () => {
  it('go out as the build compressed them: the biggest is a quarter of its size', async () => {
    const page = gunzipSync((await send('GET', '/', browser)).body).toString()
    const scripts = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!)
    expect(scripts.length).toBeGreaterThan(1)
    let biggest = 0
    for (const path of scripts) {
      const plain = await send('GET', path)
      const br = await send('GET', path, browser)
      const gz = await send('GET', path, gzip)
      for (const { headers } of [plain, br, gz]) {
        expect(headers.vary, path).toMatch(/^accept-encoding$/i)
        expect(headers['cache-control']).toContain('immutable')
        expect(headers['content-type']).toBe(plain.headers['content-type'])
      }
      expect(plain.headers['content-encoding']).toBeUndefined()
      if (plain.body.length < 1_024) continue
      expect([br.headers['content-encoding'], gz.headers['content-encoding']]).toEqual(['br', 'gzip'])
      expect(brotliDecompressSync(br.body).equals(plain.body), path).toBe(true)
      expect(gunzipSync(gz.body).equals(plain.body), path).toBe(true)
      expect(new Set([plain, br, gz].map(({ headers }) => headers.etag)).size, path).toBe(3)
      if (plain.body.length > 100_000) expect(br.body.length).toBeLessThan(plain.body.length / 3)
      biggest = Math.max(biggest, plain.body.length)
    }
    expect(biggest).toBeGreaterThan(300_000)
  })

  it('are no addresses of their own when compressed', async () => {
    expect((await send('GET', '/index.html.gz')).status).toBe(404)
    expect((await send('GET', '/index.html.br')).status).toBe(404)
  })

  it('the page is compressed under every address', async () => {
    for (const path of ['/', '/people', '/people/17']) {
      const reply = await send('GET', path, browser)
      expect(reply.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
      expect(gunzipSync(reply.body).toString()).toContain('<!doctype html>')
    }
  })
})

describe('replies of REST', () => {
  it('are compressed where the client takes it, and say that they vary by it', async () => {
    const plain = await project('GET', '/people')
    const small = await project('GET', '/people', undefined, gzip)
    expect(plain.headers).toMatchObject({ vary: 'Accept-Encoding' })
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(small.headers).toMatchObject({ vary: 'Accept-Encoding', 'content-encoding': 'gzip' })
    expect(Number(small.headers['content-length'])).toBe(small.body.length)
    expect(small.body.length).toBeLessThan(plain.body.length / 3)
    expect(JSON.parse(gunzipSync(small.body).toString())).toEqual(JSON.parse(plain.body.toString()))
    const head = await project('HEAD', '/people', undefined, gzip)
    expect(head.headers['content-length']).toBe(small.headers['content-length'])
    expect(head.body.length).toBe(0)
    for (const refusal of ['identity', 'gzip;q=0', ''])
      expect((await project('GET', '/people', undefined, { 'accept-encoding': refusal })).body.length).toBe(
        plain.body.length,
      )
  })

  it('of searches, too, and the description of the API', async () => {
    const search = await project(
      'POST',
      '/people/search',
      { conditions: { person: 'plan', operator: 'equals', value: 'pro' } },
      gzip,
    )
    expect(search.status, search.body.toString()).toBe(200)
    expect(search.headers['content-encoding']).toBe('gzip')
    const api = await send('GET', '/openapi.json', gzip)
    expect(JSON.parse(gunzipSync(api.body).toString()).openapi).toBe('3.1.0')
  })

  it('are left as they are when they are small', async () => {
    const { headers } = await project('GET', '/settings', undefined, gzip)
    expect(headers['content-encoding']).toBeUndefined()
  })
})

describe('never compressed', () => {
  it('is what holds keys, what answers signing in, and what answers senders', async () => {
    for (let i = 0; i < 12; i++) await project('POST', '/keys', { kind: 'tracking', name: 'x'.repeat(150) })
    const link = new URL((await createSignInLink(server.app, { origin: server.url })).url)
    const track = { auth_token: server.trackingKey, identity: { id: 'a' }, event_name: 'x' }
    const replies = [
      await project('GET', '/keys', undefined, gzip),
      await send('GET', link.pathname + link.search, gzip),
      await send('GET', '/api/auth/get-session', gzip),
      await send('POST', '/api/v2/events/track', gzip, track),
      await send('GET', '/u/nothing', gzip),
      await send('GET', '/v/nothing', gzip),
    ]
    expect(replies[0]!.body.length).toBeGreaterThan(1_024)
    for (const { headers } of replies) expect(headers['content-encoding']).toBeUndefined()
  })

  it('is a stream of events', async () => {
    const stream = await new Promise<IncomingHttpHeaders>((done, fail) => {
      const { hostname, port } = new URL(server.url)
      const path = `/api/v1/projects/${server.projectId}/live`
      request(
        { hostname, port, path, headers: { ...gzip, authorization: `Bearer ${server.secretKey}` } },
        (response) => {
          response.destroy()
          done(response.headers)
        },
      )
        .on('error', fail)
        .end()
    })
    expect(stream['content-type']).toContain('event-stream')
    expect(stream['content-encoding']).toBeUndefined()
  })
})
