import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Maker, makerOf, startWorld, type World } from './rights-world.ts'

/** What a member, or somebody with a key, tries who wants more than they may. */
let world: World
let ours: Maker

beforeAll(async () => {
  world = await startWorld()
  ours = makerOf(world, world.ours)
})
afterAll(() => world?.server.close())

const path = (rest: string, project: number | string = world.ours.id) => `/api/v1/projects/${project}${rest}`

/** As it is written: fetch would tidy the path up. */
const raw = (method: string, address: string, headers: Record<string, string> = {}) =>
  new Promise<number>((done, fail) => {
    const { hostname, port } = new URL(world.server.url)
    httpRequest({ method, hostname, port, path: address, headers }, (response) => {
      response.resume()
      done(response.statusCode!)
    })
      .on('error', fail)
      .end()
  })

describe('a member', () => {
  it('is refused with every method, spelling and header that might lead around the check', async () => {
    const { member } = world.sessions
    const person = await ours.person()
    for (const rest of [
      `/people/${person}`,
      `/people/${person}/`,
      `/people/%3${String(person)[0]}${String(person).slice(1)}`,
    ])
      expect((await member.fetch(path(rest), { method: 'DELETE' })).status, rest).toBe(403)
    for (const name of ['x-http-method-override', 'x-method-override', 'x-http-method'])
      await member.fetch(path(`/people/${person}`), { method: 'POST', headers: { [name]: 'DELETE' } })
    await member.fetch(path(`/people/${person}?_method=DELETE&method=DELETE`), { method: 'POST' })
    expect((await member.fetch(path(`/people/${person}`))).status, 'still there').toBe(200)
    expect((await member.fetch(path('/keys'), { method: 'HEAD' })).status).toBe(403)
    expect([403, 404]).toContain((await member.fetch(path('/keys'), { method: 'OPTIONS' })).status)
  })

  it('cannot erase in bulk by any way of writing it', async () => {
    const { member } = world.sessions
    const people = { ids: [await ours.person()] }
    const bodies = [
      { people, action: { kind: 'erase' } },
      { people, action: { kind: ['erase'] } },
      { people, action: { kind: { toString: 'erase' } } },
      { people, action: [{ kind: 'erase' }] },
      { people, action: { kind: 'Erase' } },
      { people, action: { kind: 'toString' } },
      [{ people, action: { kind: 'erase' } }],
      '{"people":{"everybody":true},"action":{"kind":"add_tag","tag":"x"},"action":{"kind":"erase"}}',
      '{"people":{"everybody":true},"action":{"__proto__":{"kind":"erase"}}}',
      'null',
      '"erase"',
    ]
    for (const body of bodies) {
      const headers = { 'content-type': 'application/json' }
      const { status } = await member.fetch(path('/people/bulk'), { method: 'POST', body, headers })
      expect([400, 403, 422], JSON.stringify(body)).toContain(status)
    }
    const { rows } = await world.server.app.pool.query(`select 1 from tasks where kind = 'bulk_action'`)
    expect(rows).toEqual([])
  })

  it('cannot raise themselves or let others in through the endpoints for organizations', async () => {
    const { member, admin } = world.sessions
    const { organizationId } = world.ours
    const { rows } = await world.server.app.pool.query<{ id: string; email: string }>(
      'select m.id, u.email from members m join users u on u.id = m."userId"',
    )
    const idOf = (email: string) => rows.find((row) => row.email === email)!.id
    const roles = async () =>
      (await world.server.app.pool.query('select id, role, "organizationId" from members order by id')).rows
    const before = await roles()
    const post = async (client: typeof member, endpoint: string, body: object) =>
      (await client.fetch(`/api/auth/organization/${endpoint}`, { method: 'POST', body })).status
    const own = idOf('member@example.com')
    for (const [endpoint, body] of [
      ['update-member-role', { organizationId, memberId: own, role: 'admin' }],
      ['update-member-role', { organizationId, memberId: own, role: ['member', 'owner'] }],
      ['update-member-role', { organizationId, memberId: idOf('admin@example.com'), role: 'member' }],
      ['remove-member', { organizationId, memberIdOrEmail: 'admin@example.com' }],
      ['invite-member', { organizationId, email: 'friend@example.com', role: 'owner' }],
      ['update', { organizationId, data: { name: 'Mine' } }],
      ['delete', { organizationId }],
      ['create', { name: 'Mine', slug: 'mine' }],
      ['add-member', { organizationId, userId: own, role: 'owner' }],
    ] as const)
      expect(await post(member, endpoint, body), endpoint).toBeGreaterThanOrEqual(400)
    // Nor an administrator to owner, nor anybody in an organization of others.
    const admins = idOf('admin@example.com')
    for (const role of ['owner', ['admin', 'owner'], 'admin,owner'])
      expect(
        await post(admin, 'update-member-role', { organizationId, memberId: admins, role }),
        String(role),
      ).toBeGreaterThanOrEqual(400)
    expect(
      await post(admin, 'invite-member', {
        organizationId: 'elsewhere',
        email: 'a@example.com',
        role: 'admin',
      }),
    ).toBeGreaterThanOrEqual(400)
    expect(await roles()).toEqual(before)
    for (const endpoint of ['get-full-organization', 'list-members', 'list-invitations']) {
      const response = await member.fetch(`/api/auth/organization/${endpoint}?organizationId=elsewhere`)
      expect(await response.text(), endpoint).not.toContain('stranger@example.com')
    }
    expect((await world.server.app.pool.query('select email from invitations')).rows).toEqual([])
  })

  it('who was removed, or whose project went to others, is out with the next request', async () => {
    const { admin } = world.sessions
    const { pool } = world.server.app
    expect((await admin.fetch(path('/settings'))).status).toBe(200)
    const { rows } = await pool.query(
      `delete from members where "userId" = (select id from users where email = 'admin@example.com') returning *`,
    )
    expect((await admin.fetch(path('/settings'))).status).toBe(404)
    expect((await admin.fetch('/api/v1/queue')).status).toBe(403)
    await pool.query(
      'insert into members (id, "organizationId", "userId", role, "createdAt") values ($1, $2, $3, $4, now())',
      [rows[0].id, rows[0].organizationId, rows[0].userId, 'admin'],
    )
    expect((await admin.fetch(path('/settings'))).status).toBe(200)
  })
})

