import { type Input, many } from '../input.ts'
import type { Tenant } from '../tenant.ts'

/** A mail whose content does the harm: it must end, sent or failed, and nobody else may notice. */
const mail = (
  name: string,
  why: string,
  fields: (size: number) => Record<string, unknown>,
  sizes = [1, 1],
): Input => ({
  name: `mail: ${name}`,
  why,
  async play(tenant, scale) {
    const { state } = await tenant.mail(fields(scale.of(sizes[0]!, sizes[1]!)))
    if (!['sent', 'failed', 'skipped', 'refused'].includes(state)) throw new Error(`the mail is ${state}`)
  },
})

const loop = (size: number, text: string) => `{% for i in (1..${size}) %}${text}{% endfor %}`

export const templates: Input[] = [
  mail(
    'preheader, many <body',
    'a quadratic search for the body held the process for ever, and again after each restart',
    (size) => ({ preheader: 'Hello', body: loop(size, '<body ') }),
    [20_000, 150_000],
  ),
  mail(
    'raw braces',
    'the plain text was searched for placeholders in quadratic time: 8 s for 200 KB',
    (size) => ({ body: `{% raw %}${'{{'.repeat(size)}{% endraw %}` }),
    [10_000, 100_000],
  ),
  mail(
    'delimiter of many digits',
    'a filter grouped digits in quadratic time: 6 s for 100 KB',
    (size) => ({
      body: `<p>{{ "${'1'.repeat(size)}" | delimiter }}</p>`,
    }),
    [10_000, 100_000],
  ),
  mail(
    'sort, uniq and where_exp of a long list',
    'within all limits they took 3 s',
    (size) => ({
      body: `{% assign l = (1..${size}) %}{% assign s = l | sort | uniq | reverse | sort %}{% assign w = l | where_exp: "i", "i > 2" %}{{ w | size }}`,
    }),
    [5_000, 100_000],
  ),
  mail(
    'loops in loops',
    'turns multiply',
    (size) => ({ body: loop(size, loop(size, loop(size, 'x'))) }),
    [50, 1_000],
  ),
  mail(
    'a text that doubles',
    'forty doublings of one letter are a terabyte',
    (size) => ({
      body: `{% assign s = "x" %}${loop(size, '{% assign s = s | append: s %}')}{{ s | size }}`,
    }),
    [40, 60],
  ),
  mail(
    'deep HTML',
    'readers of HTML that call themselves for each level run out of stack',
    (size) => ({
      body: loop(size, '<div>'),
    }),
    [20_000, 150_000],
  ),
  mail(
    'tables in tables',
    'the plain text lays out each table anew',
    (size) => ({
      body: `${'<table><tr><td>'.repeat(size)}x${'</td></tr></table>'.repeat(size)}`,
    }),
    [100, 3_000],
  ),
  mail(
    'comments without an end',
    'each beginning is searched to the end of the text',
    (size) => ({
      body: loop(size, '<!--'),
      preheader: 'Hello',
    }),
    [20_000, 150_000],
  ),
  mail(
    'half entities',
    'each ampersand may begin one',
    (size) => ({ body: loop(size, '&#x1;&am') }),
    [20_000, 100_000],
  ),
  mail(
    'text that looks like links',
    'each may be an address to follow',
    (size) => ({
      body: loop(size, '<a href="http://a.example/?{{ i }}">x</a>'),
    }),
    [500, 20_000],
  ),
  mail('a subject of 100 KB', 'header lines have 998 octets', () => ({ subject: 'é'.repeat(50_000) })),
  mail('header lines that end early', 'a line break in a value would be a header of its own', () => ({
    subject: '{{ "a\r\nBcc: eve@example.com" }}',
    headers: { 'X-Note': '{{ "a\r\nBcc: eve@example.com" }}' },
  })),
  mail('names of prototypes', 'a template sees values, never what objects inherit', () => ({
    body: '{{ __proto__ }}{{ constructor.name }}{{ event.__proto__.polluted }}{{ person.constructor.constructor }}',
    message_data: JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": 1}}'),
  })),
  mail(
    'tags inside tags',
    'the parser calls itself for each',
    (size) => ({
      body: `${'{% if true %}'.repeat(size)}x${'{% endif %}'.repeat(size)}`,
    }),
    [1_000, 10_000],
  ),
  mail(
    'tags without an end',
    'each is looked for to the end of the text',
    (size) => ({ body: '{%'.repeat(size) }),
    [10_000, 100_000],
  ),
  {
    name: 'previews in parallel',
    lasts: true,
    why: 'each renders, and all of them share the process',
    play: (tenant, scale) =>
      many(scale.of(8, 40), 40, () =>
        tenant.rest('POST', '/templates/preview', {
          subject: 'Hello',
          html: loop(scale.of(20_000, 90_000), '<p>{{ i | times: 3 }}</p>'),
        }),
      ),
  },
  {
    name: 'one view link, many times',
    why: 'anybody may open the link of a mail; ten at once rendered ten times, 7 s',
    async play(tenant, scale) {
      const size = scale.of(5_000, 60_000)
      const { id } = await tenant.mail({
        body: `{{ view_in_browser_url }}${loop(size, '<p>{{ i | times: 3 }}</p>')}`,
      })
      const path = id && (await viewPath(tenant))
      if (path) await many(10, 10, () => tenant.send('GET', path))
    },
  },
  {
    name: 'view links that are made up',
    why: 'what is not signed must not cost a look into the database',
    play: (tenant, scale) =>
      many(scale.of(50, 2_000), 20, (i) =>
        tenant.send('GET', `/v/${Buffer.from(`x${i}`).toString('base64url')}`),
      ),
  },
]

/** Of the newest mail in the sandbox. */
async function viewPath(tenant: Tenant): Promise<string | undefined> {
  const list = await tenant.rest('GET', '/mailbox?limit=1')
  const newest = list.status === 200 ? list.json().items[0] : undefined
  if (!newest) return undefined
  const { text } = await tenant.rest('GET', `/mailbox/${newest.id}/html`)
  return /\/v\/[\w.~-]+/.exec(text)?.[0]
}
