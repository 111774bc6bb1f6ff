import { randomUUID } from 'node:crypto'
import { encodeWord } from 'nodemailer/lib/mime-funcs'
import type { Mailbox } from '../../addresses/addresses.ts'

/** A rendered mail, before it is written as a MIME message. */
export interface OutgoingMail {
  /** The value of Message-ID, with its angle brackets. It carries our message's id, the same on every attempt. */
  messageId: string
  from: Mailbox
  to: Mailbox[]
  replyTo?: Mailbox[]
  subject: string
  html: string
  text: string
  headers: Record<string, string>
  attachments: { filename: string; content: Uint8Array }[]
  date: Date
  dkim?: DkimKey
}

export interface DkimKey {
  domain: string
  selector: string
  /** PEM. */
  privateKey: string
}

/** The mail for nodemailer, which makes the MIME message: encodings, folding, boundaries. */
export function toNodemailer(mail: OutgoingMail) {
  return {
    messageId: mail.messageId,
    // Names and bare addresses, not text to be parsed: an address can't turn into two.
    from: mail.from,
    to: mail.to,
    replyTo: mail.replyTo,
    subject: foldable(mail.subject),
    html: mail.html || undefined,
    text: mail.text,
    date: mail.date,
    headers: Object.fromEntries(
      // `prepared` keeps nodemailer from folding machine-readable headers such as List-Unsubscribe in their middle.
      Object.entries(mail.headers).map(([name, value]) =>
        name.startsWith('List-') ? [name, { prepared: true, value }] : [name, value],
      ),
    ),
    attachments: mail.attachments.map(({ filename, content }) => ({ filename, content: asBuffer(content) })),
    baseBoundary: randomUUID(),
    // Content is what we hand over; nothing is read from files or fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** Headers are folded at blanks: words without one for longer than a line become encoded words (RFC 2047), which have
 * them. So does what looks like an encoded word, but is what somebody wrote. */
const foldable = (subject: string): string =>
  /[^ ]{77}|=\?/.test(subject) ? encodeWord(subject, 'Q', 52) : subject

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength)
