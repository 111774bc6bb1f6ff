import fc from 'fast-check'
import PostalMime, { type Email } from 'postal-mime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { readSendRequest } from '../../../src/automation/transactional/request.ts'
import { composeMessage } from '../../../src/messaging/channels/email/mime.ts'
import { refusal, startSmtpSink } from '../../messaging/messages/smtp-sink.ts'
import { deliver, sendThrough, stateOf } from '../../messaging/messages/support.ts'
import { hostileName, hostileNames } from '../../messaging/templates/hostile-names.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api', allowPrivateNetworks: true } })
})
afterAll(() => server?.close())

const direct = { from: 'Shop <hello@shop.example>', subject: 'Hi', body: '<p>Hi</p>' }

async function send(to: string): Promise<string> {
  const reply = await fetch(`${server.url}/v1/send/email`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.secretKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...direct, to, bcc: 'Books <books@shop.example>' }),
  })
  expect(reply.status).toBe(200)
  return ((await reply.json()) as { delivery_id: string }).delivery_id
}

async function arrived(id: string): Promise<{ mail: Email; envelope: string[] }> {
  await deliver(server.app, server.projectId, [id])
  const { rows } = await server.app.pool.query(
    'select source, envelope_to from mailbox where message_id = $1',
    [id],
  )
  return { mail: await PostalMime.parse(rows[0].source), envelope: rows[0].envelope_to }
}

const stored = async (id: string) => {
  const reply = await fetch(`${server.url}/api/v1/projects/${server.projectId}/messages/${id}`, {
    headers: { authorization: `Bearer ${server.secretKey}` },
  })
  return (await reply.json()) as Record<string, unknown>
}

test('what recipients are called stands in the To header, and the message tells it', async () => {
  const id = await send('Ann Müller <Ann@Müller.example>, "Jobs, Steve" <b@x.example>, c@x.example')
  const told = {
    recipient: 'Ann@xn--mller-kva.example, b@x.example, c@x.example',
    recipientNames: { 'Ann@xn--mller-kva.example': 'Ann Müller', 'b@x.example': 'Jobs, Steve' },
  }
  expect(await stored(id)).toMatchObject(told)
  const { mail, envelope } = await arrived(id)
  expect(mail.to).toEqual([
    { name: 'Ann Müller', address: 'Ann@xn--mller-kva.example' },
    { name: 'Jobs, Steve', address: 'b@x.example' },
    { name: '', address: 'c@x.example' },
  ])
  expect(envelope).toEqual(['Ann@xn--mller-kva.example', 'b@x.example', 'c@x.example', 'books@shop.example'])
  expect(mail.headers.some(({ value }) => value.includes('Books'))).toBe(false)
  expect(await stored(id)).toMatchObject({ recipientNames: told.recipientNames, state: 'sent' })
  expect(await stored(await send('c@x.example'))).toMatchObject({ recipientNames: {} })
})

const quoted = (name: string) =>
  `"${name.replace(/\p{Cc}/gu, ' ').replace(/["\\]/g, '\\$&')}" <b@x.example>, c@x.example`

test.each(hostileNames)('a recipient named %j is one recipient', async (name) => {
  const { mail, envelope } = await arrived(await send(quoted(name)))
  expect(envelope).toEqual(['b@x.example', 'c@x.example', 'books@shop.example'])
  expect(mail.to?.map(({ address }) => address)).toEqual(['b@x.example', 'c@x.example'])
  expect(mail.cc).toBeUndefined()
  expect(mail.bcc).toBeUndefined()
})

test('whatever the name, the mail has its recipients and no other header', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(hostileName, fc.string({ unit: 'binary', minLength: 1 })), async (name) => {
      const { input } = readSendRequest({ ...direct, to: quoted(name) }, undefined, new Date(0))
      expect(input.to).toEqual(['b@x.example', 'c@x.example'])
      const bytes = await composeMessage({
        messageId: '<1@x.example>',
        from: { name: '', address: 'a@x.example' },
        to: input.to!.map((address) => ({ name: input.recipientNames?.[address] ?? '', address })),
        subject: 'x',
        html: '<p>x</p>',
        text: 'x',
        headers: {},
        attachments: [],
        date: new Date(0),
      })
      const mail = await PostalMime.parse(bytes)
      expect(mail.to?.map(({ address }) => address)).toEqual(input.to)
      const head = Buffer.from(bytes).toString().split('\r\n\r\n')[0]!
      const names = head.split(/\r\n(?![ \t])/).map((line) => line.slice(0, line.indexOf(':')))
      expect(names.filter((it) => /^(from|to|cc|bcc|sender|reply-to)$/i.test(it))).toEqual(['From', 'To'])
      for (const line of head.split('\r\n')) expect(line.length).toBeLessThan(998)
    }),
  )
})

test('the next try, for those who were not taken yet, names everybody as the first did', async () => {
  let later = true
  const smtp = await startSmtpSink({
    onRecipient: (address) => (later && address === 'b@x.example' ? refusal(451, '4.2.2 later') : null),
  })
  await sendThrough(server.app, server.projectId, smtp.port)
  const id = await send('Ann <a@x.example>, "Jobs, Steve" <b@x.example>')
  await deliver(server.app, server.projectId, [id])
  expect(await stateOf(server.app, server.projectId, id)).toMatchObject({ state: 'pending' })
  later = false
  await deliver(server.app, server.projectId, [id])
  expect(await stateOf(server.app, server.projectId, id)).toMatchObject({ state: 'sent' })
  expect(smtp.mails.map(({ to }) => to)).toEqual([['a@x.example', 'books@shop.example'], ['b@x.example']])
  for (const { source } of smtp.mails)
    expect((await PostalMime.parse(source)).to).toEqual([
      { name: 'Ann', address: 'a@x.example' },
      { name: 'Jobs, Steve', address: 'b@x.example' },
    ])
  await smtp.close()
})
