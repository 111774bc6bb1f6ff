import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'

/** Bodies and parameters of REST that can't be stored, or are made to cost more than their length. */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())

async function call(method: string, path: string, body?: string | Uint8Array<ArrayBuffer>) {
  const response = await fetch(`${server.url}/api/v1/projects/${server.projectId}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${server.secretKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body,
  })
  return { status: response.status, body: await response.json() }
}

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const keys = (count: number) =>
  JSON.stringify(Object.fromEntries([...Array(count)].map((_, i) => [`k${i}`, i])))
const people = async () => {
  const { rows } = await server.app.pool.query<{ count: number }>('select count(*)::int as count from people')
  return rows[0]!.count
}

describe('a body that would become a million values', () => {
  it.each([
    [
      'brackets inside one another',
      `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      422,
      /deeper than 100/,
    ],
    ['empty objects', `{"a":[${'{},'.repeat(500_000)}{}]}`, 413, /more than 30000 values/],
    ['numbers', `{"a":[${'1,'.repeat(500_000)}1]}`, 413, /more than 30000 values/],
    [
      'an escaped quote before them',
      `{"b":"\\"","a":[${'[],'.repeat(500_000)}[]]}`,
      413,
      /more than 30000 values/,
    ],
  ])('is refused before it is parsed: %s', async (_name, body, status, detail) => {
    expect(await call('POST', '/segments', body)).toMatchObject({
      status,
      body: { detail: expect.stringMatching(detail) },
    })
  })

  it('is not what a long text is', async () => {
    const reply = await call('POST', '/segments', JSON.stringify({ name: '[{,"\\'.repeat(100_000) }))
    expect(reply.status).toBe(422)
    expect(JSON.stringify(reply.body)).not.toMatch(/values|deeper/)
  })
})

/** A person is refused as an item of ingestion is; a prototype's name is no JSON that anybody needs. */
function answerOf(path: string, detail: RegExp) {
  if (detail.source === 'no property') return { status: 400, code: 'malformed_json' }
  return path === '/people/id:nobody'
    ? { status: 400, code: 'bad_request' }
    : { status: 422, code: 'invalid_field' }
}

describe('a body that is refused leaves nothing behind', () => {
  const refused: [body: string, field: string, detail: RegExp][] = [
    ['{"properties":{"name":"a\\u0000b"}}', 'properties.name', /NUL/],
    ['{"properties":{"a\\u0000b":1}}', 'properties', /NUL/],
    ['{"properties":{"list":[{"x":"\\u0000"}]}}', 'properties.list.0.x', /NUL/],
    ['{"topics":{"a\\u0000":true}}', 'topics', /NUL/],
    ['{"language":"\\u0000"}', 'language', /NUL/],
    [`{"properties":{"deep":${nested(30)}}}`, 'properties.deep.a.a', /nested deeper than 20/],
    [`{"properties":{"deep":${'['.repeat(90)}${']'.repeat(90)}}}`, 'properties.deep.0.0', /deeper/],
    [`{"properties":${keys(2_001)}}`, 'properties', /more than 2000 keys/],
    ['{"properties":{"x":1e999}}', 'properties.x', /beyond/],
    ['{"properties":{"__proto__":{"admin":true}}}', 'properties.__proto__', /no property/],
    ['{"properties":{"\\u005f_proto__":1}}', 'properties.__proto__', /no property/],
    ['{"constructor":{"prototype":{"admin":true}}}', 'constructor', /no property/],
  ]

  it.each([
    'PUT /people/id:nobody',
    'PATCH /people/id:nobody',
    'POST /people/id:nobody/tags',
    'POST /people/id:nobody/devices',
  ])('%s', async (route) => {
    const [method, path] = route.split(' ') as [string, string]
    for (const [body, field, detail] of refused) {
      const reply = await call(method, path, body)
      const answer = answerOf(path, detail)
      expect(reply, body.slice(0, 80)).toMatchObject({
        status: answer.status,
        body: { code: answer.code, field, detail: expect.stringMatching(detail) },
      })
    }
    expect(await people()).toBe(0)
  })

  it('nor does a person whose properties are refused by the rules of people', async () => {
    const huge = Object.fromEntries([...Array(30)].map((_, i) => [`text ${i}`, 'x'.repeat(60_000)]))
    const reply = await call('PUT', '/people/id:heavy', JSON.stringify({ properties: huge }))
    expect([413, 422]).toContain(reply.status)
    expect(await people()).toBe(0)
  })

  it.each([
    ['', 'empty'],
    ['{"name":', 'not valid JSON'],
    [Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'UTF-8'],
  ])('nor one that can not be read: %s', async (body, detail) => {
    const reply = await call('PUT', '/people/id:nobody', body)
    expect(reply).toMatchObject({
      status: 400,
      body: { code: 'malformed_json', detail: expect.stringContaining(detail) },
    })
    expect(await people()).toBe(0)
  })
})

