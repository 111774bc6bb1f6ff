import { Readable } from 'node:stream'
import DKIM from 'nodemailer/lib/dkim'
import type MimeNode from 'nodemailer/lib/mime-node'
import * as qp from 'nodemailer/lib/qp'
import type { DkimKey } from './mail.ts'

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

/** The message as a stream, signed when there is a key. */
export function messageStream(root: MimeNode, key: DkimKey | undefined): Readable {
  const source = serialize(root)
  if (!key) return inPieces(source)
  const signer = new DKIM({
    domainName: key.domain,
    keySelector: key.selector,
    privateKey: key.privateKey,
    headerFieldNames: signedHeaders,
  })
  return signer.sign(source)
}

const pieceBytes = 65_536

/** Piece by piece, as the socket takes them: a connection that breaks early is known not to have had the end. */
function inPieces(source: Buffer): Readable {
  let start = 0
  return new Readable({
    read() {
      this.push(source.subarray(start, start + pieceBytes))
      start += pieceBytes
      if (start >= source.length) this.push(null)
    },
  })
}
