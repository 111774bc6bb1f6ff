import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { until } from '../../../../../testing/until.ts'
import { isNoId, noIds } from '../../../src/audience/items/no-id.ts'
import { checkItem } from '../../../src/ingest/process-check.ts'
import { type Importer, startImporter } from '../../exchange/imports/support.ts'
import { basic, request } from '../../ingest/helpers.ts'
import { event, merge } from '../../ingest/process-support.ts'

const values = [...noIds]
const required = [
  'null',
  'undefined',
  'NaN',
  'none',
  'nil',
  '[object Object]',
  'anonymous',
  'guest',
  '0',
  '-1',
  'true',
  'false',
]
required.push('unknown', 'n/a', 'not_authenticated', 'distinct_id')
/** What spreadsheets and statistics have in a cell without a value. */
required.push(
  '-',
  '--',
  '—',
  '?',
  '...',
  '#VALUE!',
  '#REF!',
  '#NAME?',
  '#DIV/0!',
  '#WERT!',
  '#NV',
  '#N/A',
  'NA',
  'n.a.',
)

/** A value as programs really send it. */
const spelled = fc
  .tuple(
    fc.constantFrom(...values),
    fc.constantFrom(
      (text: string) => text,
      (text: string) => text.toUpperCase(),
      (text: string) => text[0]!.toUpperCase() + text.slice(1),
      (text: string) => ` ${text}\t`,
      (text: string) => `"${text}"`,
      (text: string) => `“${text}”`,
      (text: string) => `\u200b${text[0]}\u00ad${text.slice(1)}`,
      (text: string) =>
        text.replace(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
    ),
  )
  .map(([text, spell]) => spell(text))

describe('the list', () => {
  it('has what the documentation promises, compared without case, spaces and quotes', () => {
    for (const value of required) expect(isNoId(value), value).toBe(true)
    fc.assert(fc.property(spelled, isNoId))
    for (const id of [
      '1',
      '42',
      '00',
      '-12',
      'nullable',
      'guest-7',
      'true-42',
      'a@example.com',
      '0x0',
      '',
      'na',
      'Na',
      'nA',
      '-a',
      'n-a',
      '#42',
      '#a',
      'a!',
      'a?',
      '__a',
      '#a b!',
    ])
      expect(isNoId(id), id).toBe(false)
  })

  it('is looked at again when an item is processed, for those accepted by a version before', () => {
    const refused = (id: string) => [
      checkItem(event(id, 0)),
      checkItem(event({ anonymousId: id }, 0)),
      checkItem(merge(id, 'A', 0)),
      checkItem(merge('A', id, 0)),
    ]
    fc.assert(
      fc.property(spelled, (id) =>
        refused(id).every((reason) => reason?.includes('no id: programs send it')),
      ),
    )
  })
})

type Call = (id: unknown) => {
  method: string
  path: string
  body?: unknown
  key: 'track' | 'basic' | 'secret'
}

const track =
  (path: string, body: (id: unknown) => object): Call =>
  (id) => ({ method: 'POST', path: `/api/v2/${path}`, body: body(id), key: 'track' })
const segment =
  (type: string, body: (id: unknown) => object): Call =>
  (id) => ({ method: 'POST', path: `/v1/${type}`, body: body(id), key: 'basic' })
const customer =
  (method: string, path: (id: string) => string, body?: (id: unknown) => object): Call =>
  (id) => ({ method, path: `/api/v1${path(encodeURIComponent(String(id)))}`, body: body?.(id), key: 'basic' })
const entity =
  (body: (id: unknown) => object): Call =>
  (id) => ({
    method: 'POST',
    path: '/api/v2/entity',
    body: { type: 'person', ...body(id) },
    key: 'basic',
  })
const rest =
  (method: string, path: (id: string) => string, body: (id: unknown) => object): Call =>
  (id) => ({ method, path: path(encodeURIComponent(String(id))), body: body(id), key: 'secret' })

/** Each place of each API where somebody is named. */
const calls: Record<string, Call> = {
  'Track API: users/track': track('users/track', (id) => ({ id, email: 'a@example.com', data: { x: 1 } })),
  'Track API: users/edit': track('users/edit', (id) => ({ id, changes: { x: 1 } })),
  'Track API: users/tags/edit': track('users/tags/edit', (id) => ({ id, add: ['t'] })),
  'Track API: users/reidentify id': track('users/reidentify', (id) => ({ id, new_id: 'A' })),
  'Track API: users/reidentify new_id': track('users/reidentify', (id) => ({ id: 'A', new_id: id })),
  'Track API: users/unsubscribe': track('users/unsubscribe', (id) => ({ id })),
  'Track API: users/resubscribe': track('users/resubscribe', (id) => ({ id })),
  'Track API: users/delete': track('users/delete', (id) => ({ id })),
  'Track API: events/track': track('events/track', (id) => ({ identity: { id }, event_name: 'E' })),
  'Segment: identify userId': segment('identify', (userId) => ({ userId, traits: { x: 1 } })),
  'Segment: identify anonymousId': segment('identify', (anonymousId) => ({ userId: 'A', anonymousId })),
  'Segment: track': segment('track', (userId) => ({ userId, event: 'E' })),
  'Segment: track anonymousId': segment('track', (anonymousId) => ({ anonymousId, event: 'E' })),
  'Segment: page': segment('page', (userId) => ({ userId })),
  'Segment: screen': segment('screen', (anonymousId) => ({ anonymousId })),
  'Segment: group': segment('group', (userId) => ({ userId, groupId: 'G' })),
  'Segment: alias previousId': segment('alias', (previousId) => ({ userId: 'A', previousId })),
  'Segment: alias userId': segment('alias', (userId) => ({ userId, previousId: 'A' })),
  'Segment: alias anonymousId': segment('alias', (anonymousId) => ({ userId: 'A', anonymousId })),
  'Customer.io: customers': customer(
    'PUT',
    (id) => `/customers/${id}`,
    () => ({ x: 1 }),
  ),
  'Customer.io: customers by address with an id': customer(
    'PUT',
    () => '/customers/a%40example.com',
    (id) => ({ id }),
  ),
  'Customer.io: anonymous_id': customer(
    'PUT',
    () => '/customers/A',
    (anonymous_id) => ({ anonymous_id }),
  ),
  'Customer.io: delete': customer('DELETE', (id) => `/customers/${id}`),
  'Customer.io: events': customer(
    'POST',
    (id) => `/customers/${id}/events`,
    () => ({ name: 'E' }),
  ),
  'Customer.io: anonymous events': customer(
    'POST',
    () => '/events',
    (anonymous_id) => ({ name: 'E', anonymous_id }),
  ),
  'Customer.io: devices': customer(
    'PUT',
    (id) => `/customers/${id}/devices`,
    () => ({ device: { id: 'd' } }),
  ),
  'Customer.io: suppress': customer('POST', (id) => `/customers/${id}/suppress`),
  'Customer.io: unsuppress': customer('POST', (id) => `/customers/${id}/unsuppress`),
  'Customer.io: merge primary': customer(
    'POST',
    () => '/merge_customers',
    (id) => ({ primary: { id }, secondary: { id: 'A' } }),
  ),
  'Customer.io: merge secondary': customer(
    'POST',
    () => '/merge_customers',
    (id) => ({ primary: { id: 'A' }, secondary: { id } }),
  ),
  'Customer.io v2: identify': entity((id) => ({
    action: 'identify',
    identifiers: { id },
    attributes: { x: 1 },
  })),
  'Customer.io v2: anonymous': entity((anonymous_id) => ({
    action: 'event',
    name: 'E',
    identifiers: { anonymous_id },
  })),
  'Customer.io v2: merge': entity((id) => ({ action: 'merge', primary: { id: 'A' }, secondary: { id } })),
}
/** Those whose reply is all there is: nothing was accepted. */
const atOnce: Record<string, Call> = {
  'REST: create': rest(
    'PUT',
    (id) => `/people/id:${id}`,
    () => ({ properties: { x: 1 } }),
  ),
  'transactional mail': (id) => ({
    method: 'POST',
    path: '/v1/send/email',
    body: { to: 'a@example.com', from: 'b@example.com', subject: 's', body: 'b', identifiers: { id } },
    key: 'secret',
  }),
}

describe('every API', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server?.close())

  const send = async (call: Call, id: unknown) => {
    const { method, path, body, key } = call(id)
    const project = path.startsWith('/people') ? `/api/v1/projects/${server.projectId}` : ''
    const query = key === 'track' ? `?auth_token=${server.trackingKey}` : ''
    const headers: Record<string, string> =
      key === 'basic'
        ? basic(path.startsWith('/v1/') ? server.trackingKey : '', server.trackingKey)
        : key === 'secret'
          ? { authorization: `Bearer ${server.secretKey}` }
          : {}
    return request(server, method, project + path + query, body, headers)
  }
  const rejects = async () =>
    (
      await server.app.pool.query(
        'select reason, item from ingest_rejects where project_id = $1 order by id',
        [server.projectId],
      )
    ).rows as { reason: string; item: { source: string } }[]

  it('refuses every value with its reason, and lists it among the rejects', async () => {
    const pairs = fc.sample(fc.tuple(fc.constantFrom(...Object.entries(calls)), spelled), 300)
    // Each place at least once, and each value.
    for (const entry of Object.entries(calls)) pairs.push([entry, 'null'])
    for (const value of values) pairs.push([['Segment: track', calls['Segment: track']!], value])
    for (const [[name, call], id] of pairs) {
      const reply = await send(call, id)
      const message = `${name} ${JSON.stringify(id)}: ${JSON.stringify(reply.body)}`
      expect(reply.status, message).toBe(400)
      expect(JSON.stringify(reply.body), message).toContain('no id: programs send it')
    }
    for (const call of Object.values(atOnce)) {
      const reply = await send(call, 'Undefined')
      expect([400, 422]).toContain(reply.status)
      expect(JSON.stringify(reply.body)).toContain('no id: programs send it')
    }
    await until(async () => (await rejects()).length === pairs.length)
    const noted = await rejects()
    expect(new Set(noted.map(({ item }) => item.source))).toEqual(
      new Set(['track_api', 'segment', 'customer_io']),
    )
    for (const { reason } of noted) expect(reason).toContain('no id: programs send it')
    const { rows } = await server.app.pool.query(
      'select external_id, anonymous_id from people where project_id = $1',
      [server.projectId],
    )
    expect(rows).toEqual([])
  })

  it('takes what JSON has for nothing, and an empty text, for an id that is missing', async () => {
    const before = (await rejects()).length
    for (const id of [null, '', '  ', undefined]) {
      const reply = await send(calls['Segment: track']!, id)
      expect(reply).toMatchObject({ status: 400, body: { message: expect.stringContaining('missing') } })
    }
    // Somebody meant an id by an empty text.
    await until(async () => (await rejects()).length === before + 2)
    for (const id of [true, false, 0, -1])
      expect(await send(calls['Track API: users/track']!, id)).toMatchObject({
        status: 400,
        body: { field: 'id', message: expect.stringContaining('no id') },
      })
  })

  it('keeps the rest of a batch', async () => {
    const batch = [
      { type: 'alias', userId: 'A', previousId: 'null' },
      { type: 'track', userId: 'undefined', event: 'E' },
      { type: 'identify', userId: 'B' },
      { type: 'alias', userId: 'B', previousId: 'null' },
      { type: 'identify', userId: 'A' },
    ]
    const reply = await request(server, 'POST', '/v1/batch', { batch }, basic(server.trackingKey))
    expect(reply).toMatchObject({
      status: 200,
      body: { rejected: [{ index: 0 }, { index: 1 }, { index: 3 }] },
    })
    const people = async () =>
      (
        await server.app.pool.query('select external_id from people where project_id = $1 order by 1', [
          server.projectId,
        ])
      ).rows
    await until(async () => (await people()).length === 2)
    expect(await people()).toEqual([{ external_id: 'A' }, { external_id: 'B' }])
  })

  it('merges nobody with a person who got such an id before, and lets them be erased', async () => {
    await server.app.pool.query(
      `insert into people (project_id, external_id) values ($1, 'null'), ($1, 'Jo')`,
      [server.projectId],
    )
    const merged = await send(
      rest(
        'POST',
        () => '/people/id:Jo/merge',
        () => ({ from: 'id:null' }),
      ),
      '',
    )
    expect(merged).toMatchObject({ status: 422, body: { field: 'from' } })
    const erased = await send(
      rest(
        'DELETE',
        () => '/people/id:null',
        () => ({}),
      ),
      '',
    )
    expect(erased.status).toBe(200)
  })
})

