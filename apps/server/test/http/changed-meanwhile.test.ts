import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'

/** The clock stands still: changes within a millisecond are told apart as well. */
const now = new Date('2026-06-01T12:00:00.000Z')
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ now: () => now, config: { role: 'api', allowPrivateNetworks: true } })
})
afterAll(() => server.close())

const call = async (method: string, path: string, body?: object) => {
  const reply = await fetch(`${server.url}/api/v1/projects/${server.projectId}${path}`, {
    method,
    headers: { authorization: `Bearer ${server.secretKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: reply.status, json: JSON.parse(await reply.text()) }
}

const template = { name: 'T', fromAddress: 'shop@x.example', subject: 'Hi', html: '<p>Hi</p>' }
const smtp = { host: '127.0.0.1', port: 2525, secure: false }

/** Everything that is there to be edited by several people, with a member that two of them change. */
const things: [what: string, make: () => Promise<string>, member: string][] = [
  ['template', async () => `/templates/${await idOf('/templates', template)}`, 'subject'],
  [
    'campaign',
    async () => {
      const templateId = await idOf('/templates', template)
      return `/campaigns/${await idOf('/campaigns', { name: 'C', triggerEvent: 'Signed up', templateId })}`
    },
    'name',
  ],
  [
    'segment',
    async () => {
      const conditions = { tag: 'pro' }
      return `/segments/${await idOf('/segments', { name: 'S', conditions })}`
    },
    'name',
  ],
  [
    'SQL source',
    async () => {
      const query = { kind: 'postgres', url: 'postgres://u:p@127.0.0.1/shop', query: 'select id from users' }
      return `/sources/${await idOf('/sources', { name: 'Q', ...query, import: { kind: 'people' } })}`
    },
    'name',
  ],
  ['SMTP server', async () => `/providers/${await idOf('/providers', { config: smtp })}`, 'name'],
  ['project', async () => '/settings', 'name'],
]

const idOf = async (path: string, body: object): Promise<number> => {
  const { status, json } = await call('POST', path, body)
  expect(status, JSON.stringify(json)).toBe(201)
  return json.id
}

describe.each(things)('what somebody else changed meanwhile: a %s', (what, make, member) => {
  test('is not overwritten unseen by whoever says what they read', async () => {
    const path = await make()
    const change = (value: string, updatedAt?: string) =>
      call('PATCH', path, { [member]: value, ...(updatedAt !== undefined && { updatedAt }) })
    const first = (await change('First')).json
    const mine = await change('Mine', first.updatedAt)
    expect(mine).toMatchObject({ status: 200, json: { [member]: 'Mine' } })
    const theirs = await change('Theirs', first.updatedAt)
    expect(theirs).toMatchObject({ status: 409, json: { code: 'changed_meanwhile' } })
    expect(theirs.json.detail).toMatch(new RegExp(`^The ${what} was changed by somebody else`))
    const after = (await change('Theirs', mine.json.updatedAt)).json
    expect(after).toMatchObject({ [member]: 'Theirs' })
    // Without it, whatever is there is overwritten.
    expect((await change('Whatever')).status).toBe(200)
    expect(await change('Never', 'never')).toMatchObject({ status: 422, json: { field: 'updatedAt' } })
  })

  test('one of two who save at once is told', async () => {
    const path = await make()
    const { updatedAt } = (await call('PATCH', path, { [member]: 'Both read this' })).json
    const replies = await Promise.all(
      ['one', 'other'].map((value) => call('PATCH', path, { [member]: value, updatedAt })),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409])
  })
})
