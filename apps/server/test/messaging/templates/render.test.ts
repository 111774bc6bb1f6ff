import { describe, expect, test } from 'vitest'
import { type MailSource, renderMail, validateMail } from '../../../src/messaging/templates/render.ts'
import { buildScope } from '../../../src/messaging/templates/scope.ts'
import { TemplateError } from '../../../src/messaging/templates/template-error.ts'

const source = (html: string, rest: Partial<MailSource> = {}): MailSource => ({
  from: 'a@x.example',
  subject: 'S',
  html,
  ...rest,
})
const render = (html: string, scope: object = {}, rest: Partial<MailSource> = {}) =>
  renderMail(source(html, rest), scope)
const errorOf = (run: () => unknown): TemplateError => {
  try {
    run()
  } catch (error) {
    return error as TemplateError
  }
  throw new Error('no error')
}

describe('filters of the platform', () => {
  test.each([
    [`{{ nothing | fallback: 'there' }}`, 'there'],
    [`{{ '' | fallback: 'there' }}`, 'there'],
    [`{{ 'Ann' | fallback: 'there' }}`, 'Ann'],
    [`{{ 'a+b@x.co' | encode }}`, 'a%2Bb%40x.co'],
    [`{{ 'a' | md5 }}`, '0cc175b9c0f1b6a831c399e269772661'],
    [`{{ 'a' | sha1 }}`, '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'],
    [`{{ 2.0554 | precision: 2 }}`, '2.06'],
    [`{{ 'x' | precision: 2 }}`, 'x'],
    [`{{ 4000 | delimiter: ',' }}`, '4,000'],
    [`{{ -1234567.891 | delimiter: '$1' }}`, '-1$1234$1567.891'],
    [`{{ 42 | format: '%05d' }}`, '00042'],
    [`{{ 3.14159 | format: '%.2f' }}`, '3.14'],
    [`{{ 255 | format: '%x' }}`, 'ff'],
    [`{{ 5 | format: '%+d%%' }}`, '+5%'],
    [`{{ 'first_name' | humanize }}`, 'First name'],
    [`{{ 'author_id' | humanize }}`, 'Author'],
    [`{{ 1767225600 | time_zone: 'Sydney' | date: '%d/%m/%Y %H:%M' }}`, '01/01/2026 11:00'],
    [
      `{{ 1767225600 | time_zone: 'Eastern Time (US & Canada)' | date: '%d/%m/%Y %H:%M' }}`,
      '31/12/2025 19:00',
    ],
    [`{{ 1767225600 | time_zone: -7 | date: '%H:%M' }}`, '17:00'],
    [`{{ '2026-01-01T00:00:00Z' | time_zone: 'Europe/Berlin' | date: '%H:%M %z' }}`, '01:00 +0100'],
    [`{{ 1767225600 | date: '%d/%m/%Y %H:%M' }}`, '01/01/2026 00:00'],
    [`{{ '2026-03-05' | date: '%e %b' }}`, ' 5 Mar'],
    // Milliseconds, as JavaScript counts them.
    [`{{ 1767225600000 | date: '%d/%m/%Y %H:%M' }}`, '01/01/2026 00:00'],
    [`{{ '1767225600000' | date_to_xmlschema }}`, '2026-01-01T00:00:00+00:00'],
    [`{{ 1767225600123 | time_zone: 'Sydney' | date: '%d/%m/%Y %H:%M' }}`, '01/01/2026 11:00'],
    [
      `{{ '99999999999999999999' | date: '%Y' }}{{ 'soon' | date: '%Y' }}{{ nothing | date: '%Y' }}`,
      '99999999999999999999soon',
    ],
  ])('%s', (template, expected) => {
    expect(render(template).html).toBe(expected)
  })

  test('random is a whole number below its argument', () => {
    for (let n = 0; n < 50; n++) {
      const value = Number(render('{% random 3 %}').html)
      expect([0, 1, 2]).toContain(value)
    }
  })
})

