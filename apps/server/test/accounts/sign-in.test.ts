import { getMigrations } from 'better-auth/db/migration'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { authOf } from '../../src/accounts/auth.ts'
import { createSignInLink } from '../../src/accounts/sign-in-link.ts'
import { ConsoleClient, signIn } from './console-client.ts'

let server: TestServer
let clock = Date.now()
beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(clock), config: { role: 'api' } })
})
afterAll(() => server.close())
afterEach(() => {
  vi.useRealTimers()
  clock += 60_000 // a new window of the limit on attempts
})

const link = (email?: string) => createSignInLink(server.app, { email, origin: server.url })
const whoAmI = async (client: ConsoleClient) => {
  const response = await client.fetch('/api/v1/session')
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('the tables are what the installed better-auth wants', async () => {
  const wanted = await getMigrations(authOf(server.app).options)
  expect(wanted.toBeCreated).toEqual([])
  expect(wanted.toBeAdded).toEqual([])
  expect(wanted.toBeAddedIndexes).toEqual([])
  expect(wanted.schemaProblems).toEqual([])
})

describe('the one-time link', () => {
  test('signs in the first user as owner of the first organization, and leads to the console', async () => {
    const client = new ConsoleClient(server.url)
    expect((await whoAmI(client)).status).toBe(401)
    const { url, email } = await link()
    const response = await client.fetch(url)
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe('/')
    expect(response.headers.getSetCookie().join()).toMatch(/fairway\.session_token=.*HttpOnly.*SameSite=Lax/i)
    const { status, body } = await whoAmI(client)
    expect(status).toBe(200)
    expect(body.user).toMatchObject({ email, hasPassword: false })
    expect(body.organizations).toEqual([expect.objectContaining({ role: 'owner' })])
    const projects = (await (await client.fetch('/api/v1/projects')).json()) as { items: { id: number }[] }
    expect(projects.items.map(({ id }) => id)).toContain(server.projectId)
  })

  test('works once, also when opened twice at the same moment', async () => {
    const { url } = await link()
    const responses = await Promise.all([1, 2, 3].map(() => new ConsoleClient(server.url).fetch(url)))
    const places = responses.map((response) => response.headers.get('location')).sort()
    expect(places).toEqual(['/', '/sign-in?error=link_expired', '/sign-in?error=link_expired'])
    const late = await new ConsoleClient(server.url).fetch(url)
    expect(late.headers.get('location')).toBe('/sign-in?error=link_expired')
    expect(late.headers.getSetCookie()).toEqual([])
  })

  test('is not used up by a program that only checks it', async () => {
    const { url } = await link()
    await fetch(url, { method: 'HEAD', redirect: 'manual' })
    expect((await new ConsoleClient(server.url).fetch(url)).headers.get('location')).toBe('/')
  })

  test('expires', async () => {
    const { url, expiresInMinutes } = await link()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + expiresInMinutes * 60_000 + 1_000 })
    const response = await new ConsoleClient(server.url).fetch(url)
    expect(response.headers.get('location')).toBe('/sign-in?error=link_expired')
  })

  test('is stored only as a hash, and can not be asked for from outside', async () => {
    const { url, email } = await link()
    const { rows } = await server.app.pool.query('select * from verifications')
    expect(JSON.stringify(rows)).not.toContain(new URL(url).searchParams.get('token'))
    const client = new ConsoleClient(server.url)
    const asked = [
      client.fetch('/api/auth/sign-in/magic-link', { method: 'POST', body: { email } }),
      client.fetch('/api/auth/magic-link/verify?token=x'),
    ]
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([404, 404])
  })

  test('an invented token leads to the sign-in page', async () => {
    for (const token of ['', 'x', '%00', 'a'.repeat(200)]) {
      const response = await new ConsoleClient(server.url).fetch(`/api/v1/session/link?token=${token}`)
      expect(response.headers.get('location')).toBe('/sign-in?error=link_expired')
    }
  })

  test('for an unknown address makes nobody', async () => {
    const users = async () => (await server.app.pool.query('select email from users order by email')).rows
    const before = await users()
    await expect(link('typo@example.com')).rejects.toThrow('There is no user typo@example.com')
    expect(await users()).toEqual(before)
  })

  test('makes an account with the wanted role when it is told to, and leaves the role of one that is there', async () => {
    for (const create of ['member', 'admin', 'owner'] as const) {
      const client = await signIn(server.app, server.url, ' Second@Example.com ', create)
      const { body } = await whoAmI(client)
      expect(body.user).toMatchObject({ email: 'second@example.com' })
      expect(body.organizations).toEqual([expect.objectContaining({ role: 'member' })])
    }
    const nonsense = createSignInLink(server.app, { email: 'nonsense', create: 'member' })
    await expect(nonsense).rejects.toMatchObject({ status: 422 })
  })

  test('made by many processes at their first start gives one organization with one owner', async () => {
    const fresh = await startTestServer({ config: { role: 'api' } })
    try {
      await Promise.all([1, 2, 3, 4].map(() => createSignInLink(fresh.app)))
      const { rows } = await fresh.app.pool.query(
        'select (select count(*) from organizations) as organizations, (select count(*) from members) as members',
      )
      expect(rows).toEqual([{ organizations: 1, members: 1 }])
    } finally {
      await fresh.close()
    }
  })
})

