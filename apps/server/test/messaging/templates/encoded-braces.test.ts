import { expect, test } from 'vitest'
import { decodeBraces } from '../../../src/messaging/templates/encoded-braces.ts'
import { htmlToText } from '../../../src/messaging/templates/plain-text.ts'
import { renderMail } from '../../../src/messaging/templates/render.ts'

test.each([
  ['<a href="%7B%7B%20url.unsubscribe_link%20%7D%7D">', '<a href="{{ url.unsubscribe_link }}">'],
  [
    '<a href="https://x/?a=%7b%7buser.id%7d%7d&b=%7B%7B b %7D%7D">',
    '<a href="https://x/?a={{user.id}}&b={{ b }}">',
  ],
  ['<a href="/%7B%25%20if%20a%20%25%7D1%7B%25%20endif%20%25%7D">', '<a href="/{% if a %}1{% endif %}">'],
  ['<a href="/%7B%7B%20a%20%7C%20default:%20%22x%22%20%7D%7D">', `<a href="/{{ a | default: 'x' }}">`],
  ['<a href="/%7B%7B%20M%C3%BCller%20%7D%7D">', '<a href="/{{ Müller }}">'],
  ['100%7B and %7B%7B alone', '100%7B and %7B%7B alone'],
  ['%7B%7B %zz %7D%7D', '%7B%7B %zz %7D%7D'],
  ['<a href="/%20{{ a }}">', '<a href="/%20{{ a }}">'],
])('%j is %j', (html, decoded) => {
  expect(decodeBraces(html)).toBe(decoded)
})

test('a link whose braces an editor has encoded leads where it should', () => {
  const html = '<a href="https://x.example/%7B%7B%20event.path%20%7D%7D">Go</a>'
  const mail = renderMail({ from: '', subject: '', html }, { event: { path: 'welcome' } })
  expect(mail.html).toBe('<a href="https://x.example/welcome">Go</a>')
  expect(mail.text).toBe('Go [https://x.example/welcome]')
})

test.each([
  [
    '<table><tr><th>Item</th><th>Price</th></tr><tr><td>Tea</td><td>3 €</td></tr></table>',
    'Item Price\nTea 3 €',
  ],
  ['<table><tr><td><b>a</b></td>\n<td><i>b</i></td></tr></table>', 'a b'],
  ['<div style="display:none;max-height:0">Before</div><p>Seen</p>', 'Seen'],
  ['<p style="color: red; DISPLAY: none">Not</p><p hidden>Nor</p><p>Seen</p>', 'Seen'],
  ['<title>Not</title><style>p { color: red }</style><p>Seen</p>', 'Seen'],
  ['<head><title>Not</title><meta charset="utf-8"></head><template><p>Nor</p></template><p>Seen</p>', 'Seen'],
  ['<span style="visibility:hidden">Not</span><span style="mso-hide: all">Nor</span>Seen', 'Seen'],
])('the text of %j is %j', (html, text) => {
  expect(htmlToText(html)).toBe(text)
})

test('rows of a loop stay rows, and their cells apart', () => {
  const html =
    '<table>{% for one in event.items %}<tr><td>{{ one.name }}</td><td>{{ one.price }}</td></tr>{% endfor %}</table>'
  const items = [
    { name: 'Tea', price: 3 },
    { name: 'Milk', price: 1 },
  ]
  const { text } = renderMail({ from: '', subject: '', html }, { event: { items } })
  expect(text.split(/\n+/)).toEqual(['Tea 3', 'Milk 1'])
})

test('the line after the subject is not repeated in the text', () => {
  const mail = renderMail({ from: '', subject: '', preheader: 'Short', html: '<p>Long</p>' }, {})
  expect(mail.html).toContain('Short')
  expect(mail.text).toBe('Long')
})