test('the objects of both platforms', () => {
  const scope = buildScope({
    messageId: 'm1',
    person: {
      id: 7,
      external_id: 'u1',
      email: 'ann@x.example',
      phone: '+4512345678',
      timezone: null,
      language: null,
      properties: { name: 'Ann', email: 'forged@x.example' },
      tags: ['vip'],
      topics: {},
      subscribed: true,
      suppressed: false,
      created_at: new Date('2026-01-01T00:00:00Z'),
    },
    recipient: {},
    event: { name: 'Bought', properties: { sku: 'A1' } },
    data: { total: 3 },
    urls: { unsubscribe: 'https://f/u', permalink: 'https://f/v' },
    now: new Date('2026-11-23T00:00:00Z'),
  })
  const html = `{{ user.name }}|{{ user.email }}|{{ customer.id }}|{{ event.sku }}|{{ event_name }}|{{ trigger.total }}|{{ message_data.total }}|{{ url.unsubscribe_link }}|{{ url.permalink }}|{{ extra.time.now | date: '%Y' }}|{{ vero.id }}|{{ user.tags | first }}|{{ user.created_at }}`
  expect(renderMail(source(html), scope).html).toBe(
    'Ann|ann@x.example|u1|A1|Bought|3|3|https://f/u|<a href="https://f/v">View in browser</a>|2026|m1|vip|1767225600',
  )
})

describe('mistakes are named with their place', () => {
  test.each([
    ['\n  {{ x | nope }}', 2, 'undefined filter: nope'],
    ['<p>\n\n{% if a %}', 3, 'not closed'],
    ['{% unknown %}', 1, 'unknown'],
    ['a\n{% fetch_json "https://x" %}', 2, 'makes no requests'.replace('makes', 'make')],
    ['{% fetch_html "https://x" %}', 1, 'make no requests'],
    ['{% random many %}', 1, 'whole number'],
  ])('%s', (html, line, message) => {
    const error = errorOf(() => validateMail(source(html)))
    expect(error).toBeInstanceOf(TemplateError)
    expect(error).toMatchObject({ part: 'html', line, message: expect.stringContaining(message) })
  })

  test('in the subject and in headers, too', () => {
    expect(errorOf(() => validateMail(source('', { subject: '{{' }))).part).toBe('subject')
    expect(errorOf(() => validateMail(source('', { headers: { 'X-A': '{% if %}' } }))).part).toBe(
      'headers.X-A',
    )
    expect(errorOf(() => validateMail(source('', { headers: { Bcc: 'x' } }))).message).toContain(
      'set by the platform',
    )
  })
})

describe('extra headers', () => {
  test('a template stored with what is reserved since is sent without it', () => {
    const stored = source('Hi', { headers: { 'Errors-To': 'a@x.example', 'X-A': '1' } })
    expect(renderMail(stored, {}).headers).toEqual({ 'X-A': '1' })
  })

  // One of each kind that says who gets a mail, who is told of it, where it came from, or who vouches for it.
  test.each([
    ...[
      'Resent-To',
      'resent-from',
      'Resent-Message-ID',
      'Apparently-To',
      'Envelope-To',
      'X-Original-To',
      'X-Envelope-From',
    ],
    ...['Errors-To', 'X-Errors-To', 'Return-Path', 'Return-Receipt-To', 'Disposition-Notification-To'],
    // By these some providers take recipients from a header.
    ...['X-SMTPAPI', 'X-MSYS-API', 'X-MC-BccAddress', 'X-PM-Bcc', 'X-Bcc', 'Mail-Followup-To'],
    ...['Received', 'Received-SPF', 'X-Received', 'Delivered-To', 'X-Forwarded-To'],
    ...['DKIM-Signature', 'DomainKey-Signature', 'ARC-Seal', 'Authentication-Results', 'BIMI-Selector'],
    ...['Reply-To', 'Content-Type', 'List-Unsubscribe', 'X-Fairway-Project'],
  ])('%s is refused', (name) => {
    const error = errorOf(() => validateMail(source('', { headers: { [name]: 'x' } })))
    expect(error).toMatchObject({
      part: `headers.${name}`,
      message: expect.stringContaining('set by the platform'),
    })
  })

  test.each([
    'X-Campaign',
    'X-Entity-Ref-ID',
    'List-Id',
    'List-Help',
    'Auto-Submitted',
    'In-Reply-To',
    'References',
    'Feedback-ID',
    'Importance',
    'X-PM-Message-Stream',
    'X-SES-CONFIGURATION-SET',
    'X-MC-Tags',
  ])('%s is taken', (name) =>
    expect(() => validateMail(source('', { headers: { [name]: 'x' } }))).not.toThrow(),
  )
})

