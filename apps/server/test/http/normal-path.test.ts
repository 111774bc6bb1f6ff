import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())

/** As written: fetch would make a path normal before it sends it. */
function request(method: string, path: string, headers: string[] = [], body = '', host = 'localhost') {
  return new Promise<{ status: number; body: Record<string, unknown> }>((done, fail) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += chunk)).on('error', fail)
    socket.on('close', () => {
      const json = text.slice(text.indexOf('\r\n\r\n') + 4)
      done({ status: Number(text.slice(9, 12)), body: json.startsWith('{') ? JSON.parse(json) : { text } })
    })
    const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers]
    socket.write(`${[...head, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`)
  })
}
const authorised = () => [`Authorization: Bearer ${server.secretKey}`]

describe('a path that can be read in two ways is a 400', () => {
  it.each([
    '/api/auth/x/..\\sign-in/email',
    '/api/auth/x/../sign-in/email',
    '/api/auth/./sign-in/email',
    '/api/auth//sign-in/email',
    '//api/auth/sign-in/email',
    '/api/auth/x/%2e%2E/sign-in/email',
    '/api/auth/x/.%2e/sign-in/email',
    '/%61pi/auth/sign-in/email',
    '/api/v1/projects/1/people/id:a%2F..%2Fb/live#x',
    '/api/auth/sign-in/email#x',
    'http://localhost/api/auth/sign-in/email',
    '/..',
    '/.',
    '/api/v2/users/../heartbeat',
    '/%2e%2e/index.html',
  ])('%s', async (path) => {
    for (const method of ['GET', 'POST']) {
      const { status, body } = await request(method, path)
      expect(status).toBe(400)
      expect(JSON.stringify(body)).toContain('The path must')
    }
  })

  it.each([
    ['GET', '/api/v1/projects/1/setting%73'],
    ['POST', '/api/v2/%75sers/track'],
    ['POST', '/v1/%62atch'],
    ['POST', '/api/auth/%73ign-in/email'],
    ['POST', '/api/auth/sign-in%2femail'],
    ['POST', '/api/auth/sign-in%2Femail'],
    ['GET', '/api/auth/get-session%20'],
    ['GET', '/caf\u00e9'],
  ])('%s %s', async (method, path) => {
    expect((await request(method, path)).status).toBe(400)
  })

  it('cannot get around the limit on sign-in: whatever leads to better-auth is what was counted', async () => {
    const { status } = await request('POST', '/api/auth/sign-in%2Femail', [
      `Origin: ${server.url.replace('127.0.0.1', 'localhost')}`,
      'Content-Type: application/json',
    ])
    expect(status).toBe(400)
  })
})

describe('values may hold anything', () => {
  it.each(['a%2Fb', 'a%2Fb%2F..%2Fc', 'a%40b.c', 'a%5Cb', '%61%7E', '.well-known', 'a..b', '%E4%BD%A0'])(
    'people/id:%s',
    async (id) => {
      const put = await request(
        'PUT',
        `/api/v1/projects/${server.projectId}/people/id:${id}`,
        [...authorised(), 'Content-Type: application/json'],
        '{}',
      )
      expect(put.body, JSON.stringify(put.body)).toMatchObject({ externalId: decodeURIComponent(id) })
    },
  )

  it('a trailing slash is the same path, and query strings are not looked at', async () => {
    expect((await request('GET', '/heartbeat/')).status).toBe(200)
    expect((await request('GET', '/heartbeat?x=/../%2e%2e//\\')).status).toBe(200)
  })
})

describe('what is too long or names no host', () => {
  it('is told as a problem document', async () => {
    const long = await request('GET', `/api/v1/projects/1/people/id:${'x'.repeat(2_000)}`, authorised())
    expect(long).toMatchObject({ status: 414, body: { status: 414, code: 'too_long' } })
    const bad = await request('GET', '/api/v1/%E0%A4%A')
    expect(bad).toMatchObject({ status: 400, body: { status: 400, code: 'bad_request' } })
    const headers = await request('GET', `/heartbeat?${'x'.repeat(20_000)}`)
    expect(headers).toMatchObject({ status: 431, body: { status: 431 } })
    const host = await request('POST', '/api/auth/sign-out', ['Origin: http://a b'], '', 'a b')
    expect(host.status).toBe(400)
  })
})
