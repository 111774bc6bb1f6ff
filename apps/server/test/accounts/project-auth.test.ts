import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { createKey, revokeKey } from '../../src/accounts/keys.ts'
import { createProject } from '../../src/accounts/projects.ts'
import { type ConsoleClient, signIn } from './console-client.ts'

let server: TestServer
let other: { id: number; secretKey: string }
let stranger: { id: number }
let owner: ConsoleClient
let clock = Date.now()

beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(clock), config: { role: 'api' } })
  const { app } = server
  const second = await createProject(app, { name: 'Second' })
  other = { id: second.project.id, secretKey: second.secretKey }
  await app.pool.query(
    `insert into organizations (id, name, slug) values ('elsewhere', 'Elsewhere', 'elsewhere')`,
  )
  stranger = (await createProject(app, { name: 'Theirs', organizationId: 'elsewhere' })).project
  owner = await signIn(app, server.url)
})
afterAll(() => server.close())

const settings = (project: number | string) => `/api/v1/projects/${project}/settings`

async function withKey(key: string | undefined, project: number | string, scheme = 'Bearer') {
  clock += 60_000 // a new window of the limit on failures
  const response = await fetch(server.url + settings(project), {
    headers: key === undefined ? {} : { authorization: `${scheme} ${key}` },
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

describe('with a key', () => {
  test('the secret key of the project may act in it', async () => {
    const { status, body } = await withKey(server.secretKey, server.projectId)
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: server.projectId, name: 'Test', mode: 'test', timezone: 'UTC' })
  })

  test('nothing, an unknown key and another scheme are 401, with the way to do it right', async () => {
    const attempts = await Promise.all([
      withKey(undefined, server.projectId),
      withKey('fw_secret_unknownunknownunknownunknown', server.projectId),
      withKey('', server.projectId),
      withKey(Buffer.from(`${server.secretKey}:`).toString('base64'), server.projectId, 'Basic'),
      withKey(undefined, 999_999),
    ])
    for (const { status, headers, body } of attempts) {
      expect(status).toBe(401)
      expect(headers.get('content-type')).toContain('application/problem+json')
      expect(headers.get('www-authenticate')).toBe('Bearer')
      expect(body).toMatchObject({ code: 'unauthorized', status: 401 })
    }
  })

  test('a revoked key is 401', async () => {
    const { id, key } = await createKey(server.app, server.projectId, { kind: 'secret' })
    expect((await withKey(key, server.projectId)).status).toBe(200)
    await revokeKey(server.app, server.projectId, id)
    expect((await withKey(key, server.projectId)).status).toBe(401)
  })

  test('a tracking key is 403', async () => {
    const { status, body } = await withKey(server.trackingKey, server.projectId)
    expect(status).toBe(403)
    expect(body.detail).toContain('secret key')
  })

  test('the key of another project is 403, the same for projects that do not exist or have no such id', async () => {
    const answers = []
    for (const project of [
      server.projectId,
      stranger.id,
      999_999,
      2_147_483_648,
      0,
      'x',
      '1e3',
      `${other.id}%00`,
    ]) {
      const { status, body } = await withKey(other.secretKey, project)
      const { requestId, ...problem } = body
      answers.push({ status, problem })
    }
    expect(answers.every(({ status }) => status === 403)).toBe(true)
    expect(new Set(answers.map(({ problem }) => JSON.stringify(problem))).size).toBe(1)
  })

  test('deleting a project needs a signed-in owner', async () => {
    const response = await fetch(`${server.url}/api/v1/projects/${other.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${other.secretKey}` },
    })
    expect(response.status).toBe(403)
  })

  test('many failures from one address are 429 until the minute is over', async () => {
    clock += 60_000
    const attempt = (key: string) =>
      fetch(server.url + settings(server.projectId), { headers: { authorization: `Bearer ${key}` } })
    const statuses = new Map<number, number>()
    let last: Response | undefined
    for (let count = 0; count < 70; count++) {
      last = await attempt('fw_secret_wrongwrongwrongwrongwrong')
      statuses.set(last.status, (statuses.get(last.status) ?? 0) + 1)
    }
    expect(Object.fromEntries(statuses)).toEqual({ 401: 60, 429: 10 })
    expect(Number(last!.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await attempt(server.secretKey)).status, 'a right key goes on working').toBe(200)
    clock += 60_000
    expect((await attempt('fw_secret_wrongwrongwrongwrongwrong')).status).toBe(401)
  })
})

