import { APIClient, SendEmailRequest } from 'customerio-node'
import { simpleParser } from 'mailparser'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { addPerson, addTemplate, deliver, stateOf } from '../../messaging/messages/support.ts'

let server: TestServer
let client: APIClient

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
  client = new APIClient(server.secretKey, { url: `${server.url}/v1` })
})
afterAll(() => server.close())

const send = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/v1/send/email`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.secretKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const direct = { to: 'a@x.example', from: 'Shop <hello@shop.example>', subject: 'Hi', body: '<p>Hi</p>' }

async function mailOf(id: string) {
  await deliver(server.app, server.projectId, [id])
  const { rows } = await server.app.pool.query(
    'select source, envelope_to from mailbox where message_id = $1',
    [id],
  )
  return { ...(await simpleParser(rows[0].source)), envelopeTo: rows[0].envelope_to as string[] }
}

describe('what the law asks for', () => {
  test('reaches who unsubscribed, with its reason on record, and nobody who is suppressed', async () => {
    const { app, projectId } = server
    await addPerson(app, projectId, { id: 'told', email: 'told@x.example', subscribed: false })
    const reply = await send({ ...direct, to: 'told@x.example', legal_reason: 'Data breach\nnotice' })
    const { delivery_id: id } = (await reply.json()) as { delivery_id: string }
    const { rows } = await app.pool.query('select origin, consent from messages where id = $1', [id])
    expect(rows).toEqual([{ origin: 'api', consent: { kind: 'legal', reason: 'Data breach notice' } }])
    expect((await mailOf(id)).headers.has('list-unsubscribe')).toBe(false)
    await app.pool.query(
      `insert into suppressions (project_id, address, reason) values ($1, 'told@x.example', 'complaint')`,
      [projectId],
    )
    const again = (await (await send({ ...direct, to: 'told@x.example', legal_reason: 'x' })).json()) as {
      delivery_id: string
    }
    await deliver(app, projectId, [again.delivery_id])
    expect(await stateOf(app, projectId, again.delivery_id)).toMatchObject({
      state: 'skipped',
      reason: 'suppressed',
    })
  })

  test.each([
    ['an empty reason', { legal_reason: ' ' }],
    ['a reason that is no text', { legal_reason: true }],
    ['one that is too long', { legal_reason: 'x'.repeat(301) }],
    ['one beside a wish to heed the opt-out', { legal_reason: 'x', send_to_unsubscribed: false }],
  ])('%s is refused', async (_, over) => {
    const reply = await send({ ...direct, ...over })
    expect(reply.status).toBe(400)
    expect(await reply.json()).toMatchObject({ meta: { field: 'legal_reason' } })
  })
})

describe("Customer.io's client, unmodified", () => {
  test('sends a template by key to a person, with data and an attachment', async () => {
    await addPerson(server.app, server.projectId, {
      id: 'cus-1',
      email: 'ann@x.example',
      properties: { first_name: 'Ann' },
    })
    await addTemplate(server.app, server.projectId, {
      key: 'receipt',
      subject: 'Order {{ trigger.order }}',
      html: '<p>Dear {{ customer.first_name }}, {{ message_data.total | precision: 2 }} {{ trigger.items[0].name }}</p>',
    })
    const request = new SendEmailRequest({
      to: 'ann@x.example',
      identifiers: { id: 'cus-1' },
      transactional_message_id: 'receipt',
      message_data: { order: 'Ö-7', total: 12.5, items: [{ name: 'Bread' }] },
      bcc: 'books@shop.example',
      reply_to: 'help@shop.example',
      preheader: 'Thanks!',
      headers: { 'X-Order': 'Ö-7' },
      send_to_unsubscribed: true,
      tracked: false,
    })
    request.attach('invoice.pdf', Buffer.from('%PDF-1.7'))
    const reply = (await client.sendEmail(request)) as { delivery_id: string; queued_at: number }
    expect(reply.delivery_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(Math.abs(reply.queued_at - Date.now() / 1000)).toBeLessThan(120)

    const mail = await mailOf(reply.delivery_id)
    expect(mail.subject).toBe('Order Ö-7')
    expect(mail.text).toContain('Dear Ann, 12.50 Bread')
    expect(mail.html).toContain('Thanks!')
    expect(mail.envelopeTo).toEqual(['ann@x.example', 'books@shop.example'])
    expect(mail.headers.has('bcc')).toBe(false)
    expect(mail.headers.get('x-order')).toBe('=?UTF-8?B?w5YtNw==?=')
    expect(mail.headers.has('list-unsubscribe')).toBe(false)
    expect(mail.replyTo?.text).toBe('help@shop.example')
    expect(mail.attachments.map(({ filename, content }) => [filename, content.toString()])).toEqual([
      ['invoice.pdf', '%PDF-1.7'],
    ])
  })

  test('sends to an address that is no person', async () => {
    const reply = (await client.sendEmail(
      new SendEmailRequest({
        ...direct,
        to: 'Nobody Known <nobody@x.example>, second@x.example',
        identifiers: { email: 'nobody@x.example' },
        body: '<p>{{ customer.email }}</p>',
        body_plain: 'Own text',
      }),
    )) as { delivery_id: string }
    const mail = await mailOf(reply.delivery_id)
    expect(mail.envelopeTo).toEqual(['nobody@x.example', 'second@x.example'])
    expect(mail.html).toContain('nobody@x.example')
    expect(mail.text?.trim()).toBe('Own text')
  })

  test('reads our errors', async () => {
    const unknown = client.sendEmail(
      new SendEmailRequest({ to: 'a@x.example', identifiers: { id: 1 }, transactional_message_id: 'nope' }),
    )
    await expect(unknown).rejects.toMatchObject({ statusCode: 404, message: expect.stringContaining('nope') })
    const stranger = new APIClient('fw_secret_unknownunknown', { url: `${server.url}/v1` })
    await expect(
      stranger.sendEmail(new SendEmailRequest({ ...direct, identifiers: { id: 1 } })),
    ).rejects.toMatchObject({
      statusCode: 401,
    })
  })
})

describe('idempotency', () => {
  test('one key is one message, by header and by field, at the same time too', async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, () =>
        send(direct, { 'idempotency-key': 'order-1' }).then((reply) => reply.json()),
      ),
    )
    const again = await (await send({ ...direct, idempotency_key: 'order-1' })).json()
    const ids = new Set([...replies, again].map((reply) => reply.delivery_id))
    expect(ids.size).toBe(1)
    const { rows } = await server.app.pool.query('select id from messages where cause = $1', [
      'transactional:order-1',
    ])
    expect(rows).toHaveLength(1)
    const stats = await server.app.queue.stats()
    expect(stats.find(({ lane }) => lane === 'transactional')).toBeDefined()
  })

  test('one key with another request is an error, and nothing is sent', async () => {
    const header = { 'idempotency-key': 'order-2' }
    const first = await (
      await send({ ...direct, message_data: { a: 1, b: { c: 2, d: [3] } } }, header)
    ).json()
    const other = await send({ ...direct, message_data: { a: 1, b: { c: 2, d: [4] } } }, header)
    expect(other.status).toBe(422)
    expect(await other.json()).toMatchObject({
      meta: {
        field: 'idempotency_key',
        error: expect.stringMatching(`order-2.*${first.delivery_id}.*nothing was sent`),
      },
    })
    // The order of members says nothing, and where the key stands neither.
    const same = { message_data: { b: { d: [3], c: 2 }, a: 1 }, ...direct, idempotency_key: 'order-2' }
    expect(await (await send(same)).json()).toEqual(first)
    const { rows } = await server.app.pool.query(
      `select id from messages where cause = 'transactional:order-2'`,
    )
    expect(rows).toEqual([{ id: first.delivery_id }])
  })

  test('of requests at the same time with one key, one is sent and the others are told', async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        send({ ...direct, subject: `No. ${i}` }, { 'idempotency-key': 'order-3' }),
      ),
    )
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(422)])
  })

  test('a key of before says nothing of its request', async () => {
    const header = { 'idempotency-key': 'order-4' }
    const first = await (await send(direct, header)).json()
    await server.app.pool.query('update messages set request_fingerprint = null where id = $1', [
      first.delivery_id,
    ])
    expect(await (await send({ ...direct, subject: 'Another' }, header)).json()).toEqual(first)
  })
})

describe('scheduling and opt-out', () => {
  test('send_at waits in the queue', async () => {
    const at = Math.floor(Date.now() / 1000) + 86_400
    const { delivery_id: id } = await (await send({ ...direct, send_at: at })).json()
    const { rows } = await server.app.pool.query('select due_at from messages where id = $1', [id])
    expect(rows[0].due_at.getTime()).toBe(at * 1000)
    const stats = await server.app.queue.stats()
    expect(stats.find(({ lane }) => lane === 'transactional')!.scheduledJobs).toBeGreaterThanOrEqual(1)
  })

  test('somebody named before they were stored is found when the mail leaves', async () => {
    const { delivery_id: id } = await (
      await send({ ...direct, identifiers: { id: 'soon' }, body: '{{ customer.name }}' })
    ).json()
    await addPerson(server.app, server.projectId, {
      id: 'soon',
      email: 'soon@x.example',
      properties: { name: 'Soon' },
    })
    expect((await mailOf(id)).html).toContain('Soon')
    const { rows } = await server.app.pool.query('select person_id from messages where id = $1', [id])
    expect(rows[0].person_id).not.toBeNull()
  })

  test('data that must not be kept is forgotten once sent', async () => {
    const { delivery_id: id } = await (
      await send({ ...direct, message_data: { secret: 'x' }, disable_message_retention: true })
    ).json()
    await mailOf(id)
    const { rows } = await server.app.pool.query('select input from messages where id = $1', [id])
    expect(rows[0].input).toEqual({ forget: true })
  })
})

describe('refusals name the field', () => {
  const many = Array.from({ length: 16 }, (_, n) => `p${n}@x.example`).join(',')
  test.each([
    ['to', { ...direct, to: undefined }, 400],
    ['to', { ...direct, to: 'not an address' }, 400],
    ['to', { ...direct, to: 'a@x.example\r\nBcc: b@x.example' }, 400],
    ['to', { ...direct, to: many }, 400],
    ['to', { ...direct, to: ['a@x.example'] }, 400],
    ['from', { ...direct, from: undefined }, 400],
    ['from', { ...direct, from: 'a@x.example, b@x.example' }, 400],
    ['subject', { ...direct, subject: undefined }, 400],
    ['body', { ...direct, body: undefined }, 400],
    ['body', { ...direct, body: 5 }, 400],
    ['headers.Bcc', { ...direct, headers: { Bcc: 'b@x.example' } }, 400],
    ['headers.X: y', { ...direct, headers: { 'X: y': 'b' } }, 400],
    ['identifiers', { ...direct, identifiers: {} }, 400],
    ['message_data', { ...direct, message_data: [1] }, 400],
    ['message_data', { ...direct, message_data: { big: 'x'.repeat(200_000) } }, 413],
    ['attachments', { ...direct, attachments: { 'a.bin': Buffer.alloc(2_200_000).toString('base64') } }, 413],
    ['attachments.a.txt', { ...direct, attachments: { 'a.txt': '&&&' } }, 400],
    ['send_at', { ...direct, send_at: Date.now() / 1000 + 91 * 86_400 }, 400],
    ['send_at', { ...direct, send_at: 'tomorrow' }, 400],
    ['queue_draft', { ...direct, queue_draft: true }, 400],
    ['transactional_message_id', { to: 'a@x.example', transactional_message_id: {} }, 400],
  ])('%s', async (field, body, status) => {
    const reply = await send(body)
    expect([reply.status, (await reply.json()).meta.field]).toEqual([status, field])
  })

  test('malformed bodies and wrong keys', async () => {
    const raw = (body: string, key = server.secretKey) =>
      fetch(`${server.url}/v1/send/email`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body,
      })
    expect((await raw('{"to":')).status).toBe(400)
    expect((await raw('[]')).status).toBe(400)
    expect((await raw(JSON.stringify(direct), server.trackingKey)).status).toBe(403)
    expect((await raw(JSON.stringify(direct))).status).toBe(200)
  })

  test('characters that the database can not hold are replaced, not a 500', async () => {
    const reply = await send({
      ...direct,
      subject: 'a\u0000b\ud800',
      message_data: { x: '\u0000', y: '\\u0000' },
    })
    const { delivery_id: id } = await reply.json()
    expect((await mailOf(id)).subject).toMatch(/^a.?b.?$/u)
  })
})

test("PHP's empty lists are empty objects", async () => {
  const reply = await send({ ...direct, identifiers: [], message_data: [], headers: [], attachments: [] })
  expect(reply.status).toBe(200)
})

describe('send_to_unsubscribed: false', () => {
  async function settle(body: object) {
    const { delivery_id: id } = (await (
      await send({ ...direct, send_to_unsubscribed: false, ...body })
    ).json()) as { delivery_id: string }
    await deliver(server.app, server.projectId, [id])
    const { rows } = await server.app.pool.query('select state, reason from messages where id = $1', [id])
    return rows[0] as { state: string; reason: string | null }
  }
  const skipped = { state: 'skipped', reason: 'unsubscribed' }
  const envelopes = async (subject: string) =>
    (
      await server.app.pool.query<{ to: string[] }>(
        `select b.envelope_to as to from mailbox b join messages m on m.project_id = b.project_id and m.id = b.message_id
         where m.project_id = $1 and m.input -> 'mail' ->> 'subject' = $2`,
        [server.projectId, subject],
      )
    ).rows.map(({ to }) => to)

  test('holds for an address that is only in `to`', async () => {
    const { app, projectId } = server
    await addPerson(app, projectId, { id: 'in', email: 'in@x.example' })
    await addPerson(app, projectId, { id: 'out', email: 'Out@x.example', subscribed: false })
    await app.pool.query(
      `insert into address_consents (project_id, address, register, at, value)
       values ($1, 'nobody@x.example', '$subscribed', 1, false), ($1, 'back@x.example', '$subscribed', 1, true),
         ($1, 'in@x.example', '$subscribed', 1, false)`,
      [projectId],
    )
    expect(await settle({ to: 'out@x.example' })).toEqual(skipped)
    expect(await settle({ to: 'out@x.example', identifiers: { id: 'in' } })).toEqual(skipped)
    expect(await settle({ to: 'Nobody@x.example' })).toEqual(skipped)
    expect(await settle({ to: 'nobody@x.example', identifiers: { id: 'in' } })).toEqual(skipped)
    expect(await settle({ to: 'out@x.example', send_to_unsubscribed: true })).toMatchObject({ state: 'sent' })
    // Whoever holds it subscribed again since.
    for (const to of ['in@x.example', 'back@x.example', 'unknown@x.example'])
      expect(await settle({ to })).toMatchObject({ state: 'sent' })
  })

  test('of several recipients lets those through who did not opt out', async () => {
    await addPerson(server.app, server.projectId, { email: 'left@x.example', subscribed: false })
    const to = 'left@x.example, stays@x.example'
    expect(await settle({ to, bcc: 'left@x.example', subject: 'Several' })).toMatchObject({ state: 'sent' })
    expect(await envelopes('Several')).toEqual([['stays@x.example']])
  })

  test('lets an address that people share decide by whom the message is for, and by all without one', async () => {
    const email = 'family@x.example'
    await addPerson(server.app, server.projectId, { id: 'mother', email })
    await addPerson(server.app, server.projectId, { id: 'son', email, subscribed: false })
    expect(await settle({ to: email })).toEqual(skipped)
    expect(await settle({ to: email, identifiers: { id: 'son' } })).toEqual(skipped)
    expect(await settle({ to: email, identifiers: { id: 'mother' } })).toMatchObject({ state: 'sent' })
  })
})
