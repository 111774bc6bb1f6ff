import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { until } from '../../../../testing/until.ts'
import { addressProblem } from '../../src/platform/email-address.ts'
import { basic, request } from './helpers.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())

interface Way {
  /** As the reason names it. */
  field: string
  send: (id: string, email: unknown) => [path: string, body: unknown, key: 'track' | 'basic']
}

const segment =
  (path: string, body: (userId: string, email: unknown) => object): Way['send'] =>
  (id, email) => [`/v1/${path}`, body(id, email), 'basic']
const track =
  (path: string, body: (id: string, email: unknown) => object): Way['send'] =>
  (id, email) => [`/api/v2/${path}`, body(id, email), 'track']

/** Each place where an address comes among other facts, each with the property x = 1. */
const ways: Record<string, Way> = {
  'Segment: traits': {
    field: 'traits.email',
    send: segment('identify', (userId, email) => ({ userId, traits: { x: 1, email } })),
  },
  'Segment: context.traits': {
    field: 'context.traits.email',
    send: segment('identify', (userId, email) => ({
      userId,
      traits: { x: 1 },
      context: { traits: { email } },
    })),
  },
  'Segment: context.traits of an event': {
    field: 'context.traits.email',
    send: segment('track', (userId, email) => ({ userId, event: 'E', context: { traits: { x: 1, email } } })),
  },
  'Segment: a batch': {
    field: 'traits.email',
    send: segment('batch', (userId, email) => ({
      batch: [{ type: 'identify', userId, traits: { x: 1, email } }],
    })),
  },
  'Track API: data': {
    field: 'data.email',
    send: track('users/track', (id, email) => ({ id, data: { x: 1, email } })),
  },
  'Customer.io: attributes': {
    field: 'email',
    send: (id, email) => [`/api/v1/customers/${id}`, { x: 1, email }, 'basic'],
  },
  'Customer.io v2: attributes': {
    field: 'attributes.email',
    send: (id, email) => [
      '/api/v2/entity',
      { type: 'person', action: 'identify', identifiers: { id }, attributes: { x: 1, email } },
      'basic',
    ],
  },
  'Customer.io v2: a batch': {
    field: 'attributes.email',
    send: (id, email) => [
      '/api/v2/batch',
      { batch: [{ type: 'person', action: 'identify', identifiers: { id }, attributes: { x: 1, email } }] },
      'basic',
    ],
  },
}

const bad = fc.oneof(
  fc.constantFrom<unknown>(
    'nobody',
    'a..b@x.example',
    'a\u200b@x.example',
    'Ann <ann@x.example>',
    'a@x.example\r\nBcc: b@x.example',
    'a@x.example,b@x.example',
    `${'a'.repeat(2_000)}@x.example`,
    5,
    true,
    [],
    ['a@x.example'],
    { a: 'a@x.example' },
  ),
  fc.string({ minLength: 1 }).filter((text) => text.trim() !== '' && addressProblem(text) !== undefined),
)

async function send(name: string, id: string, email: unknown): Promise<void> {
  const [path, body, key] = ways[name]!.send(id, email)
  const query = key === 'track' ? `?auth_token=${server.trackingKey}` : ''
  const headers =
    key === 'basic' ? basic(path.startsWith('/v1/') ? server.trackingKey : '', server.trackingKey) : {}
  const method = path.startsWith('/api/v1/') ? 'PUT' : 'POST'
  const reply = await request(server, method, path + query, body, headers)
  expect(reply.status, `${name} ${JSON.stringify(email)}: ${JSON.stringify(reply.body)}`).toBe(200)
}

const rejects = async () =>
  (
    await server.app.pool.query<{ reason: string; rejected: boolean; id: string }>(
      `select reason, rejected, item #>> '{person,id}' as id from ingest_rejects r where project_id = $1 order by r.id`,
      [server.projectId],
    )
  ).rows
const people = async () =>
  (
    await server.app.pool.query<{ id: string; email: string | null; x: number }>(
      `select external_id as id, email, properties -> 'x' as x from people where project_id = $1`,
      [server.projectId],
    )
  ).rows

it('a bad address among the facts of a person costs itself alone, and is listed with its field and reason', async () => {
  const cases = fc.sample(fc.tuple(fc.constantFrom(...Object.keys(ways)), bad), 150)
  for (const name of Object.keys(ways)) cases.push([name, 'a..b@x.example'])
  for (const [index, [name, email]] of cases.entries()) await send(name, `p${index}`, email)
  await until(
    async () => (await people()).length === cases.length && (await rejects()).length >= cases.length,
  )

  for (const { id, email, x } of await people()) expect([id, email, x]).toEqual([id, null, 1])
  const listed = new Map((await rejects()).map((one) => [one.id, one]))
  expect(listed.size).toBe(cases.length)
  expect((await rejects()).length).toBe(cases.length)
  for (const [index, [name, email]] of cases.entries()) {
    const { field } = ways[name]!
    const why = typeof email === 'string' ? addressProblem(email) : 'must be a text'
    expect(listed.get(`p${index}`)).toMatchObject({
      rejected: false,
      reason: `${field} ${why}. The rest of the call was taken`,
    })
  }
})

it('no address, an empty one and a good one are no reason to list anything', async () => {
  const before = (await rejects()).length
  const names = Object.keys(ways)
  for (const [index, name] of names.entries()) {
    await send(name, `none${index}`, null)
    await send(name, `empty${index}`, ' ')
    await send(name, `good${index}`, ` Ann${index}@Müller.example`)
  }
  await until(async () => (await people()).filter(({ id }) => id.startsWith('good')).length === names.length)
  await send(names[0]!, 'last', 'nobody')
  await until(async () => (await rejects()).length > before)
  expect((await rejects()).slice(before).map(({ id }) => id)).toEqual(['last'])
  const good = (await people()).filter(({ id }) => id.startsWith('good'))
  for (const { id, email } of good) expect(email).toBe(`Ann${id.slice(4)}@xn--mller-kva.example`)
})

it('an address that names the person, or is a field of its own, is refused instead', async () => {
  const tries: [method: string, path: string, body: object, field: string][] = [
    ['POST', '/api/v2/users/track', { id: '1', email: 'nobody', data: {} }, 'email'],
    ['PUT', '/api/v2/users/edit', { id: '1', changes: { email: 'nobody' } }, 'changes.email'],
    [
      'POST',
      '/api/v2/events/track',
      { identity: { id: '1', email: 'nobody' }, event_name: 'E' },
      'identity.email',
    ],
    ['PUT', `/api/v1/projects/${server.projectId}/people/id:1`, { email: 'nobody' }, 'email'],
  ]
  for (const [method, path, body, field] of tries) {
    const rest = path.startsWith('/api/v1/')
    const reply = await request(
      server,
      method,
      rest ? path : `${path}?auth_token=${server.trackingKey}`,
      body,
      rest ? { authorization: `Bearer ${server.secretKey}` } : {},
    )
    expect([path, reply.status, (reply.body as { field?: string }).field]).toEqual([
      path,
      rest ? 422 : 400,
      field,
    ])
    expect(JSON.stringify(reply.body)).toContain('it has no @')
  }
})