describe('imports', () => {
  let server: Importer
  beforeAll(async () => {
    server = await startImporter()
  })
  afterAll(async () => {
    await server?.close()
  })
  const people = () =>
    server.sql('select external_id, anonymous_id from people where project_id = $1', server.projectId)

  it('rejects the rows of an import', async () => {
    const csv = (name: string) => `${name},n\n${values.map((value) => `${value},1`).join('\n')}\n`
    for (const to of ['id', 'anonymous_id']) {
      const mapping = { who: { to }, n: { to: 'property:n' } }
      const done = await server.run(csv('who'), {}, { mapping })
      const rejected = await server.rejects(done.id)
      expect(rejected).toHaveLength(values.length)
      for (const [, column, reason] of rejected) {
        expect(column).toBe('who')
        expect(reason).toContain('no id: programs send it')
      }
    }
    const lines = [{ aliases: [{ id: 'null' }] }, { aliases: [{ anonymousId: 'Undefined' }] }]
    const done = await server.run(
      lines.map((line, i) => JSON.stringify({ id: `real${i}`, ...line })).join('\n'),
      {},
      { mapping: { id: { to: 'id' }, aliases: { to: 'aliases' } } },
    )
    expect(await server.rejects(done.id)).toHaveLength(2)
    expect(await people()).toEqual([])
  })
})
