import fc from 'fast-check'
import { expect, test } from 'vitest'
import { composeMessage } from '../../../src/messaging/channels/email/mime.ts'
import { TemplateError } from '../../../src/messaging/templates/template-error.ts'

const compose = (parts: { subject?: string; headers?: Record<string, string> }) =>
  composeMessage({
    messageId: '<1@x.example>',
    from: { name: '', address: 'a@x.example' },
    to: [{ name: '', address: 'b@x.example' }],
    subject: 'S',
    html: '',
    text: 't',
    headers: {},
    attachments: [],
    date: new Date('2026-11-23T12:00:00Z'),
    ...parts,
  })

test.each([
  ['headers.X-Long', { headers: { 'X-Long': `a ${'b'.repeat(1_100)} c` } }],
  ['headers.List-Help', { headers: { 'List-Help': `<https://x.example/${'y'.repeat(1_000)}>` } }],
  ['headers', { headers: { 'X-Much': 'word '.repeat(20_000) } }],
])('a line of a header that can not be broken is refused by its name: %s', async (part, parts) => {
  await expect(compose(parts)).rejects.toThrow(TemplateError)
  await expect(compose(parts)).rejects.toMatchObject({ part })
})

test('whatever is not refused has lines of at most 998 octets', async () => {
  const text = fc
    .array(fc.constantFrom('a', ' ', 'é', '🎉', 'x'.repeat(70), 'y'.repeat(400), '"', '<', ',', '='), {
      maxLength: 40,
    })
    .map((words) => words.join(''))
  await fc.assert(
    fc.asyncProperty(text, text, async (subject, value) => {
      const source = await compose({ subject, headers: { 'X-A': value, 'List-Help': value } }).catch(
        (error) => {
          expect(error).toBeInstanceOf(TemplateError)
          return new Uint8Array()
        },
      )
      for (const line of Buffer.from(source).toString('latin1').split('\r\n')) {
        expect(line.length).toBeLessThanOrEqual(998)
      }
    }),
    { numRuns: 200 },
  )
})
