import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { networkOf } from '../../src/accounts/network.ts'
import { createSignInLink } from '../../src/accounts/sign-in-link.ts'
import type { TrustedProxies } from '../../src/platform/config.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { ConsoleClient, signIn } from './console-client.ts'

let server: TestServer
let second: RunningServer
let clock = Date.now()
const password = 'correct horse battery'

beforeAll(async () => {
  const now = () => new Date(clock)
  server = await startTestServer({ now, config: { role: 'api', trustProxy: 1 } })
  second = await startServer({ ...server.app.config, port: 0 }, pino({ level: 'silent' }), { now })
  const owner = await signIn(server.app, server.url, 'owner@example.com', 'owner')
  await owner.fetch('/api/v1/session/password', { method: 'PUT', body: { newPassword: password } })
})
afterAll(async () => {
  await second.close()
  await server.close()
})
beforeEach(() => {
  clock += 3_600_000
})

let address = 0
/** An address that nobody used before. */
const fresh = () => `198.51.${(++address >> 8) & 255}.${address & 255}`

async function attempt(
  url: string,
  forwardedFor: string,
  options: { body?: object; path?: string; client?: ConsoleClient } = {},
) {
  const { body = { email: 'owner@example.com', password: 'a wrong password' }, path = 'sign-in/email' } =
    options
  const client = options.client ?? new ConsoleClient(url)
  const headers = { 'x-forwarded-for': forwardedFor }
  const response = await client.fetch(`/api/auth/${path}`, { method: 'POST', body, headers })
  await response.arrayBuffer()
  return response
}
const statuses = async (count: number, one: (index: number) => Promise<Response>) => {
  const seen: number[] = []
  for (let index = 0; index < count; index++) seen.push((await one(index)).status)
  return seen
}

describe('by address', () => {
  it('counts over all processes', async () => {
    const from = fresh()
    const seen = await statuses(14, (index) =>
      attempt(index % 2 ? server.url : second.url, from, {
        body: { email: `${index}@example.com`, password },
      }),
    )
    expect(seen).toEqual([...Array(10).fill(401), 429, 429, 429, 429])
    const refused = await attempt(server.url, from)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    clock += 60_000
    expect((await attempt(server.url, from)).status).toBe(401)
  })

  it('counts every attempt of many at once', async () => {
    const from = fresh()
    const replies = await Promise.all(Array.from({ length: 25 }, () => attempt(server.url, from)))
    expect(replies.filter(({ status }) => status === 401)).toHaveLength(10)
  })

  it('counts everything that checks a secret together, whatever its path is called', async () => {
    const from = fresh()
    const paths = [
      'reset-password',
      'verify-password',
      'change-password',
      'change-email',
      'delete-user',
      'sign-in/social',
      'two-factor/verify-totp',
      'made-up',
      'sign-in/email/',
      'sign-in/email?x=1',
      'sign-up/email',
      'request-password-reset',
    ]
    const seen = await statuses(paths.length, (index) => attempt(server.url, from, { path: paths[index]! }))
    expect(seen.map((status) => status === 429)).toEqual([...Array(10).fill(false), true, true])
    const link = await createSignInLink(server.app, { origin: server.url })
    const opened = await new ConsoleClient(server.url).fetch(link.url, {
      headers: { 'x-forwarded-for': from },
    })
    expect(opened.status).toBe(429)
  })

  it('takes the entry that the proxy wrote; what the client says before it changes nothing', async () => {
    const from = fresh()
    const seen = await statuses(12, (index) =>
      attempt(server.url, `203.0.113.${index}, 10.0.0.${index}, ${from}`),
    )
    expect(seen.slice(10)).toEqual([429, 429])
    expect((await attempt(server.url, `${from}, ${fresh()}`)).status).toBe(401)
  })

  it('takes an IPv6 network for one', async () => {
    const seen = await statuses(12, (index) => attempt(server.url, `2001:db8:0:77::${index + 1}`))
    expect(seen.slice(10)).toEqual([429, 429])
  })
})

