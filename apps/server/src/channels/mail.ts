import { randomUUID } from 'node:crypto'

/** A rendered mail, before it is written as a MIME message. */
export interface OutgoingMail {
  /** The value of Message-ID, with its angle brackets. It carries our message's id, the same on every attempt. */
  messageId: string
  from: string
  to: string[]
  replyTo?: string
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
    from: mail.from,
    // Bare addresses, not text to be parsed: an address can't turn into two.
    to: mail.to.map((address) => ({ name: '', address })),
    replyTo: mail.replyTo,
    subject: mail.subject,
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

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength)