describe('with a session', () => {
  test('an owner may act in the projects of the organization', async () => {
    expect((await owner.fetch(settings(server.projectId))).status).toBe(200)
    expect((await owner.fetch(settings(other.id))).status).toBe(200)
  })

  test("other organizations' projects are 404, as those that do not exist", async () => {
    const answers = await Promise.all(
      [stranger.id, 999_999, 'x'].map(async (project) => {
        const response = await owner.fetch(settings(project))
        const { requestId, ...problem } = (await response.json()) as Record<string, unknown>
        return { status: response.status, problem }
      }),
    )
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
    expect(new Set(answers.map(({ problem }) => JSON.stringify(problem))).size).toBe(1)
  })

  test('a changing request from another site is refused', async () => {
    const change = { method: 'PATCH', body: { name: 'Test' } }
    expect((await owner.fetch(settings(server.projectId), change)).status).toBe(200)
    for (const origin of ['https://evil.example', server.url.replace(/\d+$/, '1'), 'null', '']) {
      const response = await owner.fetch(settings(server.projectId), { ...change, headers: { origin } })
      expect(response.status, `Origin: ${origin}`).toBe(403)
    }
  })

  test('a forged cookie is 401', async () => {
    const response = await fetch(server.url + settings(server.projectId), {
      headers: { cookie: `fairway.session_token=${'a'.repeat(32)}.${'b'.repeat(44)}` },
    })
    expect(response.status).toBe(401)
  })

  test('a member without administration rights may look, not change keys or settings', async () => {
    const member = await signIn(server.app, server.url, 'member@example.com')
    await server.app.pool.query(
      `update members set role = 'member' where "userId" = (select id from users where email = 'member@example.com')`,
    )
    expect((await member.fetch(settings(server.projectId))).status).toBe(200)
    const refused = await Promise.all([
      member.fetch(settings(server.projectId), { method: 'PATCH', body: { mode: 'live' } }),
      member.fetch(`/api/v1/projects/${server.projectId}/keys`),
      member.fetch(`/api/v1/projects/${server.projectId}/keys`, { method: 'POST', body: { kind: 'secret' } }),
      member.fetch(`/api/v1/projects/${server.projectId}`, { method: 'DELETE' }),
      member.fetch('/api/v1/projects', { method: 'POST', body: { name: 'Mine' } }),
    ])
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
  })
})

test("the API's description says that the project's routes need a secret key", async () => {
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { security?: unknown }>>
  }
  const routes = Object.entries(paths).filter(([path]) => path.startsWith('/api/v1/projects/{project}'))
  expect(routes.length).toBeGreaterThan(4)
  for (const [path, methods] of routes) {
    for (const route of Object.values(methods)) expect(route.security, path).toEqual([{ secretKey: [] }])
  }
})

describe('settings and keys', () => {
  test('are changed and checked', async () => {
    const good = {
      mode: 'live',
      testAddress: 'team@example.com',
      timezone: 'Europe/Berlin',
      eventRetentionDays: 90,
    }
    const changed = await owner.fetch(settings(other.id), { method: 'PATCH', body: good })
    expect(await changed.json()).toMatchObject({ ...good, name: 'Second' })
    const back = { testAddress: null, eventRetentionDays: null }
    expect(
      await (await owner.fetch(settings(other.id), { method: 'PATCH', body: back })).json(),
    ).toMatchObject(back)

    const bad = [
      { name: ' ' },
      { name: 'a\nb' },
      { name: 'x'.repeat(201) },
      { mode: 'paused' },
      { testAddress: 'nobody' },
      { timezone: 'Mars/Base' },
      { eventRetentionDays: 0 },
      { eventRetentionDays: 1.5 },
      { organizationId: 'elsewhere' },
    ]
    for (const body of bad) {
      const response = await owner.fetch(settings(other.id), { method: 'PATCH', body })
      expect(response.status, JSON.stringify(body)).toBe(422)
      expect(((await response.json()) as { field: string }).field).toBe(Object.keys(body)[0])
    }
  })

  test('keys are created, shown once, imported and revoked over REST', async () => {
    const path = `/api/v1/projects/${other.id}/keys`
    const created = await owner.fetch(path, { method: 'POST', body: { kind: 'tracking', name: 'Web' } })
    expect(created.status).toBe(201)
    const { id, key } = (await created.json()) as { id: number; key: string }
    const listed = await (await owner.fetch(path)).text()
    expect(listed).toContain('"Web"')
    expect(listed).not.toContain(key)
    expect((await owner.fetch(`${path}/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await owner.fetch(`${path}/${id + 1_000}`, { method: 'DELETE' })).status).toBe(404)
    const imported = { kind: 'tracking', value: 'an-old-key-of-another-platform' }
    expect((await owner.fetch(path, { method: 'POST', body: imported })).status).toBe(201)
    expect((await owner.fetch(path, { method: 'POST', body: imported })).status).toBe(409)
  })
})
