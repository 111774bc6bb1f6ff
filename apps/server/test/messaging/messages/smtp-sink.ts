import type { AddressInfo } from 'node:net'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'

export interface ReceivedMail {
  from: string
  to: string[]
  source: Buffer
  parsed: ParsedMail
}

export interface SmtpSink {
  port: number
  mails: ReceivedMail[]
  connections: number
  close(): Promise<void>
}

type Answer = Error | null

const reply = (code: number, message: string) => Object.assign(new Error(message), { responseCode: code })

/** An SMTP refusal: `refusal(550, '5.1.1 no such user')`. */
export const refusal = reply

/** A real SMTP server on a free port. `onRecipient` and `onMessage` answer; `onData` may take the stream over. */
export async function startSmtpSink(
  options: SMTPServerOptions & {
    onRecipient?: (address: string) => Answer
    onMessage?: (mail: ReceivedMail, session: SMTPServerSession) => Answer | Promise<Answer>
  } = {},
): Promise<SmtpSink> {
  const { onRecipient, onMessage, ...rest } = options
  const mails: ReceivedMail[] = []
  const sink: SmtpSink = { port: 0, mails, connections: 0, close: async () => {} }
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: rest.key ? [] : ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onConnect(_session, callback) {
      sink.connections++
      callback()
    },
    onRcptTo({ address }, _session, callback) {
      callback(onRecipient?.(address) ?? undefined)
    },
    async onData(stream, session, callback) {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(chunk as Buffer)
        const source = Buffer.concat(chunks)
        const mail = {
          from: (session.envelope.mailFrom as { address: string }).address,
          to: session.envelope.rcptTo.map(({ address }) => address),
          source,
          parsed: await simpleParser(source),
        }
        const answer = (await onMessage?.(mail, session)) ?? null
        if (answer) return callback(answer)
        mails.push(mail)
        callback()
      } catch {
        // The connection was cut by the test.
      }
    },
    ...rest,
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  sink.port = (server.server.address() as AddressInfo).port
  sink.close = () => new Promise((resolve) => server.close(() => resolve()))
  return sink
}
