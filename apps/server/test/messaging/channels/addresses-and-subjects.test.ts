import PostalMime from 'postal-mime'
import { afterEach, describe, expect, test } from 'vitest'
import { composeMessage } from '../../../src/messaging/channels/email/mime.ts'
import { SmtpGateway } from '../../../src/messaging/channels/email/smtp.ts'
import { type SmtpSink, startSmtpSink } from '../messages/smtp-sink.ts'

let sink: SmtpSink | undefined
let channel: SmtpGateway | undefined
afterEach(async () => {
  channel?.close()
  await sink?.close()
})

async function send(hideSMTPUTF8: boolean, envelope: { from: string; to: string[] }) {
  sink = await startSmtpSink({ hideSMTPUTF8 } as object)
  channel = new SmtpGateway(
    { host: '127.0.0.1', port: sink.port, secure: false },
    { limits: { perSecond: 0, connections: 1 }, allowPrivate: true, now: () => new Date() },
  )
  return channel.send({ envelope, source: Buffer.from('Subject: x\r\n\r\nx\r\n') })
}

describe('an address beyond ASCII', () => {
  test.each([
    { from: 'a@x.example', to: ['ünal@x.example'] },
    { from: 'ünal@x.example', to: ['ok@x.example'] },
  ])('fails before MAIL at a server without SMTPUTF8: %j', async (envelope) => {
    const result = await send(true, envelope)
    expect(result).toEqual({
      outcome: 'failed',
      reason: 'the server takes no address beyond ASCII (SMTPUTF8), and ünal@x.example is one',
      bounced: [],
    })
    expect(sink!.mails).toEqual([])
    // The connection is as good as before.
    const next = await channel!.send({
      envelope: { from: 'a@x.example', to: ['b@x.example'] },
      source: Buffer.from('Subject: y\r\n\r\ny\r\n'),
    })
    expect(next.outcome).toBe('sent')
  })

  test('costs the others of its mail nothing', async () => {
    const result = await send(true, {
      from: 'a@x.example',
      to: ['ok@x.example', 'ünal@x.example', 'b@x.example'],
    })
    expect(result).toMatchObject({
      outcome: 'sent',
      note: 'refused for ünal@x.example: the server takes no address beyond ASCII (SMTPUTF8), and ünal@x.example is one',
      bounced: [],
      deferred: undefined,
    })
    expect(sink!.mails.map(({ to }) => to)).toEqual([['ok@x.example', 'b@x.example']])
  })

  test('leaves as given where the server knows it', async () => {
    const result = await send(false, { from: 'a@x.example', to: ['Ünal@x.example'] })
    expect(result.outcome).toBe('sent')
    expect(sink!.mails.map(({ to }) => to)).toEqual([['Ünal@x.example']])
  })
})

test.each([
  ['x'.repeat(1_200)],
  [`Order ${'x'.repeat(1_200)} is ready`],
  ['ü'.repeat(1_200)],
  ['漢'.repeat(400)],
  [`=?utf-8?q?${'x'.repeat(1_200)}?=`],
  [Array.from({ length: 200 }, () => 'word').join(' ')],
])('a subject is folded into short lines, and arrives as it is: %j', async (subject) => {
  const bytes = await composeMessage({
    messageId: '<1@x.example>',
    from: { name: '', address: 'a@x.example' },
    to: [{ name: '', address: 'b@x.example' }],
    subject,
    html: '<p>x</p>',
    text: 'x',
    headers: {},
    attachments: [],
    date: new Date(0),
  })
  const head = Buffer.from(bytes).toString('latin1').split('\r\n\r\n')[0]!
  for (const line of head.split('\r\n')) expect(line.length).toBeLessThanOrEqual(78)
  expect((await PostalMime.parse(bytes)).subject).toBe(subject)
})
