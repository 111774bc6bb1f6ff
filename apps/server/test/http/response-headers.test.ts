import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import type { GuardedRoute } from '../../src/accounts/route-rights.ts'
import { buildHttpServer } from '../../src/http/server.ts'

/** Headers by which browsers protect whoever looks, on every reply there is. */
let server: TestServer
let http: FastifyInstance
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
  // For its list of routes: the other one listens.
  http = await buildHttpServer(server.app)
})
afterAll(async () => {
  await http?.close()
  await server?.close()
})

interface Reply {
  status: number
  headers: IncomingHttpHeaders
}

/** As it is sent, with any method, and without waiting for the end of a stream. */
const send = (method: string, path: string, headers: Record<string, string> = {}) =>
  new Promise<Reply>((done, fail) => {
    const { hostname, port } = new URL(server.url)
    request({ method, hostname, port, path, headers, agent: false }, (response) => {
      response.destroy()
      done({ status: response.statusCode!, headers: response.headers })
    })
      .on('error', fail)
      .end()
  })

const authorised = () => ({ authorization: `Bearer ${server.secretKey}` })
const project = (path: string) => `/api/v1/projects/${server.projectId}${path}`

const isConsole = (url: string) => /^\/($|index\.html|assets\/|color-scheme|favicon)/.test(url)
const isScript = (url: string) => /^\/(fairway|m)\.js$/.test(url)
const isDocs = (url: string) => url.startsWith('/docs')
const isMail = (url: string) => /^\/v\/|\/mailbox\/[^/]+\/html$/.test(url)

/** What is wrong with a reply of this address; empty when nothing is. */
function faults({ headers }: Reply, url: string): string[] {
  const policy = String(headers['content-security-policy'] ?? '')
  const cache = headers['cache-control'] ?? ''
  const wrong: string[] = []
  const must = (holds: boolean, what: string) => holds || wrong.push(what)
  must(headers['x-content-type-options'] === 'nosniff', 'nosniff')
  must(/^(no-referrer|same-origin)$/.test(String(headers['referrer-policy'])), 'referrer-policy')
  must(/(^|; )default-src '(none|self)'/.test(policy), `default-src: ${policy}`)
  must(/(^|; )base-uri 'none'/.test(policy), `base-uri: ${policy}`)
  must(!/upgrade-insecure|script-src[^;]*unsafe|default-src[^;]*(unsafe|http)/.test(policy), `lax: ${policy}`)
  if (isMail(url)) {
    must(headers['x-frame-options'] === 'SAMEORIGIN', 'the console frames it')
    must(policy.includes(`frame-ancestors 'self'`), `frame-ancestors: ${policy}`)
    must(/(^|; )sandbox (?!.*allow-(scripts|forms|same-origin))/.test(policy), `sandbox: ${policy}`)
  } else {
    must(headers['x-frame-options'] === 'DENY', 'x-frame-options')
    must(policy.includes(`frame-ancestors 'none'`), `frame-ancestors: ${policy}`)
  }
  if (!isConsole(url) && !isScript(url) && !isDocs(url)) must(/\bno-store\b/.test(cache), `cache: ${cache}`)
  return wrong.map((what) => `${url}: ${what}`)
}

const fill = ({ url }: GuardedRoute) =>
  url.replace(':project', String(server.projectId)).replace(/:\w+/g, '1').replace('*', 'nothing')

describe('every route', () => {
  it('replies with them, with a key and without, whatever the reply is', async () => {
    expect(http.guardedRoutes.length).toBeGreaterThan(200)
    const wrong: string[] = []
    const statuses = new Set<number>()
    for (const route of http.guardedRoutes)
      for (const headers of [{}, authorised()]) {
        const reply = await send(route.method, fill(route), headers)
        statuses.add(reply.status)
        wrong.push(...faults(reply, route.url).map((fault) => `${route.method} ${reply.status} ${fault}`))
      }
    expect(wrong).toEqual([])
    // Good ones and errors of several kinds were among them.
    expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 404, 422]))
  }, 300_000)
})

describe('what has no route', () => {
  it.each([
    ['GET', '/nothing', 404],
    ['GET', '/api/v1/nothing', 404],
    ['POST', '/people', 404],
    ['PATCH', '/', 404],
    ['GET', '/api/v1/%E0%A4%A', 400],
    ['GET', '/a/../b', 400],
    ['GET', `/api/v1/projects/${'1'.repeat(2_000)}/settings`, 414],
    ['GET', '/u/nothing', 404],
    ['GET', '/v/nothing', 404],
    ['GET', '/api/v1/session/link?token=x', 303],
    ['GET', '/docs/static/index.html', 302],
  ])('%s %s', async (method, path, status) => {
    const reply = await send(method, path)
    expect(reply.status).toBe(status)
    expect(faults(reply, path)).toEqual([])
  })

  it("the console's page, under whatever address it is opened", async () => {
    for (const path of ['/', '/people', '/people/17', '/sign-in']) {
      const reply = await send('GET', path, { accept: 'text/html' })
      expect(reply.status).toBe(200)
      expect(faults(reply, '/')).toEqual([])
      expect(reply.headers['content-security-policy']).toContain(`script-src 'self'`)
      expect(reply.headers['cross-origin-opener-policy']).toBe('same-origin')
    }
  })

  it('what is not HTTP', async () => {
    const text = await new Promise<string>((done, fail) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
      let all = ''
      socket.on('data', (chunk) => (all += chunk)).on('error', fail)
      socket.on('close', () => done(all))
      socket.write('NONSENSE\r\n\r\n')
    })
    const lines = text.split('\r\n\r\n')[0]!.split('\r\n').slice(1)
    const headers = Object.fromEntries(lines.map((line) => line.split(': ', 2)))
    expect(faults({ status: 400, headers }, '/')).toEqual([])
    expect(headers['cache-control']).toBe('no-store')
  })
})

it('a stream has them, too', async () => {
  const reply = await send('GET', project('/live'), authorised())
  expect(reply.headers['content-type']).toContain('event-stream')
  expect(faults(reply, '/live')).toEqual([])
})
