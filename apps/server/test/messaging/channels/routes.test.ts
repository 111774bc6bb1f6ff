import { createHash, createPublicKey, createVerify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { refusal, type SmtpSink, startSmtpSink } from '../messages/smtp-sink.ts'
import {
  addMessages,
  addPerson,
  addTemplate,
  deliver,
  ofCampaign,
  plainMail,
  sendThrough,
} from '../messages/support.ts'

let server: TestServer
let sink: SmtpSink

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api', allowPrivateNetworks: true } })
  sink = await startSmtpSink({
    onAuth({ username, password }, _session, callback) {
      if (username === 'me' && password === 'right') callback(null, { user: 'me' })
      else callback(refusal(535, '5.7.8 wrong password'))
    },
    authOptional: true,
    allowInsecureAuth: true,
  })
})
afterAll(async () => {
  await server.close()
  await sink.close()
})

const call = async (method: string, path: string, body?: unknown) => {
  const reply = await fetch(`${server.url}/api/v1/projects/${server.projectId}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${server.secretKey}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    body: body ? JSON.stringify(body) : undefined,
  })
  const text = await reply.text()
  return {
    status: reply.status,
    headers: reply.headers,
    text,
    json: text.startsWith('{') ? JSON.parse(text) : undefined,
  }
}

describe('providers', () => {
  test('are made, tried, changed and removed; the password is never shown', async () => {
    const config = { host: '127.0.0.1', port: sink.port, secure: false, user: 'me', password: 'right' }
    const made = await call('POST', '/providers', {
      kind: 'smtp',
      name: 'Mine',
      config,
      limits: { perSecond: 5 },
    })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({
      active: true,
      limits: { perSecond: 5, connections: 10 },
      config: { hasPassword: true },
    })
    const { id } = made.json
    const stored = await server.app.pool.query('select config from providers where id = $1', [id])
    expect(stored.rows[0].config.toString('latin1')).not.toContain('right')

    const lastTest = async () => (await call('GET', '/providers')).json.items[0].lastTest
    expect(await lastTest()).toBeNull()
    expect((await call('POST', `/providers/${id}/test`)).json).toEqual({ ok: true })
    expect(await lastTest()).toEqual({ at: expect.any(String), error: null })
    expect((await call('POST', `/providers/${id}/test`, {})).status).toBe(200)
    expect((await call('POST', `/providers/${id}/test`, { to: 'me@x.example' })).json).toEqual({ ok: true })
    expect(sink.mails.at(-1)!).toMatchObject({ from: 'me@x.example', to: ['me@x.example'] })
    const given = { to: 'me@x.example', from: 'shop@x.example' }
    expect((await call('POST', `/providers/${id}/test`, given)).status).toBe(200)
    expect(sink.mails.at(-1)!.from).toBe('shop@x.example')
    const { json: template } = await call('POST', '/templates', {
      name: 'a',
      fromAddress: 'Shop <hi@x.example>',
    })
    expect((await call('POST', `/providers/${id}/test`, { to: 'me@x.example' })).status).toBe(200)
    expect(sink.mails.at(-1)!.from).toBe('hi@x.example')
    await call('DELETE', `/templates/${template.id}`)

    const kept = await call('PATCH', `/providers/${id}`, { config: { ...config, password: undefined } })
    expect(kept.json.config.hasPassword).toBe(true)
    const moved = await call('PATCH', `/providers/${id}`, {
      config: { ...config, password: undefined, host: 'evil.example' },
    })
    expect(moved).toMatchObject({ status: 422, json: { field: 'config.password' } })

    await call('PATCH', `/providers/${id}`, { name: 'Ours' })
    expect(await lastTest()).toMatchObject({ error: null })
    // Other settings were not tried.
    await call('PATCH', `/providers/${id}`, { config: { ...config, password: 'wrong' } })
    expect(await lastTest()).toBeNull()
    const failed = await call('POST', `/providers/${id}/test`, {})
    expect(failed).toMatchObject({
      status: 422,
      json: { code: 'provider_failed', detail: expect.stringContaining('535') },
    })
    expect(await lastTest()).toEqual({ at: expect.any(String), error: expect.stringContaining('535') })

    for (const text of [made.text, kept.text, (await call('GET', '/providers')).text])
      expect(text).not.toContain('right')
    expect((await call('DELETE', `/providers/${id}`)).status).toBe(200)
    expect((await call('GET', '/providers')).json.items).toEqual([])
  })

  test('a test goes as far as the sender, without sending: what is said only there is found', async () => {
    const asked: string[] = []
    let answer: Error | null = refusal(530, '5.7.0 Authentication required')
    const strict = await startSmtpSink({
      onMailFrom({ address }, _session, callback) {
        asked.push(address)
        callback(answer)
      },
    })
    const config = { host: '127.0.0.1', port: strict.port, secure: false }
    const { id } = (await call('POST', '/providers', { config })).json
    const tried = () => call('POST', `/providers/${id}/test`)
    expect(await tried()).toMatchObject({
      status: 422,
      json: { detail: expect.stringMatching(/wants a login first.*530 5\.7\.0/) },
    })
    // Nobody has said yet who will send.
    answer = refusal(550, '5.7.1 Sender not allowed')
    expect((await tried()).json).toEqual({ ok: true })
    const { json: template } = await call('POST', '/templates', {
      name: 'b',
      fromAddress: 'Shop <hi@x.example>',
    })
    expect((await tried()).json.detail).toMatch(/takes no mail from this sender.*Sender not allowed/)
    answer = null
    expect((await tried()).json).toEqual({ ok: true })
    expect(asked).toEqual(['', '', 'hi@x.example', 'hi@x.example'])
    expect(strict.mails).toEqual([])
    await call('DELETE', `/templates/${template.id}`)
    await call('DELETE', `/providers/${id}`)
    await strict.close()
  })

  test('a second one is not used before somebody says so, and whoever takes the last away hears what waits', async () => {
    const config = { host: '127.0.0.1', port: sink.port, secure: false }
    const { json: first } = await call('POST', '/providers', { name: 'First', config })
    const { json: second } = await call('POST', '/providers', { name: 'Second', config })
    expect([first.active, second.active]).toEqual([true, false])
    const { json: third } = await call('POST', '/providers', { name: 'Third', config, active: true })
    const used = async () =>
      (await call('GET', '/providers')).json.items
        .filter(({ active }: { active: boolean }) => active)
        .map(({ name }: { name: string }) => name)
    expect(await used()).toEqual(['Third'])
    const { json: switched } = await call('PATCH', `/providers/${second.id}`, { active: true })
    expect(switched.sending).toMatchObject({ through: second.id, waits: { count: 0, more: false } })
    expect(await used()).toEqual(['Second'])

    const { app, projectId } = server
    const ids = await addMessages(app, projectId, [{ input: { to: ['ann@x.example'], mail: plainMail() } }])
    await app.pool.query(`update messages set live = true, waits_for = 'server' where id = $1`, [ids[0]])
    const { json: off } = await call('PATCH', `/providers/${second.id}`, { active: false })
    expect(off).toMatchObject({
      active: false,
      sending: {
        through: null,
        waits: { count: 1, more: false },
        others: [
          { id: third.id, name: 'Third' },
          { id: second.id, name: 'Second' },
          { id: first.id, name: 'First' },
        ],
      },
    })
    for (const { id } of [third, second, first])
      expect((await call('DELETE', `/providers/${id}`)).json.sending).toMatchObject({ through: null })
    await app.pool.query('delete from messages where id = $1', [ids[0]])
  })

  test('internal hosts are refused unless the operator allows them', async () => {
    const strict = await startTestServer({ config: { role: 'api', allowPrivateNetworks: false } })
    try {
      const post = (host: string) =>
        fetch(`${strict.url}/api/v1/projects/${strict.projectId}/providers`, {
          method: 'POST',
          headers: { authorization: `Bearer ${strict.secretKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({ config: { host, port: sink.port, secure: false } }),
        })
      for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '[::1]', '::ffff:10.0.0.1']) {
        expect((await post(host)).status).toBe(422)
      }
      for (const host of [
        'https://smtp.example.com',
        'smtp.example.com/mail',
        'smtp.example.com:587',
        'a b',
      ]) {
        const refused = await post(host)
        expect(refused.status).toBe(422)
        expect(await refused.json()).toMatchObject({
          field: 'config.host',
          detail: expect.stringContaining('must be only the host name, such as smtp.example.com'),
        })
      }
      // A row that was written another way is stopped at the connection.
      await sendThrough(strict.app, strict.projectId, sink.port, { settings: { host: 'localhost' } })
      const before = sink.connections
      const [id] = await addMessages(strict.app, strict.projectId, [
        { input: { to: ['a@x.example'], mail: plainMail() } },
      ])
      const settled = await deliver(strict.app, strict.projectId, [id!])
      expect(settled.snoozed.has(id!)).toBe(true)
      expect(sink.connections).toBe(before)
    } finally {
      await strict.close()
    }
  })
})