test('the first owner takes a real address once; nobody takes the address of another', async () => {
  const owner = await signIn(server.app, server.url)
  const other = await signIn(server.app, server.url, 'other@example.com')
  const patch = async (client: ConsoleClient, body: object) =>
    (await client.fetch('/api/v1/session', { method: 'PATCH', body })).status
  expect(await patch(owner, { email: 'nonsense' })).toBe(422)
  expect(await patch(owner, { email: 'other@example.com' })).toBe(409)
  expect(await patch(owner, { name: 'Ann', email: 'Ann@Example.com' })).toBe(204)
  expect((await whoAmI(owner)).body.user).toMatchObject({ name: 'Ann', email: 'ann@example.com' })
  expect(await patch(owner, { email: 'ann2@example.com' })).toBe(409)
  expect(await patch(other, { email: 'ann2@example.com' })).toBe(409)
  expect((await link()).email, 'the owner stays the owner').toBe('ann@example.com')
})

describe('a password', () => {
  const password = 'correct horse battery'

  test('may be set after the first sign-in, then signs in; changing it needs the old one', async () => {
    const client = await signIn(server.app, server.url, 'pass@example.com')
    const put = (body: object) => client.fetch('/api/v1/session/password', { method: 'PUT', body })
    expect((await put({ newPassword: 'short' })).status).toBe(422)
    expect((await put({ newPassword: password })).status).toBe(204)
    expect((await put({ newPassword: 'another long one' })).status).toBe(400)

    const again = new ConsoleClient(server.url)
    const body = { email: 'pass@example.com', password }
    expect((await again.fetch('/api/auth/sign-in/email', { method: 'POST', body })).status).toBe(200)
    expect((await whoAmI(again)).body.user).toMatchObject({ email: 'pass@example.com', hasPassword: true })

    expect((await put({ newPassword: 'another long one', currentPassword: password })).status).toBe(204)
    expect((await whoAmI(client)).status, 'the session that changed it stays').toBe(200)
    expect((await whoAmI(again)).status, 'the others end').toBe(401)
  })

  test('an address with an internationalised domain is one, however it is written', async () => {
    const client = await signIn(server.app, server.url, 'Jo@Müller.example', 'member')
    expect((await whoAmI(client)).body.user).toMatchObject({ email: 'jo@xn--mller-kva.example' })
    expect((await link('jo@xn--mller-kva.example')).created).toBe(false)
    await client.fetch('/api/v1/session/password', { method: 'PUT', body: { newPassword: password } })
    for (const email of ['jo@müller.example', 'Jo@XN--MLLER-KVA.example', ' jo@Müller.example']) {
      clock += 60_000
      const other = new ConsoleClient(server.url)
      const signedIn = await other.fetch('/api/auth/sign-in/email', {
        method: 'POST',
        body: { email, password },
      })
      expect([email, signedIn.status]).toEqual([email, 200])
    }
    for (const email of ['jo@localhost', 'jo..x@x.example', 'jo'])
      await expect(
        createSignInLink(server.app, { email, create: 'member', origin: server.url }),
      ).rejects.toMatchObject({ status: 422, field: 'email' })
  })

  test('is guessed only so often', async () => {
    const body = { email: 'pass@example.com', password: 'a wrong password' }
    const statuses = []
    for (let count = 0; count < 12; count++) {
      const response = await new ConsoleClient(server.url).fetch('/api/auth/sign-in/email', {
        method: 'POST',
        body,
      })
      statuses.push(response.status)
      await response.arrayBuffer()
    }
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    clock += 60_000
    expect(
      (await new ConsoleClient(server.url).fetch('/api/auth/sign-in/email', { method: 'POST', body })).status,
    ).toBe(401)
  })

  test('can not be used to sign up', async () => {
    const body = { email: 'new@example.com', password, name: 'New' }
    const response = await new ConsoleClient(server.url).fetch('/api/auth/sign-up/email', {
      method: 'POST',
      body,
    })
    expect(response.status).toBe(404)
  })
})

test('signing out ends the session', async () => {
  const client = await signIn(server.app, server.url)
  const copy = await signIn(server.app, server.url)
  expect(
    (
      await client.fetch('/api/auth/sign-out', {
        method: 'POST',
        body: {},
        headers: { origin: 'https://evil.example' },
      })
    ).status,
  ).toBe(403)
  expect((await client.fetch('/api/auth/sign-out', { method: 'POST', body: {} })).status).toBe(200)
  expect((await whoAmI(client)).status).toBe(401)
  expect((await whoAmI(copy)).status, 'other sessions go on').toBe(200)
})

test('cookies are secure when the public address is https', async () => {
  const secure = await startTestServer({ config: { role: 'api', publicUrl: 'https://mail.example.com' } })
  try {
    const created = await createSignInLink(secure.app)
    expect(created.url).toMatch(/^https:\/\/mail\.example\.com\/api\/v1\/session\/link\?token=/)
    const response = await fetch(created.url.replace('https://mail.example.com', secure.url), {
      redirect: 'manual',
    })
    expect(response.headers.getSetCookie().join()).toMatch(/^__Secure-fairway\.session_token=.*; Secure/i)
  } finally {
    await secure.close()
  }
})