describe('hostile templates end', () => {
  test.each([
    `{% for i in (1..99999999) %}x{% endfor %}`,
    `{% for a in (1..9999) %}{% for b in (1..9999) %}{{ a }}{% endfor %}{% endfor %}`,
    `{% assign x = 'ab' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}{{ x }}`,
    `${'{% if true %}'.repeat(20_000)}`,
  ])('%#', (html) => {
    expect(errorOf(() => render(html))).toBeInstanceOf(TemplateError)
  })

  test('no files, no prototypes', () => {
    expect(errorOf(() => render(`{% include '/etc/passwd' %}`))).toBeInstanceOf(TemplateError)
    expect(errorOf(() => render(`{% render 'package.json' %}`))).toBeInstanceOf(TemplateError)
    expect(render(`[{{ user.constructor }}{{ user.__proto__ }}{{ user.toString }}]`, { user: {} }).html).toBe(
      '[]',
    )
  })
})

describe('plain text', () => {
  test('links keep their address, headings their case, styles are left out', () => {
    const { text } = render(
      `<html><head><style>p{color:red}</style></head><body><h1>Hi {{ user.name }}</h1><p>See <a href="https://x.example/{{ user.id }}">this</a></p><img src="x" alt="pic"></body></html>`,
      { user: { name: 'Ann', id: 5 } },
    )
    expect(text).toBe('Hi Ann\n\nSee this [https://x.example/5]')
  })

  test('conditions and loops hold in the text', () => {
    const html = `<ul>{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul>{% if vip %}<p>VIP</p>{% endif %}`
    expect(render(html, { items: ['a', 'b'], vip: false }).text).toMatch(/\*?\s*a[\s\S]*b/)
    expect(render(html, { items: [], vip: true }).text).toContain('VIP')
    expect(render(html, { items: ['a'], vip: false }).text).not.toContain('VIP')
  })

  test('markup in values is converted, and tags outside the body still count', () => {
    expect(render('<p>{{ x }}</p>', { x: '<b>bold</b> &amp; more' }).text).toBe('bold & more')
    const html = `{% assign x = 'set' %}<html><body><p>{{ x }}</p></body></html>`
    expect(render(html).text).toBe('set')
  })

  test("the author's own text wins", () => {
    expect(render('<p>x</p>', { n: 1 }, { text: 'own {{ n }}' }).text).toBe('own 1')
  })
})

test('the preheader is the first thing in the body, hidden and escaped', () => {
  const { html, text } = render(
    '<html><body class="a"><p>x</p></body></html>',
    { n: '<b>' },
    { preheader: 'P {{ n }}' },
  )
  expect(html).toMatch(/<body class="a"><div style="display:none[^"]*">P &lt;b&gt;<\/div><p>x<\/p>/)
  expect(text).toBe('x')
})

test('line breaks in values do not reach headers', () => {
  const rendered = render(
    'x',
    { v: 'a\r\nBcc: b\u2028c\u0000d' },
    { subject: '{{ v }}', headers: { 'X-A': '{{ v }}' } },
  )
  expect(rendered.subject).toBe('a Bcc: b c d')
  expect(rendered.headers['X-A']).toBe('a Bcc: b c d')
})

describe('limits of Liquid are told in words', () => {
  const nested = '{% for a in (1..4000) %}{% for b in (1..4000) %}{{ a }}{% endfor %}{% endfor %}'
  test.each([
    [
      '{% for i in (1..100000000) %}x{% endfor %}',
      'more text or longer lists than a template may (20 million items)',
    ],
    [nested, 'longer than 1 s to render; shorten its loops'],
  ])('%s', (template, words) => {
    const error = errorOf(() => render(template))
    expect(error).toBeInstanceOf(TemplateError)
    expect(error.message).toContain(words)
    expect(error.line).toBe(1)
  })
})