describe('a project', () => {
  it('has one spelling', async () => {
    const { owner } = world.sessions
    const id = String(world.ours.id)
    const spellings = [
      `0${id}`,
      `${id}.0`,
      `+${id}`,
      `${id}%20`,
      `%20${id}`,
      `${id}e0`,
      `0x${id}`,
      `${id}%00`,
    ]
    spellings.push(`-${id}`, `${id},${world.theirs.id}`, `${id}%2f..%2f${world.theirs.id}`, '٣', 'NaN')
    const key = { authorization: `Bearer ${world.ours.secretKey}` }
    for (const spelling of spellings) {
      expect([400, 404, 422], spelling).toContain((await owner.fetch(path('/settings', spelling))).status)
      expect([400, 403, 404, 422], spelling).toContain(
        await raw('GET', path('/settings', encodeURI(spelling)), key),
      )
    }
    // Parameters of the query are not those of the path.
    const polluted = path(`/settings?project=${world.theirs.id}&project=${world.theirs.id}`)
    expect(await (await owner.fetch(polluted)).json()).toMatchObject({ id: world.ours.id })
    const dots = path(`/people/../../${world.theirs.id}/settings`)
    expect([400, 403, 404]).toContain(await raw('GET', dots, key))
    expect([400, 403, 404]).toContain(await raw('GET', `//api/v1/projects/${world.theirs.id}/settings`, key))
  })

  it('is opened by the key that is sent, whatever cookie comes along', async () => {
    const { owner, member } = world.sessions
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
    const status = async (client: typeof owner, authorization: Record<string, string>, rest = '/settings') =>
      (await client.fetch(path(rest), { headers: authorization })).status
    expect(await status(owner, bearer(world.theirs.secretKey))).toBe(403)
    expect(await status(owner, bearer(world.ours.trackingKey))).toBe(403)
    expect(await status(owner, bearer('fw_secret_unknownunknownunknownunknown'))).toBe(401)
    expect(await status(owner, { authorization: '' })).toBe(401)
    // A cookie takes nothing from a key, and gives nothing to it.
    expect(await status(member, bearer(world.ours.secretKey), '/keys')).toBe(200)
    const deleting = { method: 'DELETE', headers: bearer(world.ours.secretKey) }
    expect((await owner.fetch(path(''), deleting)).status).toBe(403)
  })
})