it('a transactional mail has limits as well, told as its API tells errors', async () => {
  const mail = { to: 'a@example.com', from: 'b@example.com', subject: 'Hi', body: '<p>Hi' }
  const send = async (data: string) => {
    const response = await fetch(`${server.url}/v1/send/email`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.secretKey}` },
      body: `${JSON.stringify(mail).slice(0, -1)},"message_data":${data}}`,
    })
    return { status: response.status, body: await response.json() }
  }
  for (const [data, field] of [
    [nested(90), 'message_data.a.a.a'],
    ['{"a":1e999}', 'message_data.a'],
  ] as const)
    expect(await send(data)).toMatchObject({ status: 400, body: { meta: { field } } })
  expect((await server.app.pool.query('select 1 from messages')).rowCount).toBe(0)
  expect((await send('{"half":"\\ud83d"}')).status).toBe(200)
})

describe('a body that is fine', () => {
  it('is stored as it came, words of JavaScript included; half of a pair becomes U+FFFD', async () => {
    const properties = '{"constructor":"Ford","toString":"x","half":"\\ud83d","whole":"\\ud83d\\ude00"}'
    const reply = await call('PUT', '/people/id:ada', `\ufeff{"properties":${properties}}`)
    expect(reply.status).toBe(200)
    expect(reply.body.properties).toEqual({ constructor: 'Ford', toString: 'x', half: '\ufffd', whole: '😀' })
  })

  it('may hold as many conditions, and in as many levels, as conditions may have', async () => {
    const leaf = { person: 'plan', operator: 'one_of', value: [...Array(100)].map((_, i) => `v${i}`) }
    let conditions: object = { all: [...Array(80)].map(() => leaf) }
    for (let level = 1; level < 9; level++) conditions = { any: [conditions] }
    const reply = await call('POST', '/segments', JSON.stringify({ name: 'Many', conditions }))
    expect(reply, JSON.stringify(reply.body)).toMatchObject({ status: 201 })
  })
})

describe('parameters that can not be stored name themselves', () => {
  it.each([
    ['/people?cursor=a%00b', 'cursor'],
    ['/people?search=%00', 'search'],
    ['/mailbox?cursor=99999999999999999999999', 'cursor'],
    ['/mailbox?cursor=1e300', 'cursor'],
    ['/mailbox/9007199254740993', 'mail'],
    ['/mailbox/1e999', 'mail'],
    ['/people/id:a%00b', 'person'],
    ['/catalog/properties/a%00/values', 'name'],
    ['/events?name=%00', 'name'],
    ['/messages?cursor=%00', 'cursor'],
    ['/tasks/99999999999999999999', 'task'],
    ['/imports/1e400', 'import'],
    ['/segments/99999999999', 'segment'],
  ])('%s', async (path, field) => {
    const reply = await call('GET', path)
    expect(reply, JSON.stringify(reply.body)).toMatchObject({
      status: 422,
      body: { code: 'invalid_field', field },
    })
  })
})
