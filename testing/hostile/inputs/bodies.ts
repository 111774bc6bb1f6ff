import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { type Input, many } from '../input.ts'

const person = { identity: { id: '1' } }
const event = (data: unknown, name = 'x') => ({ ...person, event_name: name, data })
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

/** One body, to the Track API, to the Segment spec and to a REST route, each of which has its own way of reading. */
const everywhere = (
  name: string,
  why: string,
  make: (size: number) => string | Uint8Array,
  sizes: [number, number],
  headers = {},
): Input => ({
  name: `body: ${name}`,
  why,
  async play(tenant, scale) {
    const body = make(scale.of(...sizes))
    const basic = {
      authorization: `Basic ${Buffer.from(`${tenant.project.trackingKey}:`).toString('base64')}`,
    }
    const bearer = { authorization: `Bearer ${tenant.project.secretKey}` }
    await tenant.track('events/track', body, headers)
    await tenant.send('POST', '/v1/batch', { body, headers: { ...basic, ...headers } })
    await tenant.send('POST', '/v1/track', { body, headers: { ...basic, ...headers } })
    await tenant.send('POST', '/v1/send/email', { body, headers: { ...bearer, ...headers } })
    await tenant.rest('POST', '/people/search', body, headers)
    await tenant.rest('POST', '/segments', body, headers)
    await tenant.rest('PATCH', '/people/id:body', body, headers)
    await tenant.send('POST', '/api/auth/sign-in/email', { body, headers })
  },
})

/** Names that nobody sent before: JSON.parse keeps each. */
let named = 0
const newKeys = (count: number) => Object.fromEntries(Array.from({ length: count }, () => [`q${named++}`, 1]))
const call = (properties: unknown, more = {}) => ({
  type: 'track',
  userId: '1',
  event: 'e',
  properties,
  ...more,
})

/** One batch of the Segment spec, packed, from several senders at once: the tracking key is in every page. */
const batchOf = (
  name: string,
  why: string,
  make: (size: number) => unknown[],
  sizes: [number, number],
  check: (statuses: Set<number>) => boolean = () => true,
): Input => ({
  name: `body: ${name}`,
  why,
  async play(tenant, scale) {
    const packed = gzipSync(JSON.stringify({ batch: make(scale.of(...sizes)) }), { level: 1 })
    const headers = {
      authorization: `Basic ${Buffer.from(`${tenant.project.trackingKey}:`).toString('base64')}`,
      'content-encoding': 'gzip',
    }
    const statuses = new Set<number>()
    await many(scale.of(2, 24), 8, async () => {
      statuses.add((await tenant.send('POST', '/v1/batch', { body: packed, headers })).status)
    })
    if (!check(statuses)) throw new Error(`replied ${[...statuses].join()}`)
  },
})
const onlyRefused = (statuses: Set<number>) =>
  [...statuses].every((status) => [400, 413, 429].includes(status))

