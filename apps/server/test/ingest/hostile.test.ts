import { connect } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type IntakeServer, request, startIntakeServer } from './helpers.ts'

let server: IntakeServer
let key: string

beforeAll(async () => {
  server = await startIntakeServer()
  key = server.trackingKey
})
afterAll(() => server?.close())

const utf8 = (text: string) => new TextEncoder().encode(text)
const sendRaw = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  request(server, 'POST', `/api/v2/events/track?auth_token=${key}`, body, {
    'content-type': 'application/json',
    ...headers,
  })
const event = (data: string) => `{"identity":{"id":1},"event_name":"x","data":${data}}`

/** A 4xx that says something, and names `field`. */
async function refused(
  body: string | Uint8Array,
  status: number,
  says: RegExp,
  field?: string,
  headers = {},
) {
  const reply = await sendRaw(body, headers)
  expect(reply).toMatchObject({ status, body: { status, message: expect.stringMatching(says) } })
  if (field !== undefined) expect(reply.body).toMatchObject({ field })
}

async function acceptedData(body: string | Uint8Array, headers = {}) {
  expect(await sendRaw(body, headers)).toMatchObject({ status: 200 })
  const [item] = await server.take(1)
  return (item as { properties: Record<string, unknown> }).properties
}

describe('bodies that are not what they should be', () => {
  it.each([
    ['', /identity is missing/],
    ['null', /must be a JSON object/],
    ['[]', /must be a JSON object/],
    ['"text"', /must be a JSON object/],
    ['12', /must be a JSON object/],
    ['{"identity":{"id":1}', /ends early.*Content-Length counts bytes/],
    ['{"identity":{"id":1},"event_name":"Purch', /ends early/],
    ['{"identity":', /ends early/],
    ['{"a":1,}', /not valid JSON/],
    ["{'a':1}", /not valid JSON/],
    ['{"a":\u0000}', /not valid JSON/],
    ['{"a":"\u0000"}', /not valid JSON/],
    ['hello', /not valid JSON/],
    ['{"a":NaN}', /not valid JSON/],
  ])('%j', (body, says) => refused(body, 400, says))

  it('is not UTF-8', () =>
    refused(Uint8Array.from([...utf8('{"a":"'), 0xff, 0xc3, ...utf8('"}')]), 400, /not valid UTF-8/))

  it('is UTF-8 cut inside a character', () =>
    refused(utf8(event('{"a":"é"}')).slice(0, -4), 400, /UTF-8|ends early/))

  it('is a file', async () => {
    const form = new FormData()
    form.set('identity', new Blob(['x']), 'x.bin')
    const reply = await request(server, 'POST', `/api/v2/events/track?auth_token=${key}`, form)
    expect(reply).toMatchObject({ status: 400, body: { field: 'identity' } })
  })

  it('is a multipart form cut short, or without its boundary', async () => {
    const type = { 'content-type': 'multipart/form-data; boundary=x' }
    await refused(
      '--x\r\nContent-Disposition: form-data; name="id"\r\n\r\n1',
      400,
      /multipart/,
      undefined,
      type,
    )
    await refused('--x', 400, /multipart/, undefined, { 'content-type': 'multipart/form-data' })
  })

  it('counts its length in characters, as one client does', async () => {
    const body = event('{"name":"Zoë Ångström 你好"}')
    const reply = await overSocket(
      `POST /api/v2/events/track?auth_token=${key} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(reply).toMatch(/^HTTP\/1\.1 400 .*"status":400.*Content-Length counts bytes, not characters/s)
  })
})

describe('compressed bodies', () => {
  const body = utf8(event('{"n":1}'))

  it.each([
    ['gzip', gzipSync(body)],
    ['x-gzip', gzipSync(body)],
    ['GZIP', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['deflate', deflateRawSync(body)],
    ['br', brotliCompressSync(body)],
    ['identity', body],
  ])('reads %s', async (encoding, bytes) => {
    expect(await acceptedData(bytes, { 'content-encoding': encoding })).toEqual({ n: 1 })
  })

  it.each([
    ['gzip', gzipSync(Buffer.alloc(300_000_000, 32))],
    ['deflate', deflateSync(Buffer.alloc(50_000_000, 32))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000, 32))],
  ])('stops a %s bomb at the limit', async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(500_000)
    await refused(bomb, 413, /decompressed body is larger than 512000 bytes/, undefined, {
      'content-encoding': encoding,
    })
  })

  it('says that compressed data is cut, damaged or of an unknown kind', async () => {
    const cut = gzipSync(body).subarray(0, -12)
    await refused(cut, 400, /not complete gzip/, undefined, { 'content-encoding': 'gzip' })
    await refused(body, 400, /not complete gzip/, undefined, { 'content-encoding': 'gzip' })
    await refused(body, 415, /use gzip, deflate, br or none/, undefined, { 'content-encoding': 'compress' })
    await refused(body, 415, /not supported/, undefined, { 'content-encoding': 'gzip, gzip' })
  })
})

describe('contents that can hurt', () => {
  it('NUL, in text, keys, names and ids', async () => {
    await refused(event('{"a":{"b":["x","y\\u0000z"]}}'), 400, /NUL/, 'data.a.b.1')
    await refused(event('{"a\\u0000":1}'), 400, /NUL/, 'data')
    await refused('{"identity":{"id":"a\\u0000"},"event_name":"x"}', 400, /NUL/, 'identity.id')
    await refused('identity[id]=1&event_name=x%00', 400, /NUL/, 'event_name', {
      'content-type': 'text/plain',
    })
  })

  it('halves of surrogate pairs become the replacement character', async () => {
    expect(await acceptedData(event('{"a":"x\\ud83d","\\udc00":"\\ud83d\\ude00"}'))).toEqual({
      a: 'x\ufffd',
      '\ufffd': '😀',
    })
  })

  it('prototype keys change nothing', async () => {
    const data = await acceptedData(
      event('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":1}'),
    )
    expect(data).toEqual({ a: 1, constructor: { prototype: { polluted: 1 } } })
    expect(await acceptedData(event('{"\\u005f_proto__":{"polluted":1}}'))).toEqual({})
    expect({}).not.toHaveProperty('polluted')
    const form =
      'identity[id]=1&event_name=x&data[__proto__][polluted]=1&__proto__[polluted]=1&data[constructor]=1'
    await acceptedData(form, { 'content-type': 'application/x-www-form-urlencoded' })
    expect({}).not.toHaveProperty('polluted')
  })

  it('of a repeated key the last one counts', async () => {
    expect(await acceptedData(event('{"a":1,"a":2}'))).toEqual({ a: 2 })
  })

  it('numbers beyond the range of numbers', async () => {
    await refused(event('{"a":{"b":1e999}}'), 400, /beyond/, 'data.a.b')
    await refused('{"identity":{"id":1e999},"event_name":"x"}', 400, /beyond/, 'identity.id')
    await refused(
      '{"identity":{"id":12345678901234567890},"event_name":"x"}',
      400,
      /as a string/,
      'identity.id',
    )
    expect(await acceptedData(event('{"a":1e308,"b":-0.5,"c":5e-324}'))).toEqual({
      a: 1e308,
      b: -0.5,
      c: 5e-324,
    })
  })

  it('ten thousand keys', async () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `"${i.toString(36)}":0`).join()
    await refused(event(`{${keys}}`), 400, /more than 2000 keys/, 'data')
    const form = Array.from({ length: 10_000 }, (_, i) => `data[${i}]=1`).join('&')
    await refused(form, 400, /too many/, undefined, { 'content-type': 'application/x-www-form-urlencoded' })
  })

  it('depth, small and enormous, in objects, arrays and forms', async () => {
    const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    await acceptedData(event(nested(10)))
    await refused(event(nested(30)), 400, /nested deeper than 20/)
    await refused(event(nested(80_000)), 400, /nested deeper/)
    await refused(event('['.repeat(200_000) + ']'.repeat(200_000)), 400, /nested deeper/)
    await refused(
      `identity[id]=1&event_name=x&data${'[a]'.repeat(500)}=1`,
      400,
      /too deeply nested/,
      undefined,
      {
        'content-type': 'application/x-www-form-urlencoded',
      },
    )
  })

  it('one event beyond 32 KB, one request beyond 500 KB', async () => {
    await acceptedData(event(`{"a":"${'x'.repeat(32_000)}"}`))
    await refused(event(`{"a":"${'x'.repeat(33_000)}"}`), 413, /one event may have 32768/)
    await refused(event(`{"a":"${'x'.repeat(600_000)}"}`), 413, /too large/)
  })

  it('wrong types everywhere', async () => {
    const wrong = ['1', '"x"', 'true', '[1]', '[[]]', '{"a":{}}', '[null]']
    for (const value of wrong)
      for (const field of ['identity', 'event_name', 'extras', 'auth_token']) {
        const fields = { identity: '{"id":1}', event_name: '"x"', extras: '{}', [field]: value }
        const text = Object.entries(fields).map(([name, json]) => `"${name}":${json}`)
        const reply = await sendRaw(`{${text.join()}}`)
        expect(reply.status === 200 || reply.status === 400, `${field}=${value} → ${reply.status}`).toBe(true)
      }
  })
})

describe('bodies that become more than they are', () => {
  beforeAll(async () => {
    await server.settled()
  })
  const gzip = { 'content-encoding': 'gzip' }
  const objects = (count: number) => `{"batch":[${'{},'.repeat(count - 1)}{}]}`
  const send = (path: string, body: string, headers: Record<string, string> = {}) =>
    request(server, 'POST', path, gzipSync(body), { ...gzip, ...headers })

  /** Neither decompressed nor parsed: what is inside is wrong in another way. */
  const broken = new Uint8Array([0x1f, 0x8b, 1, 2, 3])
  it.each([
    ['/v1/track', basic('x'.repeat(20)), /write key/],
    ['/v1/batch?writeKey=unknown-unknown-unknown', {}, /write key/],
    ['/api/v2/events/track?auth_token=unknown-unknown-unknown', {}, /auth_token/],
    ['/api/v1/customers/1/events', {}, /credentials/],
    ['/api/v2/batch', basic('1', 'x'.repeat(20)), /credentials/],
    ['/v1/send/email', {}, /secret key/],
  ])('an unknown key is refused before its body is opened: %s', async (path, headers, says) => {
    const reply = await request(server, 'POST', path, broken, { ...gzip, ...headers })
    expect(reply.status).toBe(401)
    expect(JSON.stringify(reply.body)).toMatch(says)
  })

  it('nobody opens what is sent to a path that takes nothing', async () => {
    expect((await request(server, 'POST', '/v1/nothing', broken, gzip)).status).toBe(404)
    expect((await request(server, 'POST', '/api/v2/nothing', broken, gzip)).status).toBe(404)
    expect((await request(server, 'POST', '/v1/m', broken, gzip)).status).toBe(200)
  })

  it('a key in the body needs a small body', async () => {
    const event = `{"writeKey":"${key}","userId":"1","event":"x","properties":{"a":"${'x'.repeat(60_000)}"}}`
    expect((await send('/v1/track', event)).status).toBe(200)
    await server.take(1)
    const blanks = (bytes: number) => `{"writeKey":"${key}"${' '.repeat(bytes)}}`
    expect(await send('/v1/track', blanks(140_000))).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    })
    expect(await request(server, 'POST', '/v1/track', blanks(140_000))).toMatchObject({
      status: 413,
      body: { message: expect.stringMatching(/131072 bytes.*outside of the body/) },
    })
    // What a browser sends at once.
    expect(await send('/v1/batch', blanks(500_000))).toMatchObject({ status: 400, body: { field: 'batch' } })
    expect(await send('/v1/batch', blanks(520_000))).toMatchObject({ status: 413 })
  })

  it('values are counted before they are made', async () => {
    const own = basic(key)
    expect(await send('/v1/batch', objects(500_000), own)).toMatchObject({
      status: 413,
      body: { message: expect.stringMatching(/more than 419430 values/) },
    })
    expect(await send('/v1/batch', objects(100_000), own)).toMatchObject({
      status: 413,
      body: { message: expect.stringMatching(/20000/), field: 'batch' },
    })
    expect(await send('/v1/track', objects(30_000), own)).toMatchObject({
      status: 413,
      body: { message: expect.stringMatching(/more than 20000 values/) },
    })
    expect(await send('/v1/batch', objects(60_000))).toMatchObject({
      status: 413,
      body: { message: expect.stringMatching(/more than 51200 values/) },
    })
    expect(await send('/api/v2/batch', objects(60_000), basic('', key))).toMatchObject({
      status: 413,
      body: { errors: [{ message: expect.stringMatching(/more than 51200 values/) }] },
    })
    await refused(objects(30_000), 413, /more than 20000 values/)
    const form = `identity[id]=1&event_name=x&data=${encodeURIComponent(objects(30_000))}`
    await refused(form, 413, /more than 20000 values/, undefined, {
      'content-type': 'application/x-www-form-urlencoded',
    })
  })

  it('a text may be made of brackets', async () => {
    const text = '[{,"\\'.repeat(4_000)
    expect(await acceptedData(event(JSON.stringify({ text })))).toEqual({ text })
  })

  it('multipart is read up to its first mistake', async () => {
    const type = { 'content-type': 'multipart/form-data; boundary=b' }
    await refused(gzipSync(`${'--b\r\n\r\n'.repeat(60_000)}--b--`), 400, /Malformed part header/, undefined, {
      ...gzip,
      ...type,
    })
    const field = (name: string) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n1\r\n`
    const fields = Array.from({ length: 400 }, (_, i) => field(`data[k${i}]`)).join('')
    const most = `${field('identity[id]')}${field('event_name')}${fields}--b--`
    expect(Object.keys(await acceptedData(most, type))).toHaveLength(400)
    const part = field('data[a]')
    await refused(`${part.repeat(1_100)}--b--`, 400, /more than 1,000 fields/, undefined, type)
    await refused(`${'--b\r\nx: 1\r\n\r\n1\r\n'.repeat(1_100)}--b--`, 400, /more than 1,000/, undefined, type)
  })
})

describe('anything at all', () => {
  const paths = [
    ['POST', '/api/v2/users/track'],
    ['PUT', '/api/v2/users/edit'],
    ['PUT', '/api/v2/users/tags/edit'],
    ['DELETE', '/api/v2/users/delete'],
    ['POST', '/api/v2/events/track'],
    ['POST', '/v1/identify'],
    ['POST', '/v1/track'],
    ['POST', '/v1/page'],
    ['POST', '/v1/group'],
    ['POST', '/v1/alias'],
    ['POST', '/v1/batch'],
    ['PUT', '/api/v1/customers/5'],
    ['POST', '/api/v1/customers/5/events'],
    ['PUT', '/api/v1/customers/5/devices'],
    ['POST', '/api/v1/merge_customers'],
    ['POST', '/api/v2/entity'],
    ['POST', '/api/v2/batch'],
  ] as const

  /** Names that the parsers know make random objects get further than the first check. */
  const name = fc.constantFrom(
    ...[
      'id',
      'email',
      'identity',
      'event_name',
      'data',
      'extras',
      'created_at',
      'channels',
      'add',
      'remove',
      'batch',
    ],
    ...[
      'userId',
      'anonymousId',
      'type',
      'event',
      'traits',
      'context',
      'device',
      'timestamp',
      'sentAt',
      'previousId',
    ],
    ...[
      'action',
      'identifiers',
      'attributes',
      'name',
      'primary',
      'secondary',
      'preferences',
      'topics',
      '__proto__',
    ],
  )
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.jsonValue(),
      fc.constantFrom(
        'identify',
        'track',
        'person',
        'event',
        '1',
        5,
        null,
        'a@b.co',
        '2026-01-01',
        '\0',
        '\ud800',
      ),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(name, fc.string({ unit: 'binary' })), tie('value'), { maxKeys: 8 }),
    ),
  })).value
  const body = fc.oneof(
    json.map((value) => JSON.stringify(value)),
    fc.dictionary(name, json).map((value) => JSON.stringify(value)),
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'binary' }).map((text) => `identity[${text}]=1&data=${text}`),
  )
  const headers = fc.record(
    {
      'content-type': fc.constantFrom(
        'application/json',
        'text/plain',
        'multipart/form-data; boundary=x',
        'x',
        '/',
      ),
      'content-encoding': fc.constantFrom('gzip', 'deflate', 'br', 'identity'),
    },
    { requiredKeys: [] },
  )

  it('is never answered with a 5xx, and what is accepted can be stored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), body, headers, async ([method, path], bytes, sent) => {
        const query = path.startsWith('/api/v2') ? `?auth_token=${key}` : ''
        const auth = path.startsWith('/api/v2/users') ? {} : basic(path.startsWith('/v1') ? key : '', key)
        const reply = await request(server, method, path + query, bytes, { ...sent, ...auth } as Record<
          string,
          string
        >)
        expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(500)
        expect(reply.status).not.toBe(401)
      }),
      { numRuns: 1_500 },
    )
    for (const item of await server.settled()) {
      // As PostgreSQL would see it.
      const { rows } = await server.app.pool.query('select $1::jsonb as item', [JSON.stringify(item)])
      expect(rows[0].item.acceptedAt).toBe(item.acceptedAt)
    }
  })
})

function overSocket(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect(Number(port), hostname, () => socket.end(text))
    socket.on('data', (chunk) => (reply += chunk))
    socket.on('end', () => resolve(reply))
    socket.on('error', reject)
  })
}
