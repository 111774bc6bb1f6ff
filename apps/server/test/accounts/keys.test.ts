import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { positiveTtlMs } from '../../src/accounts/key-cache.ts'
import { createKey, findKey, listKeys, revokeKey } from '../../src/accounts/keys.ts'
import { createProject } from '../../src/accounts/projects.ts'
import type { App } from '../../src/platform/app.ts'

let server: TestServer
let app: App
let clock = Date.now()
beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(clock), config: { role: 'api' } })
  app = server.app
})
afterAll(() => server.close())

/** As another process has it: the same database, a cache of its own. */
const otherProcess = (): App => ({ ...app })

describe('keys', () => {
  test('are random, recognisable by their kind, and stored only as a hash', async () => {
    const created = await createKey(app, server.projectId, { kind: 'secret', name: 'Backend' })
    expect(created.key).toMatch(/^fw_secret_[\w-]{36}$/)
    expect(created.key.startsWith(created.prefix)).toBe(true)
    expect(created.prefix.length).toBeLessThan(20)
    const { rows } = await app.pool.query('select * from api_keys where id = $1', [created.id])
    expect(JSON.stringify(rows)).not.toContain(created.key.slice(created.prefix.length))
    expect(rows[0].hash).toHaveLength(32)
    expect(JSON.stringify(await listKeys(app, server.projectId))).not.toContain(created.key)
  })

  test('are found with their project and kind', async () => {
    const { id } = (await createProject(app, { name: 'Finder' })).project
    const { key } = await createKey(app, id, { kind: 'tracking' })
    expect(await findKey(app, key)).toEqual({ projectId: id, kind: 'tracking' })
    expect(findKey(app, key), 'answers at once when cached').toEqual({ projectId: id, kind: 'tracking' })
  })

  test('that were not made here are unknown, whatever they look like', async () => {
    for (const key of ['', 'short', 'fw_track_', 'x'.repeat(100_000), `fw_track_${'é'.repeat(30)}`]) {
      expect(await findKey(app, key)).toBeNull()
    }
  })

  test('note when they were used', async () => {
    const { project, trackingKey } = await createProject(app, { name: 'Used' })
    await findKey(app, trackingKey)
    const used = (await listKeys(app, project.id)).find(({ kind }) => kind === 'tracking')
    expect(used?.lastUsedAt).toEqual(new Date(clock))
  })

  test('of a project are limited in number', async () => {
    const { id } = (await createProject(app, { name: 'Many' })).project
    for (let count = 2; count < 100; count++) await createKey(app, id, { kind: 'tracking' })
    await expect(createKey(app, id, { kind: 'tracking' })).rejects.toMatchObject({ status: 409 })
  })
})

describe('revoking', () => {
  test('is obeyed at once here and within ten seconds elsewhere', async () => {
    const created = await createKey(app, server.projectId, { kind: 'tracking' })
    const other = otherProcess()
    expect(await findKey(app, created.key)).not.toBeNull()
    expect(await findKey(other, created.key)).not.toBeNull()

    await revokeKey(app, server.projectId, created.id)
    expect(await findKey(app, created.key)).toBeNull()
    expect(findKey(other, created.key), 'the other process still trusts its cache').not.toBeNull()
    clock += positiveTtlMs
    expect(await findKey(other, created.key)).toBeNull()
    expect(positiveTtlMs).toBeLessThanOrEqual(10_000)
  })

  test('needs a key of the project', async () => {
    const { project } = await createProject(app, { name: 'Other' })
    const created = await createKey(app, server.projectId, { kind: 'tracking' })
    await expect(revokeKey(app, project.id, created.id)).rejects.toMatchObject({ status: 404 })
    expect(await findKey(app, created.key)).not.toBeNull()
  })
})

describe('imported keys', () => {
  test('work as they are, also when they were asked for before', async () => {
    const value = `vero:${randomBytes(16).toString('base64')}`
    expect(await findKey(app, value)).toBeNull()
    const created = await createKey(app, server.projectId, { kind: 'tracking', value })
    expect(created).toMatchObject({ key: value, prefix: 'vero' })
    expect(await findKey(app, value)).toEqual({ projectId: server.projectId, kind: 'tracking' })
  })

  test.each([
    ['too short', { kind: 'tracking', value: 'x'.repeat(15) }, 422],
    ['with a space', { kind: 'tracking', value: 'a value with some spaces' }, 422],
    ['a secret key', { kind: 'secret', value: 'x'.repeat(40) }, 422],
    ['one that looks secret', { kind: 'tracking', value: `fw_secret_${'x'.repeat(36)}` }, 422],
  ] as const)('refuse %s', async (_name, options, status) => {
    await expect(createKey(app, server.projectId, options)).rejects.toMatchObject({ status, field: 'value' })
  })

  test('belong to one project only', async () => {
    const value = randomBytes(20).toString('hex')
    const { project } = await createProject(app, { name: 'Second' })
    await createKey(app, server.projectId, { kind: 'tracking', value })
    await expect(createKey(app, project.id, { kind: 'tracking', value })).rejects.toMatchObject({
      status: 409,
    })
  })
})

describe('a flood of unknown keys', () => {
  test('asks the database in few statements, and leaves known keys cached', async () => {
    const { key } = await createKey(app, server.projectId, { kind: 'tracking' })
    await findKey(app, key)
    let statements = 0
    const count = () => statements++
    app.pool.on('acquire', count)
    const random = Array.from({ length: 10_000 }, () => randomBytes(20).toString('hex'))
    const found = await Promise.all(random.map((value) => findKey(app, value)))
    app.pool.off('acquire', count)
    expect(found.every((owner) => owner === null)).toBe(true)
    expect(statements).toBeLessThanOrEqual(25)
    expect(findKey(app, key)).toEqual({ projectId: server.projectId, kind: 'tracking' })
    expect(findKey(app, random.at(-1)!), 'unknown keys are remembered for a moment').toBeNull()
  })

  test('beyond the bound is refused as unavailable', async () => {
    const random = Array.from({ length: 10_050 }, () => randomBytes(20).toString('hex'))
    const results = await Promise.allSettled(random.map(async (value) => findKey(app, value)))
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(50)
    expect(refused[0]!.reason).toMatchObject({ status: 503, retryAfterSeconds: 1 })
  })
})
