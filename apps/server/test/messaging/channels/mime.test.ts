import fc from 'fast-check'
import MailComposer from 'nodemailer/lib/mail-composer'
import PostalMime from 'postal-mime'
import { expect, test } from 'vitest'
import { type OutgoingMail, toNodemailer } from '../../../src/messaging/channels/email/mail.ts'
import { serialize } from '../../../src/messaging/channels/email/mime.ts'

const mail = (parts: Partial<OutgoingMail>): OutgoingMail => ({
  messageId: '<1@x.example>',
  from: { name: 'Ænn', address: 'a@x.example' },
  to: [{ name: '', address: 'b@x.example' }],
  subject: 'S',
  html: '',
  text: 't',
  headers: {},
  attachments: [],
  date: new Date('2026-11-23T12:00:00Z'),
  ...parts,
})

const compile = (message: ReturnType<typeof toNodemailer>) => new MailComposer(message).compile()

/** Words, long words, unicode, markup, dots at line starts, blank lines, trailing blanks. */
const words = fc.constantFrom(
  '.',
  '..',
  'From ',
  'a',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '=',
  '=3D',
  'é',
  '🎉',
  '--_NmP',
  '<p>',
  'x'.repeat(90),
  '\u2028',
)
const body = fc.array(words, { maxLength: 60 }).map((list) => list.join(''))
const mails = fc
  .record({
    subject: fc
      .string({ unit: 'grapheme', maxLength: 120 })
      .map((text) => text.replace(/\p{Cc}|\p{Surrogate}/gu, ' ')),
    html: body,
    text: body.map((text) => text || 't'),
    headers: fc.dictionary(
      fc.constantFrom('X-A', 'X-B', 'List-Unsubscribe'),
      fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
    ),
    attachments: fc.array(
      fc.record({
        filename: fc.constantFrom('a.pdf', 'räkning 1.txt', 'mail.eml', 'x'),
        content: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      }),
      { maxLength: 3 },
    ),
  })
  // A message/* part is written as it is, so it is no subject for line breaks.
  .filter(({ attachments }) => attachments.every(({ filename }) => filename !== 'mail.eml'))

/** Quoted-printable's soft line breaks mean nothing (RFC 2045, 6.7); nodemailer's stream places some by its own chunks. */
const unfolded = (source: Buffer) => source.toString('latin1').replaceAll('=\r\n', '')

test('byte for byte what nodemailer streams, but for soft line breaks', async () => {
  await fc.assert(
    fc.asyncProperty(mails, async (parts) => {
      const message = toNodemailer(mail(parts))
      const streamed = compile(message)
      streamed.newline = 'windows'
      const theirs = await streamed.build()
      expect(unfolded(serialize(compile(message)))).toBe(unfolded(theirs))
    }),
    { numRuns: 500 },
  )
})

test('reads back as it was written, in lines of 76 characters', async () => {
  await fc.assert(
    fc.asyncProperty(mails, async (parts) => {
      const source = serialize(compile(toNodemailer(mail(parts))))
      const lines = source.toString('latin1').split('\r\n')
      const content = lines.slice(lines.indexOf(''))
      expect(content.every((line) => line.length <= 78 && !/[\r\n]/.test(line))).toBe(true)
      const read = await PostalMime.parse(source)
      const plain = (text: string | undefined) => (text ?? '').replaceAll('\r\n', '\n').trimEnd()
      expect(plain(read.text)).toBe(plain(parts.text))
      if (parts.html.trim()) expect(plain(read.html)).toBe(plain(parts.html))
      expect(read.attachments.map(({ content }) => [...new Uint8Array(content as ArrayBuffer)])).toEqual(
        parts.attachments.map(({ content }) => [...content]),
      )
    }),
    { numRuns: 200 },
  )
})

test('a lone carriage return can not end the message early', () => {
  const source = serialize(compile(toNodemailer(mail({ text: 'a\r.\rb', html: '' })))).toString('latin1')
  expect(source).not.toMatch(/\r(?!\n)|(?<!\r)\n/)
})