describe('DKIM', () => {
  test('mail of an added domain carries a signature that its DNS record verifies', async () => {
    await sendThrough(server.app, server.projectId, sink.port)
    const made = await call('POST', '/domains', { domain: 'Shop.Example' })
    expect(made.status).toBe(201)
    expect(made.json.record.name).toMatch(/^fairway\d{6}\._domainkey\.shop\.example$/)
    expect((await call('POST', '/domains', { domain: 'shop.example' })).status).toBe(409)
    expect((await call('POST', '/domains', { domain: 'not a domain' })).status).toBe(422)
    const stored = await server.app.pool.query('select private_key from sending_domains')
    expect(stored.rows[0].private_key.toString('latin1')).not.toContain('PRIVATE KEY')

    const personId = await addPerson(server.app, server.projectId, { email: 'a@x.example' })
    const templateId = await addTemplate(server.app, server.projectId, {
      from_address: 'Bøtik <news@mail.shop.example>',
      subject: 'Grüße 🎉',
      html: '<p>æøå</p>\n<p>.</p>\n',
    })
    const [id] = await addMessages(server.app, server.projectId, [{ ...ofCampaign, personId, templateId }])
    await deliver(server.app, server.projectId, [id!])
    const source = sink.mails.at(-1)!.source.toString('latin1')
    expect(verifyDkim(source, made.json.record.value)).toEqual({ body: true, signature: true })
    const signed = /[; ]h=([^;]+);/
      .exec(source.replace(/\r\n\s+/g, ''))![1]!
      .toLowerCase()
      .replace(/\s/g, '')
      .split(':')
    expect(signed).toEqual(
      expect.arrayContaining(['from', 'to', 'subject', 'list-unsubscribe', 'list-unsubscribe-post']),
    )
    expect(verifyDkim(source.replace('One-Click', 'No-Click!'), made.json.record.value).signature).toBe(false)

    expect((await call('DELETE', '/domains/shop.example')).status).toBe(204)
    const [other] = await addMessages(server.app, server.projectId, [{ ...ofCampaign, personId, templateId }])
    await deliver(server.app, server.projectId, [other!])
    expect(sink.mails.at(-1)!.source.toString()).not.toContain('DKIM-Signature')
  })
})