describe('by account', () => {
  const guess = (index: number) =>
    attempt(index % 2 ? server.url : second.url, fresh(), {
      body: { email: index % 3 ? 'owner@example.com' : ' Owner@Example.com', password: 'wrong password' },
    })

  it('guesses from many addresses are counted together, and a browser that signed in before is not locked out', async () => {
    const known = new ConsoleClient(server.url)
    const right = { email: 'owner@example.com', password }
    expect((await attempt(server.url, fresh(), { body: right, client: known })).status).toBe(200)
    clock += 3_600_000
    const seen = await statuses(33, guess)
    expect(seen.slice(0, 30)).not.toContain(429)
    expect(seen.slice(30)).toEqual([429, 429, 429])

    expect(
      (await attempt(server.url, fresh(), { body: right })).status,
      'the right password from elsewhere',
    ).toBe(429)
    expect(
      (await attempt(server.url, fresh(), { body: right, client: known })).status,
      'a known browser',
    ).toBe(200)
    const other = { email: 'someone@example.com', password }
    expect((await attempt(server.url, fresh(), { body: other })).status, 'other accounts').toBe(401)
    clock += 3_600_000
    expect((await attempt(server.url, fresh(), { body: right })).status).toBe(200)
  })

  it('a known browser of one account is none of another, and a forged cookie is nothing', async () => {
    await statuses(30, guess)
    const stranger = await signIn(server.app, server.url, 'stranger@example.com')
    expect((await attempt(server.url, fresh(), { client: stranger })).status).toBe(429)
    const response = await fetch(`${server.url}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        origin: server.url,
        'x-forwarded-for': fresh(),
        cookie: 'fairway.known_browser=a.b',
      },
      body: JSON.stringify({ email: 'owner@example.com', password }),
    })
    expect(response.status).toBe(429)
  })
})

it('keeps a bounded number of rows, none with an address in it', async () => {
  await attempt(server.url, fresh())
  const { pool } = server.app
  await pool.query(
    `insert into sign_in_attempts select 'x' || n, 1, $1::timestamptz + n * interval '1 microsecond' from generate_series(1, 100100) n`,
    [new Date(clock + 1_000)],
  )
  await statuses(100, () => attempt(server.url, fresh(), { path: 'made-up' }))
  const { rows } = await pool.query('select count(*) from sign_in_attempts')
  expect(rows[0].count).toBeLessThanOrEqual(100_100)
  const { rows: kept } = await pool.query(`select key from sign_in_attempts where key not like 'x%'`)
  expect(kept.length).toBeGreaterThan(0)
  expect(JSON.stringify(kept)).not.toMatch(/198\.51|example/)
})

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['192.0.2.7:4711', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:808:808', '8.8.8.8'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:c000:0207', '192.0.2.7'],
  ['[::ffff:c000:207]:443', '192.0.2.7'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0'],
  ['2001:0DB8::1', '2001:db8:0:0'],
  ['2001:db8:0:0:ffff::1', '2001:db8:0:0'],
  ['[2001:db8::1]:443', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['unknown', 'unknown'],
])('%s counts as %s', (given, network) => expect(networkOf(given)).toBe(network))

describe('FAIRWAY_TRUST_PROXY', () => {
  it.each<[TrustedProxies, string, string]>([
    [false, '203.0.113.1', '127.0.0.1'],
    [1, '203.0.113.1, 203.0.113.2', '203.0.113.2'],
    [2, '203.0.113.1, 203.0.113.2, 10.0.0.1', '203.0.113.2'],
    [2, '203.0.113.1', '203.0.113.1'],
    [['127.0.0.0/8', '10.0.0.0/8'], '203.0.113.1, 203.0.113.2, 10.0.0.1', '203.0.113.2'],
    [['10.0.0.0/8'], '203.0.113.1', '127.0.0.1'],
    [['127.0.0.1'], 'nonsense, 203.0.113.9', '203.0.113.9'],
  ])('%s with X-Forwarded-For: %s is %s', async (trustProxy, forwarded, ip) => {
    const { buildHttpServer } = await import('../../src/http/server.ts')
    const http = await buildHttpServer({ ...server.app, config: { ...server.app.config, trustProxy } })
    let seen: string | undefined
    http.addHook('onResponse', async (request) => void (seen = request.ip))
    await http.inject({ url: '/heartbeat', headers: { 'x-forwarded-for': forwarded } })
    await http.close()
    expect(seen).toBe(ip)
  })
})
