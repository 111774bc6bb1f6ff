import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { describe, expect, test } from 'vitest'
import { composeMail } from '../../../src/messaging/channels/email/compose.ts'
import type { ComposeItem, ComposeShared } from '../../../src/messaging/channels/email/compose-work.ts'
import { validateMail } from '../../../src/messaging/templates/render.ts'
import { sourceProblem } from '../../../src/messaging/templates/sender.ts'
import { hostileName, hostileNames } from './hostile-names.ts'

const author = { from: '{{ event.inviter }} via Shop <noreply@shop.example>', replyTo: '' }

async function mailOf(source: Partial<typeof author>, properties: Record<string, unknown>) {
  const shared: ComposeShared = {
    projectId: 1,
    projectName: 'Shop',
    sources: [{ ...author, ...source, subject: 'Hi', html: '<p>Hi</p>' }],
    keys: [],
    senders: { bareDomains: false },
    date: new Date(0),
  }
  const item = {
    source: 0,
    scope: {
      messageId: '00000000-0000-8000-8000-000000000000',
      person: undefined,
      recipient: {},
      event: { name: 'Invited', properties },
      data: undefined,
      urls: { unsubscribe: '', permalink: '' },
      now: new Date(0),
    },
    to: ['b@x.example'],
    bcc: [],
    headers: {},
    attachments: [],
    staysHere: false,
  } as ComposeItem
  const { envelope, source: bytes } = await composeMail(shared, item)
  const parsed = await PostalMime.parse(bytes)
  return { envelope, parsed, head: Buffer.from(bytes).toString().split('\r\n\r\n')[0]! }
}

describe('the sender is not data', () => {
  const check = async (value: unknown) => {
    const { envelope, parsed, head } = await mailOf(
      { replyTo: '{{ event.inviter }} <help@shop.example>' },
      { inviter: value },
    )
    expect(envelope).toEqual({ from: 'noreply@shop.example', to: ['b@x.example'] })
    expect(parsed.from?.address).toBe('noreply@shop.example')
    expect(parsed.from?.name).toMatch(/via Shop$/)
    expect(parsed.replyTo?.map(({ address }) => address)).toEqual(['help@shop.example'])
    for (const line of head.split('\r\n')) expect(line.length).toBeLessThan(998)
    const names = head.split(/\r\n(?![ \t])/).map((line) => line.slice(0, line.indexOf(':')))
    expect(names.filter((name) => /^(from|sender|bcc|reply-to)$/i.test(name))).toEqual(['From', 'Reply-To'])
  }

  test.each(hostileNames)('with an inviter named %j', check)
  test('with a list for a name', () => check(['a <ceo@bank.example>', ', <b@bank.example>']))
  test('whatever the name', async () => {
    await fc.assert(fc.asyncProperty(hostileName, check))
  })

  test('the name is told as it is', async () => {
    const { parsed } = await mailOf({}, { inviter: 'Dr. "Ann" <a@b.example>, Müller' })
    expect(parsed.from?.name).toBe('Dr. "Ann" <a@b.example>, Müller via Shop')
  })

  test.each([
    ['{{ event.inviter }}', 'x@bank.example'],
    ['Shop <{{ event.inviter }}>', 'x@bank.example'],
    ['Shop <noreply@{{ event.inviter }}>', 'bank.example'],
    ['{% assign it = event.inviter %}{{ it | raw }}', 'x@bank.example'],
    ['{% capture it %}{{ event.inviter }}{% endcapture %}Shop <{{ it }}>', 'x@bank.example'],
    ['{% for one in event.inviter %}{{ one }}{% endfor %}', ['x@bank.example']],
  ])('an address from data is refused: %s', async (from, inviter) => {
    await expect(mailOf({ from }, { inviter })).rejects.toThrow('from')
  })

  test('{{ value | raw }} is marked like any other', async () => {
    const { envelope } = await mailOf(
      { from: '{{ event.inviter | raw }} <a@shop.example>' },
      { inviter: hostileNames[0] },
    )
    expect(envelope.from).toBe('a@shop.example')
  })

  test.each([
    '{% echo event.inviter %} <a@shop.example>',
    '{% liquid echo event.inviter %} <a@shop.example>',
    '{% cycle event.inviter, "x" %} <a@shop.example>',
  ])('what writes values unmarked is not available: %s', (from) =>
    expect(() => validateMail({ from, subject: '', html: '' })).toThrow('write a value as {{ value }}'),
  )

  test('a tag may decide between addresses of the author', async () => {
    const from = '{% if event.vip %}Ann <ann@shop.example>{% else %}Shop <hi@shop.example>{% endif %}'
    expect(sourceProblem('fromAddress', from)).toBeUndefined()
    expect((await mailOf({ from }, { vip: true })).envelope.from).toBe('ann@shop.example')
    expect((await mailOf({ from }, {})).envelope.from).toBe('hi@shop.example')
  })

  test('domains leave in ASCII, and the envelope has them so', async () => {
    const { envelope, parsed } = await mailOf({ from: 'Müller <Post@Müller.example>' }, {})
    expect(envelope.from).toBe('Post@xn--mller-kva.example')
    expect(parsed.from).toMatchObject({ name: 'Müller', address: 'Post@xn--mller-kva.example' })
  })
})

test.each([
  ['fromAddress', 'Shop <hello@shop.example>', true],
  ['fromAddress', '{{ event.inviter }} via Shop <hello@shop.example>', true],
  ['fromAddress', '"{{ user.name }}" <hello@shop.example>', true],
  ['fromAddress', '{{ event.from }}', false],
  ['fromAddress', 'Shop <{{ event.from }}>', false],
  ['fromAddress', '{{ event.name }}@shop.example', false],
  ['fromAddress', 'a@x.example, b@x.example', false],
  ['replyTo', 'a@x.example, {{ user.name }} <b@x.example>', true],
  ['replyTo', '{{ user.manager }}', false],
] as const)('%s %j can be saved: %s', (field, source, can) => {
  expect(sourceProblem(field, source) === undefined).toBe(can)
})
