import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import {
  defaultTimeouts,
  SmtpGateway,
  type SmtpTimeouts,
} from '../../../src/messaging/channels/email/smtp.ts'
import { maxSendMs } from '../../../src/messaging/messages/send-again.ts'
import { startSmtpSink } from '../messages/smtp-sink.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A limit that is to be reached, and one that is not. */
const short = 150
const long = 600_000

function channelTo(port: number, timeouts: SmtpTimeouts, connections = 1) {
  const channel = new SmtpGateway(
    { host: '127.0.0.1', port, secure: false },
    { limits: { perSecond: 0, connections }, allowPrivate: true, now: () => new Date(), timeouts },
  )
  closers.push(() => channel.close())
  return channel
}

const mail = () => ({
  envelope: { from: 'a@x.example', to: ['b@x.example'] },
  source: Buffer.from('Subject: x\r\n\r\nx\r\n'),
})

test('a mail and the one before it on its connection end before anybody takes them for left', () => {
  const { connectMs, replyMs, messageMs } = defaultTimeouts
  expect(2 * (connectMs + replyMs + messageMs)).toBeLessThanOrEqual(maxSendMs)
})

test('a server that is silent after the message leaves it in doubt, closes the circuit at once, and those behind it do not wait', async () => {
  let taken = 0
  const sink = await startSmtpSink({
    onData: (stream) => {
      stream.resume()
      taken++
    },
  })
  closers.push(() => sink.close())
  // Only the limit for messages is short: it is the one that holds here.
  const channel = channelTo(sink.port, { connectMs: long, replyMs: long, messageMs: short })
  const [first, ...behind] = await Promise.all([
    channel.send(mail()),
    channel.send(mail()),
    channel.send(mail()),
  ])
  expect(first).toMatchObject({
    outcome: 'unknown',
    silent: true,
    reason: expect.stringContaining('did not answer after the message was handed over'),
  })
  for (const result of behind) expect(result).toMatchObject({ outcome: 'retry', refusedBy: 'provider' })
  expect(taken).toBe(1)
  expect(channel.breaker.open).toBe(true)
  expect(channel.breaker.reason).toBe((first as { reason: string }).reason)
})

test('a server that is silent after a command has certainly not taken the mail', async () => {
  const sink = await startSmtpSink({ onRcptTo: () => {} })
  closers.push(() => sink.close())
  const channel = channelTo(sink.port, { connectMs: long, replyMs: short, messageMs: long })
  expect(await channel.send(mail())).toMatchObject({ outcome: 'retry', refusedBy: 'provider', silent: true })
  expect(channel.breaker.open).toBe(true)
})

test('a server that does not greet has not taken it either', async () => {
  const held = new Set<Socket>()
  const server = createServer((socket) => {
    held.add(socket.on('error', () => {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of held) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const channel = channelTo(port, { connectMs: short, replyMs: long, messageMs: long })
  expect(await channel.send(mail())).toMatchObject({ outcome: 'retry', refusedBy: 'provider', silent: true })
  expect(channel.breaker.open).toBe(true)
})

test('one that needs longer for a message than for a command is waited for, again and again on its connection', async () => {
  const replyMs = 2_000
  const sink = await startSmtpSink({
    onData: (stream, _session, callback) => {
      stream.resume()
      stream.on('end', () => setTimeout(callback, replyMs + 500))
    },
  })
  closers.push(() => sink.close())
  const channel = channelTo(sink.port, { connectMs: long, replyMs, messageMs: long })
  for (let n = 0; n < 2; n++) expect(await channel.send(mail())).toMatchObject({ outcome: 'sent' })
  expect(sink.connections).toBe(1)
})
