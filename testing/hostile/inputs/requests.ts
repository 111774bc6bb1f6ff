import { type Input, many } from '../input.ts'
import type { Tenant } from '../tenant.ts'

const paths = (id: string) => [
  `/people/${id}`,
  `/people/${id}/timeline`,
  `/people?search=${id}`,
  `/people?cursor=${id}`,
  `/people?limit=${id}`,
  `/people?segment=${id}`,
  `/messages?cursor=${id}`,
  `/messages/${id}`,
  `/messages?person=${id}`,
  `/events?cursor=${id}`,
  `/events?name=${id}`,
  `/events/over-time?name=${id}`,
  `/segments/${id}`,
  `/segments/${id}/members?cursor=${id}`,
  `/imports/${id}`,
  `/imports/${id}/rejects?cursor=${id}`,
  `/exports/${id}`,
  `/exports/${id}/file`,
  `/tasks/${id}`,
  `/tasks?cursor=${id}`,
  `/templates/${id}`,
  `/templates?cursor=${id}`,
  `/campaigns/${id}`,
  `/campaigns/${id}/report`,
  `/sources/${id}`,
  `/providers/${id}`,
  `/domains/${id}`,
  `/mailbox/${id}`,
  `/mailbox?cursor=${id}`,
  `/queue/dead-letters/${id}`,
  `/queue/dead-letters?cursor=${id}`,
  `/catalog/properties/${id}/values`,
  `/catalog/events/${id}/properties`,
  `/erasures?cursor=${id}`,
  `/rejects?cursor=${id}`,
  `/keys/${id}`,
  `/overview?range=${id}`,
]

async function everywhere(tenant: Tenant, texts: string[]) {
  for (const text of texts) {
    await many(paths(text).length, 8, (i) => tenant.rest('GET', paths(text)[i]!))
    for (const path of [`/people/${text}`, `/segments/${text}`, `/templates/${text}`, `/imports/${text}`])
      await tenant.rest('DELETE', path)
    await tenant.send('GET', `/api/v1/projects/${text}/people`, {
      headers: { authorization: `Bearer ${tenant.project.secretKey}` },
    })
  }
}

const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')

export const requests: Input[] = [
  {
    name: 'NUL in paths and queries',
    why: 'PostgreSQL takes none; that was an error of the server',
    play: (tenant) => everywhere(tenant, ['%00', 'id:a%00b', '1%00']),
  },
  {
    name: 'numbers out of range',
    why: 'larger than what columns hold; that was an error of the server',
    play: (tenant) =>
      everywhere(tenant, [
        '2147483648',
        '9223372036854775808',
        '999999999999999',
        '-1',
        '0',
        '1e308',
        'NaN',
        '1.5',
        '0x1',
      ]),
  },
  {
    name: 'texts where numbers belong',
    why: 'half characters, broken escapes, parts of other languages',
    play: (tenant, scale) =>
      everywhere(tenant, [
        '%ed%a0%80',
        '%ff',
        "'%20or%20'1'='1",
        '__proto__',
        'constructor',
        '..%2f..%2f..%2fetc%2fpasswd',
        '%25%5f',
        'a'.repeat(scale.of(2_000, 12_000)),
        encodeURIComponent('😀'.repeat(200)),
      ]),
  },
  {
    name: 'forged cursors',
    why: 'a cursor is what the client says it is',
    play: (tenant, scale) =>
      everywhere(tenant, [
        cursor(),
        cursor(null, null),
        cursor('9', '\0', '1'),
        cursor(['1'], ['2']),
        cursor('0', 'a', '9'.repeat(18)),
        cursor('99999-99-99 99:99:99+99', '999999999999999999'),
        cursor('9999-99-99 99:99:99+00', '00000000-0000-0000-0000-000000000000'),
        cursor({ toString: 1 }, 1e308),
        Buffer.from('['.repeat(scale.of(1_000, 8_000))).toString('base64url'),
        'e30',
        '%7B%7D',
      ]),
  },
  {
    name: 'Accept-Encoding without an end',
    why: 'an expression read it in quadratic time',
    async play(tenant, scale) {
      const made = await tenant.rest('POST', '/exports', { kind: 'people', format: 'csv' })
      const path = made.status === 202 || made.status === 201 ? `/exports/${made.json().id}` : '/exports/1'
      const size = scale.of(2_000, 14_000)
      for (const pump of [' ', '\t', ',', 'gzip ', 'gzip;q=0.', 'gzip;q=1', ';q=', 'x-gzip ,'])
        for (const [target, range] of [
          [`${path}/file`, 'bytes=0-'],
          ['/people', 'bytes=0-0,'.repeat(200)],
        ] as const)
          await tenant.rest('GET', target, undefined, {
            'accept-encoding': `${pump.repeat(size / pump.length)}!`,
            range,
          })
    },
  },
  {
    name: 'large headers',
    why: 'many, long, the same again',
    async play(tenant) {
      const long = { 'x-long': 'x'.repeat(30_000) }
      const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`x-${i}`, 'x']))
      for (const headers of [
        long,
        many,
        { cookie: 'a=b; '.repeat(2_500) },
        { 'x-forwarded-for': '1.1.1.1, '.repeat(1_000) },
        { authorization: `Bearer ${' '.repeat(10_000)}` },
        { authorization: `Basic ${'A'.repeat(10_000)}` },
        { 'idempotency-key': 'k'.repeat(10_000) },
        { origin: 'x'.repeat(5_000) },
        { 'if-none-match': '"a",'.repeat(3_000) },
        { host: 'x'.repeat(5_000) },
        { expect: '100-continue' },
        { 'x-request-id': '\u00ff'.repeat(5_000) },
      ])
        for (const path of ['/heartbeat', '/', '/api/v1/session', '/api/v2/events/track', '/v1/batch'])
          await tenant.send('GET', path, { headers: headers as Record<string, string> })
    },
  },
  {
    name: 'paths in other spellings',
    why: 'one path had several, and limits knew one of them',
    async play(tenant) {
      for (const path of [
        '//',
        '/./heartbeat',
        '/x/../heartbeat',
        '/x/..\\heartbeat',
        '/%2e%2e/%2e%2e/etc/passwd',
        '/heartbeat%2f',
        '/HEARTBEAT',
        '/heartbeat;x',
        '/assets/..%5c..%5cpackage.json',
        '/%',
        '/%zz',
        '/\\..\\',
        '/api/v1/../v1/projects',
        '/api//v1/session',
        `/${'a/'.repeat(4_000)}`,
        `/${'../'.repeat(3_000)}`,
        '*',
        '/index.html/..',
        '/api/v2/users%2Ftrack',
      ])
        for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND'])
          await tenant.send(method, path)
    },
  },
]
