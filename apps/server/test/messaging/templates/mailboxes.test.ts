import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { describe, expect, test } from 'vitest'
import { onOneLine } from '../../../src/messaging/addresses/address-name.ts'
import { parseMailboxes, readMailboxes } from '../../../src/messaging/addresses/addresses.ts'
import { composeMessage } from '../../../src/messaging/channels/email/mime.ts'
import { readSender, sourceProblem } from '../../../src/messaging/templates/sender.ts'
import { hostileName } from './hostile-names.ts'

describe('a mailbox is a name and an address in brackets, or an address', () => {
  test.each([
    ['a@x.co', [['', 'a@x.co']]],
    ['<a@x.co>', [['', 'a@x.co']]],
    ['Ann <a@x.co>', [['Ann', 'a@x.co']]],
    ['Support (Billing) <a@x.co>', [['Support (Billing)', 'a@x.co']]],
    [
      '"Jobs, Steve" <a@x.co>, b@x.co',
      [
        ['Jobs, Steve', 'a@x.co'],
        ['', 'b@x.co'],
      ],
    ],
    ['"Müller, \\"Jo\\"" <a@x.co>', [['Müller, "Jo"', 'a@x.co']]],
    ['Jo "the boss, really" Smith <a@x.co>', [['Jo "the boss, really" Smith', 'a@x.co']]],
    ["Shop [EU]: 5' \\ <a@x.co>", [["Shop [EU]: 5' \\", 'a@x.co']]],
    ['a@x.co <a@x.co>', [['a@x.co', 'a@x.co']]],
    [
      'a@x.co; b@x.co, A@X.CO,',
      [
        ['', 'a@x.co'],
        ['', 'b@x.co'],
      ],
    ],
  ])('%s', (list, mailboxes) => {
    expect(parseMailboxes(list)?.map(({ name, address }) => [name, address])).toEqual(mailboxes)
  })

  test.each([
    ['Shop hello@example', 'write Shop <hello@example>'],
    ['Shop hello@x.co', 'write Shop <hello@x.co>'],
    ['The big shop hello@x.co', 'write The big shop <hello@x.co>'],
    ['a@x.co b@x.co', 'write a@x.co <b@x.co>'],
    ['Shop', '"Shop" is not an email address: it has no @'],
    ['Shop <shop>', '"shop" is not an email address: it has no @'],
    ['Jobs, Steve <a@x.co>', '"Jobs" is not an email address'],
    ['a@x.co (Ann)', 'is not an email address'],
    ['Ann <a@x.co> Bob', 'nothing after it'],
    ['Ann <a@x.co> <b@x.co>', 'nothing after it'],
    ['Ann <a@x.co', 'in brackets'],
    ['Ann > <a@x.co>', 'in brackets'],
    ['"Ann <a@x.co>', 'is not closed'],
    ['Team: a@x.co, b@x.co;', 'in brackets'],
    ['Ann <a@x.co>\nBcc: b@x.co', 'line break'],
    [' , ', 'it is empty'],
  ])('%j is none', (list, problem) => {
    expect(readMailboxes(list)).toEqual({ problem: expect.stringContaining(problem) })
  })
})

test.each([
  ['Shop hello@example', 'write Shop <hello@example>'],
  ['{{ user.name }} hello@x.co', 'write … <hello@x.co>'],
  ['Shop <hello@example>', 'the domain of hello@example has no dot'],
  ['hello@localhost', 'the domain of hello@localhost has no dot'],
  ['Shop <{{ event.from }}>', 'Liquid can make the name, not the address'],
  ['{{ event.from }}', 'Liquid can make the name, not the address'],
])('the sender %j is refused with what to do', (source, fix) => {
  expect(sourceProblem('fromAddress', source)).toContain(fix)
  expect(sourceProblem('replyTo', source)).toContain(fix)
})

test('a private network may have senders of a domain without a dot', () => {
  expect(sourceProblem('fromAddress', 'Shop <hello@intranet>', { bareDomains: true })).toBeUndefined()
})

async function arrived(from: { name: string; address: string }) {
  const bytes = await composeMessage({
    messageId: '<1@x.example>',
    from,
    to: [{ name: '', address: 'b@x.example' }],
    subject: 'x',
    html: '<p>x</p>',
    text: 'x',
    headers: {},
    attachments: [],
    date: new Date(0),
  })
  return (await PostalMime.parse(bytes)).from
}

test.each([
  ['Support (Billing) <ada@x.example>', 'Support (Billing)'],
  ['"Müller, \\"Jo\\"" <ada@x.example>', 'Müller, "Jo"'],
  ['"Miller, \\"Jo\\"" <ada@x.example>', 'Miller, "Jo"'],
  ['Miller "Jo" <ada@x.example>', 'Miller "Jo"'],
  ['Back\\slash <ada@x.example>', 'Back\\slash'],
])('the name of %s arrives as it was written', async (source, name) => {
  expect(await arrived(readSender(source).mailboxes![0]!)).toMatchObject({ name, address: 'ada@x.example' })
})

test('whatever the name, read again it is the same', () => {
  fc.assert(
    fc.property(hostileName, (text) => {
      const name = onOneLine(text)
      const quoted = `"${name.replace(/["\\]/g, '\\$&')}" <a@x.co>`
      expect(parseMailboxes(quoted)).toEqual([{ name, address: 'a@x.co' }])
      expect(parseMailboxes(readSender(quoted).text)).toEqual([{ name, address: 'a@x.co' }])
    }),
  )
})
