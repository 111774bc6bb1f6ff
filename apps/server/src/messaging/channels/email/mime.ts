import DKIM from 'nodemailer/lib/dkim'
import MailComposer from 'nodemailer/lib/mail-composer'
import type MimeNode from 'nodemailer/lib/mime-node'
import * as qp from 'nodemailer/lib/qp'
import { checkHeaderLines } from './header-lines.ts'
import { type DkimKey, type OutgoingMail, toNodemailer } from './mail.ts'

const base64LineLength = 76
const lineBreak = /\r\n|\r|\n/g

/**
 * The bytes of a message. nodemailer decides on everything in it (headers, their folding, encodings, boundaries) but
 * writes it through a chain of streams per part, which costs more than the rest of a send; this writes the same tree in
 * one go. A test holds both against each other. Lines end in CRLF.
 */
export function serialize(root: MimeNode): Buffer {
  const parts: (string | Buffer)[] = []
  writeNode(root, parts)
  const last = parts.at(-1)
  if (!(typeof last === 'string' && last.endsWith('\r\n'))) parts.push('\r\n')
  if (parts.every((part) => typeof part === 'string')) return Buffer.from(parts.join(''))
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

function writeNode(node: MimeNode, parts: (string | Buffer)[]): void {
  parts.push(node.buildHeaders(), '\r\n\r\n')
  if (node.content) parts.push(encodeContent(node, node.content))
  if (!node.multipart) return
  node.childNodes.forEach((child, index) => {
    parts.push(`${index > 0 ? '\r\n' : ''}--${node.boundary}\r\n`)
    writeNode(child, parts)
  })
  parts.push(`\r\n--${node.boundary}--\r\n`)
}

function encodeContent(node: MimeNode, content: unknown): string | Buffer {
  if (typeof content !== 'string' && !Buffer.isBuffer(content)) {
    throw new Error('a mail is made of text and bytes, not of streams')
  }
  switch (node.getTransferEncoding()) {
    case 'quoted-printable':
      return qp.wrap(qp.encode(content)).replace(lineBreak, '\r\n')
    case 'base64':
      return wrapBase64(Buffer.from(content))
    default:
      return typeof content === 'string' ? content.replace(lineBreak, '\r\n') : content
  }
}

function wrapBase64(bytes: Buffer): string {
  const text = bytes.toString('base64')
  const lines: string[] = []
  for (let start = 0; start < text.length; start += base64LineLength) {
    lines.push(text.slice(start, start + base64LineLength))
  }
  return lines.join('\r\n')
}

const signedHeaders =
  'from:sender:reply-to:subject:date:message-id:to:cc:mime-version:content-type:content-transfer-encoding:' +
  'list-unsubscribe:list-unsubscribe-post:feedback-id'

/** The bytes that leave, signed when there is a key. Throws {@link TemplateError} for headers that no mail can have. */
export async function composeMessage(mail: OutgoingMail): Promise<Uint8Array> {
  const source = serialize(new MailComposer(toNodemailer(mail)).compile())
  checkHeaderLines(source)
  return mail.dkim ? sign(source, mail.dkim) : new Uint8Array(source)
}

async function sign(source: Buffer, key: DkimKey): Promise<Uint8Array> {
  const signer = new DKIM({
    domainName: key.domain,
    keySelector: key.selector,
    privateKey: key.privateKey,
    headerFieldNames: signedHeaders,
  })
  const chunks: Buffer[] = []
  for await (const chunk of signer.sign(source)) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}
