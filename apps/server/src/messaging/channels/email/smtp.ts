import type { Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import SMTPPool from 'nodemailer/lib/smtp-pool'
import { connectGuarded } from '../../../platform/net/connections.ts'
import { Gateway, type ProviderLimits } from '../gateway.ts'
import type { SendResult } from '../result.ts'
import { type ServerName, wordSmtpError } from './error-words.ts'
import { refusedBy } from './refusals.ts'
import { probeServer } from './server-probe.ts'
import type { SmtpError } from './smtp-error.ts'
import {
  bouncedAddresses,
  classifySmtpError,
  deferredRecipients,
  refusedNote,
  type SendProgress,
} from './smtp-results.ts'
import { waitLongerForMessages } from './smtp-silence.ts'
import { refuseUtf8WithoutExtension } from './smtp-utf8.ts'

export interface SmtpSettings {
  host: string
  port: number
  /** TLS from the first byte, as on port 465. */
  secure: boolean
  /** Whether a plain connection is upgraded: always, when the server offers it (default), never. */
  startTls?: 'required' | 'opportunistic' | 'never'
  user?: string
  password?: string
  /** The name given in EHLO. */
  clientName?: string
  /** False accepts a certificate that can't be verified. */
  verifyCertificate?: boolean
}

/** A MIME message and whom it is for. */
export interface SmtpMail {
  envelope: { from: string; to: string[] }
  /** Empty once it was handed over whole: a server may take minutes to answer, and nobody needs it any more. */
  source: Uint8Array
}

export const defaultLimits: ProviderLimits = { perSecond: 0, connections: 10 }

export interface SmtpTimeouts {
  /** Until there is a connection, and once more until the server greets. */
  connectMs: number
  /** Silence after a command. */
  replyMs: number
  /** Silence after a message was handed over, and while it is. */
  messageMs: number
}

/**
 * RFC 5321, 4.5.3.2 gives minutes to servers that pass mail on; one that takes it from its own customers answers commands sooner. A mail
 * and the one before it on its connection end within `maxSendMs`.
 */
export const defaultTimeouts: SmtpTimeouts = { connectMs: 20_000, replyMs: 60_000, messageMs: 180_000 }
/** Below `replyMs`, which is meant for answers. */
const idleConnectionMs = 30_000

refuseUtf8WithoutExtension()
waitLongerForMessages()

/** The connections to one SMTP server. */
export class SmtpGateway extends Gateway<SmtpMail> {
  readonly #pool: SMTPPool
  readonly #options: SMTPPool.Options
  readonly #server: ServerName

  constructor(
    settings: SmtpSettings,
    options: { limits: ProviderLimits; allowPrivate: boolean; now: () => Date; timeouts?: SmtpTimeouts },
  ) {
    super(options)
    this.#server = settings
    this.#options = poolOptions(settings, options)
    this.#pool = new SMTPPool({
      ...this.#options,
      getSocket: unlessOpen(this.#options.getSocket!, () => this.whyClosed()),
    })
  }

  protected async hand(mail: SmtpMail): Promise<SendResult> {
    const progress = { complete: false }
    try {
      const info = await this.#pass(mail, progress)
      const refusals: SmtpError[] = info.rejectedErrors ?? []
      return {
        outcome: 'sent',
        providerMessageId: info.serverMessageId ?? info.response?.slice(0, 200) ?? null,
        note: refusedNote(refusals),
        bounced: bouncedAddresses({ rejectedErrors: refusals }),
        deferred: deferredRecipients(refusals),
      }
    } catch (error) {
      return classifySmtpError(error, progress, { to: mail.envelope.to, at: this.#server })
    }
  }

  /** To the pool itself: nodemailer's mailer before it would make a message of its own, which is here already. */
  #pass(mail: SmtpMail, progress: SendProgress): Promise<SMTPPool.SentMessageInfo> {
    const message: PooledMessage = {
      getEnvelope: () => ({ ...mail.envelope }),
      createReadStream: sendOnce(() => inPieces(mail), progress),
      // For its log, which is off.
      messageId: () => '',
      getHeader: () => '',
    }
    return new Promise((resolve, reject) => {
      this.#pool.send({ data: {}, message } as never, (error, info) =>
        error ? reject(error) : resolve(info!),
      )
    })
  }

  /** As for a mail, up to its sender, and says goodbye. Rejects with the reason, in words. Without a sender, its refusal says nothing. */
  async probe(from: string | undefined): Promise<void> {
    try {
      await probeServer(this.#options, from ?? '')
    } catch (error) {
      const smtp = error as SmtpError
      if (from === undefined && smtp.command === 'MAIL FROM' && refusedBy(smtp) === 'sender') return
      throw new Error(wordSmtpError(smtp, this.#server), { cause: error })
    }
  }

  /** Closes idle connections now and busy ones after their message. */
  close(): void {
    this.#pool.close()
  }
}

/** What the pool asks of a message. */
interface PooledMessage {
  getEnvelope(): SmtpMail['envelope']
  createReadStream(): Readable
  messageId(): string
  getHeader(name: string): string
}

function poolOptions(
  settings: SmtpSettings,
  options: { limits: ProviderLimits; allowPrivate: boolean; timeouts?: SmtpTimeouts },
): SMTPPool.Options & { messageTimeout: number } {
  const { connectMs, replyMs, messageMs } = options.timeouts ?? defaultTimeouts
  return {
    pool: true,
    host: settings.host,
    port: settings.port,
    secure: settings.secure,
    requireTLS: settings.startTls === 'required',
    ignoreTLS: settings.startTls === 'never',
    name: settings.clientName,
    auth: settings.user ? { user: settings.user, pass: settings.password ?? '' } : undefined,
    tls: { rejectUnauthorized: settings.verifyCertificate ?? true },
    maxConnections: options.limits.connections,
    maxMessages: 1_000,
    // Only happens before the first byte of a message was sent; see trackProgress.
    maxRequeues: 2,
    idleTimeout: idleConnectionMs,
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: replyMs,
    messageTimeout: messageMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket(_options: object, callback: (error: Error | null, socket?: { connection: Socket }) => void) {
      connectGuarded(settings.host, settings.port, {
        allowPrivate: options.allowPrivate,
        timeoutMs: connectMs,
      }).then(
        (connection) => callback(null, { connection }),
        (error: Error) => callback(error),
      )
    },
  }
}

/** Mails that waited behind those by which the circuit opened do not meet the same, each in its turn; they are told why. */
function unlessOpen(
  getSocket: SMTPPool.Options['getSocket'] & {},
  whyOpen: () => string | undefined,
): typeof getSocket {
  return (options, callback) => {
    const reason = whyOpen()
    if (reason === undefined) getSocket(options, callback)
    else callback(new Error(reason), undefined as never)
  }
}

/**
 * Notes when the whole message was written, and makes sure that a message which was begun on one connection can't be
 * begun on another: the second stream fails instead.
 */
function sendOnce(create: () => Readable, progress: SendProgress): () => Readable {
  let first: Readable | undefined
  return () => {
    if (first?.readableDidRead) {
      const refused = new PassThrough()
      setImmediate(() => refused.destroy(new Error('the message was already begun on another connection')))
      return refused
    }
    first = create()
    first.once('end', () => {
      progress.complete = true
    })
    return first
  }
}

const pieceBytes = 65_536

/** Piece by piece, as the socket takes them: a connection that breaks early is known not to have had the end. */
function inPieces(mail: SmtpMail): Readable {
  let start = 0
  return new Readable({
    read() {
      this.push(mail.source.subarray(start, start + pieceBytes))
      start += pieceBytes
      if (start < mail.source.length) return
      mail.source = new Uint8Array()
      this.push(null)
    },
  })
}
