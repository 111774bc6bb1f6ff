import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'

let database: TestDatabase
let server: ServerProcess
let hostile: { project: { id: number }; secretKey: string }
let other: typeof hostile

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startServerProcess({ env: { DATABASE_URL: database.url } })
  hostile = JSON.parse(await server.cli('project', 'create', 'Hostile', '--json'))
  other = JSON.parse(await server.cli('project', 'create', 'Other', '--json'))
})
afterAll(async () => {
  await server.dispose()
  await database.drop()
})

const words = `{% assign a = "${'ab,'.repeat(3_000)}" | split: "," %}`
/** More than 300 million words to look at, in each part: seconds on any machine. */
const again = (what: string) => `${words}{% for i in (1..100000) %}{% assign b = a | ${what} %}{% endfor %}`
/** Each part has Liquid's whole second for itself. */
const inEveryHeader = (html: string) =>
  Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`X-${n}`, html]))

const inputs: Record<string, object> = {
  'a preheader and many bodies': { preheader: 'x', body: '{% for i in (1..150000) %}<body {% endfor %}' },
  'openings without an end': { body: `{% raw %}${'{{'.repeat(100_000)}` },
  'a number of many digits': { body: `{{ "${'1'.repeat(100_000)}" | delimiter }}` },
  where_exp: {
    body: again('where_exp: "x", "x != 1"'),
    headers: inEveryHeader(again('where_exp: "x", "x != 1"')),
  },
  sort: { body: again('sort'), headers: inEveryHeader(again('sort')) },
  uniq: { body: again('uniq'), headers: inEveryHeader(again('uniq')) },
  'tags to strip': { body: `{{ "${'<script'.repeat(60_000)}" | strip_html }}` },
  memory: {
    body: 'x',
    headers: inEveryHeader(
      `{% assign a = "${'a,'.repeat(15_000)}" | split: "," %}${'{% assign a = a | concat: a %}'.repeat(8)}`,
    ),
  },
}
/** These need more than two seconds on any machine. */
const neverSent = ['where_exp', 'sort', 'uniq']

async function send(secretKey: string, mail: object): Promise<string> {
  const reply = await fetch(`${server.url}/v1/send/email`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secretKey}` },
    body: JSON.stringify({ to: 'ada@x.example', from: 'shop@shop.example', subject: 'S', ...mail }),
  })
  expect(reply.status, await reply.clone().text()).toBe(200)
  return ((await reply.json()) as { delivery_id: string }).delivery_id
}

async function messageOf(id: string) {
  const { rows } = await database.pool.query<{ state: string; reason: string | null }>(
    'select state, reason from messages where id = $1',
    [id],
  )
  return rows[0]!
}
const settled = (id: string) =>
  until(async () => {
    const message = await messageOf(id)
    return message.state !== 'pending' && message
  })

async function beat(): Promise<void> {
  const reply = await fetch(`${server.url}/heartbeat`)
  expect(reply.status).toBe(200)
}

test('while hostile mails are made, the process answers and other projects send; nothing of them comes back', async () => {
  const ids = new Map<string, string>()
  for (const [name, mail] of Object.entries(inputs)) ids.set(name, await send(hostile.secretKey, mail))

  let beats = 0
  let sent = 0
  const ends = Promise.all([...ids.values()].map(settled))
  let over = false
  void ends.finally(() => {
    over = true
  })
  while (!over) {
    await beat()
    beats++
    const { state } = await settled(await send(other.secretKey, { body: '<p>Hello</p>' }))
    expect(state).toBe('sent')
    sent++
  }
  await ends
  // Three mails alone take six seconds before they are ended.
  expect(beats).toBeGreaterThan(5)
  expect(sent).toBeGreaterThan(5)
  for (const [name, id] of ids) {
    const { state, reason } = await messageOf(id)
    expect(['sent', 'failed'], `${name}: ${reason}`).toContain(state)
    if (neverSent.includes(name))
      expect(reason, name).toMatch(
        /^template: \w+: rendering took longer than 2 s and was stopped|; shorten /,
      )
  }

  await server.restart()
  await beat()
  const { state } = await settled(await send(other.secretKey, { body: '<p>After</p>' }))
  expect(state).toBe('sent')
  for (const id of ids.values()) expect(['sent', 'failed']).toContain((await messageOf(id)).state)
}, 240_000)

test('a preview of such a template is a 422 that names the part and the limit', async () => {
  const reply = await fetch(`${server.url}/api/v1/projects/${hostile.project.id}/templates/preview`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hostile.secretKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ subject: 'S', html: 'x', headers: inEveryHeader(again('sort')) }),
  })
  expect(reply.status).toBe(422)
  expect(await reply.json()).toMatchObject({ detail: expect.stringMatching(/^headers\b/) })
})