/** RFC 6376 for relaxed/relaxed and rsa-sha256, on its own feet: the mail must not be judged by what signed it. */
function verifyDkim(source: string, record: string): { body: boolean; signature: boolean } {
  const split = source.indexOf('\r\n\r\n')
  const fields = source.slice(0, split).split(/\r\n(?![ \t])/)
  const relax = (field: string) => {
    const colon = field.indexOf(':')
    const value = field
      .slice(colon + 1)
      .replace(/\r\n/g, '')
      .replace(/[ \t]+/g, ' ')
      .trim()
    return `${field.slice(0, colon).toLowerCase().trim()}:${value}`
  }
  const own = fields.find((field) => /^dkim-signature:/i.test(field))!
  const tags = Object.fromEntries(
    own
      .slice(own.indexOf(':') + 1)
      .replace(/\r\n/g, '')
      .split(';')
      .map((tag) => tag.trim())
      .filter(Boolean)
      .map((tag) => [
        tag.slice(0, tag.indexOf('=')).trim(),
        tag.slice(tag.indexOf('=') + 1).replace(/\s+/g, ''),
      ]),
  )
  const body = `${source
    .slice(split + 4)
    .split('\r\n')
    .map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
    .join('\r\n')
    .replace(/(\r\n)*$/, '')}\r\n`
  const bodyHash = createHash('sha256').update(body, 'latin1').digest('base64')
  const rest = [...fields].reverse()
  const headers = tags.h!.split(':').flatMap((name: string) => {
    const index = rest.findIndex((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    return index === -1 ? [] : [relax(rest.splice(index, 1)[0]!)]
  })
  const signedText = [
    ...headers,
    relax(own)
      .replace(/\bb=[^;]*/, 'b=')
      .trimEnd(),
  ].join('\r\n')
  const key = createPublicKey({
    key: Buffer.from(/p=(\S+)/.exec(record)![1]!, 'base64'),
    format: 'der',
    type: 'spki',
  })
  const signature = createVerify('RSA-SHA256').update(signedText, 'latin1').verify(key, tags.b!, 'base64')
  return { body: bodyHash === tags.bh, signature }
}

describe('mailbox', () => {
  test('lists, shows, frames, deletes', async () => {
    await server.app.pool.query(`update projects set mode = 'test' where id = $1`, [server.projectId])
    const ids = await addMessages(
      server.app,
      server.projectId,
      [1, 2, 3].map((n) => ({
        input: {
          to: [`p${n}@x.example`],
          mail: plainMail({ subject: `Nr ${n} æ`, html: '<p>Hej</p><script>x()</script>' }),
        },
      })),
    )
    await deliver(server.app, server.projectId, ids)
    const first = (await call('GET', '/mailbox?limit=2')).json
    expect(first.items.map((mail: { subject: string }) => mail.subject)).toEqual(['Nr 3 æ', 'Nr 2 æ'])
    const second = (await call('GET', `/mailbox?limit=2&cursor=${first.nextCursor}`)).json
    expect(second).toMatchObject({
      items: [{ subject: 'Nr 1 æ', envelopeTo: ['p1@x.example'] }],
      nextCursor: null,
    })

    const id = first.items[0].id
    const detail = (await call('GET', `/mailbox/${id}`)).json
    expect(detail.html).toContain('<p>Hej</p>')
    expect(detail.text).toContain('Hej')
    expect(detail.headers).toContainEqual({ name: 'To', value: 'p3@x.example' })
    expect(detail.source).toContain('Message-ID:')

    const frame = await call('GET', `/mailbox/${id}/html`)
    expect(frame.headers.get('content-security-policy')).toMatch(/^sandbox(?!.*allow-scripts)/)
    expect(frame.headers.get('content-type')).toContain('text/html')

    expect((await call('DELETE', `/mailbox/${id}`)).status).toBe(204)
    expect((await call('GET', `/mailbox/${id}`)).status).toBe(404)
    expect((await call('DELETE', '/mailbox')).status).toBe(204)
    expect((await call('GET', '/mailbox')).json.items).toEqual([])
  })
})
