import type { AddressInfo } from 'node:net'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { SmtpGateway, type SmtpSettings } from '../../../src/messaging/channels/email/smtp.ts'
import { refusal, type SmtpSink, startSmtpSink } from '../messages/smtp-sink.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function sink(options: Parameters<typeof startSmtpSink>[0] = {}): Promise<SmtpSink> {
  const started = await startSmtpSink(options)
  closing.push(started.close)
  return started
}

/** What is said of a mail, and of a test of the server. */
async function saidOf(settings: Partial<SmtpSettings>): Promise<string[]> {
  const channel = new SmtpGateway(
    { host: '127.0.0.1', port: 1, secure: false, ...settings },
    {
      limits: { perSecond: 0, connections: 1 },
      allowPrivate: true,
      now: () => new Date(),
      timeouts: { connectMs: 400, replyMs: 400, messageMs: 400 },
    },
  )
  closing.push(async () => channel.close())
  const sent = await channel.send({
    envelope: { from: 'a@x.example', to: ['b@x.example'] },
    source: Buffer.from('Subject: x\r\n\r\nx\r\n'),
  })
  const tried = await channel.probe('a@x.example').catch((error: Error) => error.message)
  return ['reason' in sent ? sent.reason : sent.outcome, String(tried)]
}

async function expectSaid(settings: Partial<SmtpSettings>, words: RegExp) {
  for (const said of await saidOf(settings)) expect(said).toMatch(words)
}

test('a host that is none', () =>
  expectSaid(
    { host: 'smtp.nowhere.invalid' },
    /^(There is no server called smtp\.nowhere\.invalid: check the host|The name smtp\.nowhere\.invalid could not be looked up just now) \(.*getaddrinfo/,
  ))

test('a port where nothing listens', async () => {
  const gone = await startSmtpSink()
  await gone.close()
  await expectSaid(
    { port: gone.port },
    new RegExp(
      `^Nothing takes connections at 127.0.0.1:${gone.port}: check the host and the port \\(.*ECONNREFUSED`,
    ),
  )
})

test('a server that says nothing', async () => {
  const silent = net.createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  closing.push(async () => void silent.close())
  const { port } = silent.address() as AddressInfo
  await expectSaid(
    { port },
    /^127\.0\.0\.1:\d+ does not answer: check the host, the port and the choice of encryption/,
  )
})

test('TLS where there is none, and none where it is wanted', async () => {
  const { port } = await sink()
  await expectSaid({ port, secure: true }, /does not begin with TLS.*\(.*wrong version number/i)
  await expectSaid({ port, startTls: 'required' }, /offers no encryption by STARTTLS/)
})

test('a login that is refused', async () => {
  const { port } = await sink({
    onAuth: (_auth, _session, callback) => callback(refusal(535, '5.7.8 wrong password')),
    allowInsecureAuth: true,
  })
  await expectSaid(
    { port, user: 'me', password: 'wrong' },
    /^The server refuses the login: check the user name and the password \(.*535 5\.7\.8 wrong password\)$/,
  )
})

test('a certificate that nobody knows', async () => {
  // The server's own, which it makes for itself.
  const { port } = await sink({ secure: true } as object)
  await expectSaid({ port, secure: true }, /^The certificate of 127\.0\.0\.1 /)
})