export const bodies: Input[] = [
  batchOf(
    'keys of one call',
    'JSON.parse took 2 µs for each, and the refusal came after it; eight at once held the loop for 7 s',
    (size) => [call(newKeys(size))],
    [20_000, 390_000],
    onlyRefused,
  ),
  batchOf(
    'keys of many calls',
    'each has as many as it may',
    (size) => Array.from({ length: size }, () => call(newKeys(150))),
    [100, 1_000],
  ),
  batchOf(
    'keys of objects',
    'one each, and none like the other',
    (size) => Array.from({ length: size }, () => newKeys(1)),
    [10_000, 190_000],
    onlyRefused,
  ),
  batchOf(
    'keys that are numbers',
    'kept in a table of their own, as large as the largest',
    (size) => [call(Object.fromEntries(Array.from({ length: size }, (_, i) => [String(i * 7_919), 1])))],
    [10_000, 200_000],
    onlyRefused,
  ),
  batchOf(
    'calls that are all wrong',
    'an error with its stack for each',
    (size) => Array.from({ length: size }, (_, i) => call({ i }, { timestamp: 'soon' })),
    [1_000, 19_999],
    onlyRefused,
  ),
  batchOf(
    'calls that are all right',
    'as many as a batch may have',
    (size) => Array.from({ length: size }, (_, i) => call({ i })),
    [1_000, 19_999],
  ),
  {
    name: 'body: empty gzip members',
    why: 'each is opened and closed, and none has a byte; 4 MB held the loop for 108 ms',
    async play(tenant, scale) {
      const member = gzipSync('')
      const body = Buffer.concat(Array(Math.floor(scale.of(200_000, 4_100_000) / member.length)).fill(member))
      await many(scale.of(2, 16), 8, () =>
        tenant.send('POST', '/v1/batch', {
          body,
          headers: {
            authorization: `Basic ${Buffer.from(`${tenant.project.trackingKey}:`).toString('base64')}`,
            'content-encoding': 'gzip',
          },
        }),
      )
    },
  },
  everywhere(
    'brackets',
    'readers that call themselves for each level',
    (size) => '['.repeat(size),
    [50_000, 400_000],
  ),
  everywhere(
    'deep objects',
    'parsed without trouble, and then walked through by what calls itself',
    (size) => `{"identity":{"id":"1"},"event_name":"x","properties":${nested(size)},"data":${nested(size)}}`,
    [5_000, 30_000],
  ),
  everywhere(
    'prototypes',
    'names that every object inherits',
    () =>
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"identity":{"id":"1","__proto__":1},"event_name":"x","data":{"__proto__":{"a":1},"hasOwnProperty":1,"toString":null},"properties":{"__proto__":{"a":1}}}',
    [1, 1],
  ),
  everywhere(
    'NUL',
    'PostgreSQL stores none; a person was left behind empty',
    () =>
      '{"identity":{"id":"a\\u0000b"},"event_name":"x\\u0000","data":{"a\\u0000":"\\u0000"},"properties":{"a\\u0000":"\\u0000"},"name":"\\u0000","conditions":{"person":"\\u0000","is":"\\u0000"}}',
    [1, 1],
  ),
  everywhere(
    'halves of characters',
    'PostgreSQL stores none',
    () =>
      '{"identity":{"id":"\\ud800"},"event_name":"\\udfff","data":{"\\ud800":"\\ud800"},"properties":{"\\ud800":"\\ud800"},"name":"\\ud800","conditions":{"person":"\\ud800","is":"\\ud800"}}',
    [1, 1],
  ),
  everywhere(
    'numbers out of range',
    'larger than what columns hold',
    () =>
      `{"identity":{"id":1e999},"event_name":"x","data":{"n":-1e999,"m":${'9'.repeat(400)}},"properties":{"n":1e999},"conditions":{"segment":1e300},"limit":1e308}`,
    [1, 1],
  ),
  everywhere(
    'long names',
    'indexes hold 2,700 bytes of a value',
    (size) =>
      JSON.stringify({
        identity: { id: 'x'.repeat(size) },
        event_name: 'x'.repeat(size),
        data: { ['k'.repeat(size)]: 1 },
        properties: { ['k'.repeat(size)]: 'v'.repeat(size) },
      }),
    [20_000, 200_000],
  ),
  everywhere(
    'backslashes',
    'looked back over for each of them',
    (size) =>
      `{"identity":{"id":"1"},"event_name":"x","data":{"a":"${'\\\\'.repeat(size)}\\u0000"},"properties":{"a":"${'\\\\'.repeat(size)}\\ud800"}}`,
    [5_000, 15_000],
  ),
  everywhere(
    'a bomb',
    'a kilobyte becomes a megabyte',
    (size) => gzipSync(Buffer.alloc(size, ' ')),
    [5_000_000, 200_000_000],
    { 'content-encoding': 'gzip' },
  ),
  everywhere(
    'a bomb of another kind',
    'brotli packs ten times as well',
    (size) => brotliCompressSync(Buffer.alloc(size, ' ')),
    [5_000_000, 50_000_000],
    { 'content-encoding': 'br' },
  ),
  everywhere(
    'a bomb in a bomb',
    'each layer is a thousandth of the next',
    (size) => gzipSync(gzipSync(gzipSync(Buffer.alloc(size, ' ')))),
    [5_000_000, 100_000_000],
    { 'content-encoding': 'gzip, gzip, gzip' },
  ),
  everywhere(
    'not what it says',
    'data that only begins like what it is said to be',
    () => deflateSync(Buffer.alloc(1_000)).subarray(0, 10),
    [1, 1],
    { 'content-encoding': 'deflate' },
  ),
  everywhere('not text', 'bytes that are no UTF-8', (size) => Buffer.alloc(size, 0xff), [10_000, 200_000]),
  everywhere('blanks', 'nothing but what is trimmed', (size) => `${' '.repeat(size)}{`, [50_000, 400_000]),
  everywhere(
    'brackets in a form',
    'each opens a level',
    (size) => `a${'[a]'.repeat(size)}=1&${'a[]=1&'.repeat(size)}`,
    [2_000, 50_000],
    { 'content-type': 'application/x-www-form-urlencoded' },
  ),
  everywhere(
    'fields of a form',
    'more than anybody sends',
    (size) => Array.from({ length: size }, (_, i) => `a[${i}]=1`).join('&'),
    [5_000, 40_000],
    { 'content-type': 'application/x-www-form-urlencoded' },
  ),
  everywhere(
    'parts without an end',
    'a boundary that nearly comes, again and again',
    (size) => `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n${'\r\n--'.repeat(size)}`,
    [10_000, 100_000],
    { 'content-type': 'multipart/form-data; boundary=x' },
  ),
  everywhere(
    'parts that are wrong',
    'an error for each few bytes; 6 KB without a key held the loop for 8 s',
    (size) => gzipSync(`${'--b\r\n\r\n'.repeat(size)}--b--`),
    [70_000, 590_000],
    { 'content-encoding': 'gzip', 'content-type': 'multipart/form-data; boundary=b' },
  ),
  everywhere(
    'packed objects',
    'each three bytes become an object; 4 KB without a key held the loop for a second',
    (size) => gzipSync(`{"batch":[${'{},'.repeat(size)}{}]}`),
    [150_000, 1_300_000],
    { 'content-encoding': 'gzip' },
  ),
  everywhere(
    'packed brackets',
    'each opens a level, and a kilobyte holds half a million',
    (size) => gzipSync('['.repeat(size) + ']'.repeat(size)),
    [100_000, 500_000],
    { 'content-encoding': 'gzip' },
  ),
  everywhere(
    'plain objects',
    'two megabytes of them',
    (size) => `[${'{},'.repeat(size)}{}]`,
    [150_000, 650_000],
  ),
  {
    name: 'bodies without a key',
    why: 'whatever they cost, anybody may send them',
    async play(tenant, scale) {
      const objects = gzipSync(`{"batch":[${'{},'.repeat(scale.of(150_000, 1_300_000))}{}]}`)
      const parts = gzipSync(`${'--b\r\n\r\n'.repeat(scale.of(70_000, 590_000))}--b--`)
      const gzip = { 'content-encoding': 'gzip' }
      const multipart = { ...gzip, 'content-type': 'multipart/form-data; boundary=b' }
      const paths = ['/v1/batch', '/v1/track', '/beacon/v1/batch', '/api/v2/events/track', '/api/v2/batch']
      await many(scale.of(10, 100), 10, async (i) => {
        const path = paths[i % paths.length]!
        await tenant.send('POST', path, { body: objects, headers: gzip })
        await tenant.send('POST', path, { body: parts, headers: multipart })
      })
    },
  },
  everywhere('content types', 'a header without an end', () => '{}', [1, 1], {
    'content-type': `application/json${';a=b'.repeat(2_000)}`,
  }),
  {
    name: 'batches of duplicates',
    why: 'one and the same item, as often as a batch may have it, by many at once',
    play: (tenant, scale) =>
      many(scale.of(5, 200), 10, () =>
        tenant.batch(
          Array.from({ length: 500 }, () => ({
            type: 'track',
            messageId: 'same',
            userId: 'same',
            event: 'Same',
            properties: { n: 1 },
          })),
        ),
      ),
  },
  {
    name: 'people who become each other',
    why: 'chains and rings of merges, all at once',
    play: (tenant, scale) =>
      many(scale.of(50, 2_000), 20, (i) =>
        tenant.batch(
          Array.from({ length: 20 }, (_, n) => ({
            type: 'alias',
            previousId: `ring-${(i + n) % 30}`,
            userId: `ring-${(i + n + 1) % 30}`,
          })),
        ),
      ),
  },
  {
    name: 'names of events',
    why: 'each new name is learned, kept and counted by the hour',
    play: (tenant, scale) =>
      many(scale.of(10, 200), 4, (i) =>
        tenant.batch(
          Array.from({ length: 200 }, (_, n) => ({
            type: 'track',
            userId: `n${n}`,
            event: `Name ${i * 200 + n}`,
          })),
        ),
      ),
  },
  {
    name: 'names of properties',
    why: 'each new name is learned with its types',
    play: (tenant, scale) =>
      many(scale.of(10, 100), 4, (i) =>
        tenant.batch(
          Array.from({ length: 5 }, (_, n) => ({
            type: 'identify',
            userId: `p${n}`,
            traits: Object.fromEntries(Array.from({ length: 500 }, (_, k) => [`property ${i}-${n}-${k}`, k])),
          })),
        ),
      ),
  },
  {
    name: 'values of one person',
    why: 'a person who grows with every item is read and written whole for each',
    play: (tenant, scale) =>
      many(scale.of(10, 200), 4, (i) =>
        tenant.track('users/track', {
          id: 'grows',
          data: Object.fromEntries(Array.from({ length: 500 }, (_, k) => [`v${i}-${k}`, 'x'.repeat(50)])),
        }),
      ),
  },
  {
    name: 'texts that look alike',
    why: 'ligatures, combining marks and letters that change length when they change case',
    async play(tenant, scale) {
      const tricks = [
        'İ',
        'ß',
        'ﬃ',
        '\u0130',
        'e\u0301'.repeat(100),
        '\u202e',
        '\u200b',
        '\ufeff',
        '𝒜',
        '\u0345',
        '👩‍👩‍👧‍👦',
        '\ufdfa'.repeat(50),
        '\u2028',
      ]
      for (const trick of tricks) {
        await tenant.track('events/track', event({ [trick]: trick }, `n${trick}`))
        await tenant.track('users/track', {
          id: trick,
          email: `${trick}@example.com`,
          data: { phone: trick, language: trick, timezone: trick },
        })
        await tenant.rest('GET', `/people?search=${encodeURIComponent(trick)}`)
      }
      const mark = '\u0301'.repeat(scale.of(5_000, 60_000))
      await tenant.track('events/track', event({ mark }, 'Marks'))
    },
  },
  {
    name: 'times from everywhere',
    why: 'each reader of times has its own idea of what one is',
    async play(tenant) {
      const times = [
        '275760-09-13',
        '-271821-04-20',
        '0000-00-00',
        '9999-12-31T23:59:60Z',
        '1e21',
        -1,
        1e308,
        9e15,
        '2020-02-30',
        'Z'.repeat(5_000),
        '('.repeat(5_000),
        [],
        {},
        true,
      ]
      for (const at of times) {
        await tenant.track('events/track', { ...event({}), extras: { created_at: at } })
        await tenant.batch([{ type: 'track', userId: '1', event: 'x', timestamp: at, sentAt: at }])
        await tenant.rest(
          'GET',
          `/events/over-time?from=${encodeURIComponent(String(at))}&to=${encodeURIComponent(String(at))}`,
        )
      }
    },
  },
]
