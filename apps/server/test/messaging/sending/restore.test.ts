import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import { createDataDir, removeDataDir } from '../../../../../testing/data-dir.ts'
import { createTestDatabase, testDatabaseUrl } from '../../../../../testing/postgres.ts'
import { until } from '../../../../../testing/until.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { restoreWatchOf } from '../../../src/messaging/sending/restore-watch.ts'
import { readConfig } from '../../../src/platform/config.ts'
import { startServer } from '../../../src/server.ts'

/** What a backup says is pending may have left since: after a restore nothing is sent until somebody confirms. */
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function openInstallation() {
  const database = await createTestDatabase()
  const dataDir = createDataDir()
  closers.push(
    () => database.drop(),
    () => removeDataDir(dataDir),
  )
  return { url: database.url, pool: database.pool, dataDir }
}

async function start({ url, dataDir }: { url: string; dataDir: string }) {
  const config = {
    ...readConfig({ FAIRWAY_PORT: '0', FAIRWAY_DATA_DIR: dataDir, DATABASE_URL: url }),
    databaseConnections: 10,
  }
  const server = await startServer(config, pino({ level: 'silent' }))
  closers.push(server.close)
  return server
}

async function addProject({ app, url }: Awaited<ReturnType<typeof start>>) {
  const { project, secretKey } = await createProject(app, { name: 'Shop' })
  const call = async (method: string, path: string, body?: object) => {
    const reply = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secretKey}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: reply.status, body: await reply.json() }
  }
  return { id: project.id, call, rest: `/api/v1/projects/${project.id}` }
}

const send = (project: Awaited<ReturnType<typeof addProject>>, to: string) =>
  project.call('POST', '/v1/send/email', {
    to,
    from: 'shop@shop.example',
    subject: 'Hello',
    body: '<p>Hello</p>',
    identifiers: { email: to },
  })

async function statesOf(pool: pg.Pool, projectId: number) {
  const { rows } = await pool.query('select state from messages where project_id = $1 order by created_at', [
    projectId,
  ])
  return rows.map(({ state }) => state)
}

/** As reading a dump into a new database does: the same rows in another database. */
async function copyOf(url: string): Promise<string> {
  const admin = new pg.Client({ connectionString: await testDatabaseUrl() })
  await admin.connect()
  const from = new URL(url).pathname.slice(1)
  const to = `${from}_copy`
  await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${from}'`)
  await admin.query(`create database ${to} template ${from}`)
  closers.push(async () => {
    await admin.query(`drop database ${to} with (force)`)
    await admin.end()
  })
  const copied = new URL(url)
  copied.pathname = `/${to}`
  return copied.href
}

it('a database that stays itself holds nothing, also after a restart', async () => {
  const installation = await openInstallation()
  const first = await start(installation)
  const project = await addProject(first)
  await restoreWatchOf(first.app).look()
  await first.close()
  const second = await start(installation)
  expect(await restoreWatchOf(second.app).isHeld(project.id)).toBe(false)
})

it('looks that overtake each other while much is written hold nothing', async () => {
  const installation = await openInstallation()
  const server = await start(installation)
  await addProject(server)
  const watch = restoreWatchOf(server.app)
  await installation.pool.query('create table filler (text text)')
  for (let round = 0; round < 20; round++) {
    const writing = Array.from({ length: 5 }, () =>
      installation.pool.query(`insert into filler select repeat('x', 1000) from generate_series(1, 20)`),
    )
    const looks = Array.from({ length: 40 }, async () => watch.isHeld(1))
    expect(await Promise.all(looks)).not.toContain(true)
    await Promise.all(writing)
  }
})

it('a restored copy sends nothing until an administrator confirms; new projects are not held', async () => {
  const installation = await openInstallation()
  const before = await start(installation)
  const { id } = await addProject(before)
  await before.close()
  const url = await copyOf(installation.url)
  const after = await start({ ...installation, url })
  const { rows } = await after.app.pool.query('select reason from sending_holds where project_id = $1', [id])
  expect(rows).toEqual([{ reason: expect.stringContaining('restored from a backup, copied or moved') }])
  const fresh = await addProject(after)
  expect((await send(fresh, 'new@shop.example')).status).toBe(200)
  await until(async () => (await statesOf(after.app.pool, fresh.id)).includes('sent'))
})

it('held mail waits, shows in the Overview, and leaves or is set aside as somebody confirms', async () => {
  const installation = await openInstallation()
  const server = await start(installation)
  const { pool } = server.app
  const projects = [await addProject(server), await addProject(server)]
  // As in a backup of another time: the note of what the database is does not fit it.
  await pool.query(`update installation set value = '"1:2:3"' where key = 'database_identity'`)
  for (const project of projects) {
    expect((await send(project, 'old@shop.example')).status).toBe(200)
    // For something that happened before the restore, by an event that was still to be processed.
    await pool.query(`update messages set event_at = '2026-01-01' where project_id = $1`, [project.id])
    await until(async () => (await project.call('GET', `${project.rest}/sending`)).body.held)
    expect(await statesOf(pool, project.id)).toEqual(['pending'])
    const overview = await until(async () => {
      const { body } = await project.call('GET', `${project.rest}/overview`)
      return body.attention.find(({ kind }: { kind: string }) => kind === 'sending_held')
    })
    expect(overview.title).toContain('Nothing is sent until you confirm.')
    // A secret key that leaked must not be enough.
    expect((await project.call('POST', `${project.rest}/sending/confirm`, { pending: 'send' })).status).toBe(
      403,
    )
  }
  const { confirmSending } = await import('../../../src/messaging/sending/holds.ts')
  const [first, second] = projects
  await confirmSending(server.app, first!.id, 'ada@shop.example', 'send')
  await confirmSending(server.app, second!.id, 'ada@shop.example', 'unknown')
  expect(await statesOf(pool, second!.id)).toEqual(['unknown'])
  // Its job looks again in a while; here it is told that the time has come.
  await until(async () => {
    await pool.query('update fairway_queue.scheduled set due_at = extract(epoch from now()) * 1000 - 1000')
    return (await statesOf(pool, first!.id))[0] === 'sent'
  })
  for (const [project, pending] of [
    [first!, 'send'],
    [second!, 'unknown'],
  ] as const) {
    const { body } = await project.call('GET', `${project.rest}/sending`)
    expect(body).toMatchObject({ held: null, history: [{ confirmedBy: 'ada@shop.example', pending }] })
    await expect(confirmSending(server.app, project.id, 'ada', 'send')).rejects.toMatchObject({ status: 409 })
  }
})

it('a database that has gone back is noticed at start by the note in the data directory', async () => {
  const installation = await openInstallation()
  const before = await start(installation)
  const { id } = await addProject(before)
  await restoreWatchOf(before.app).look()
  const { rows } = await before.app.pool.query(
    `select value #>> '{}' as identity, (pg_current_wal_flush_lsn() - '0/0' + 1000000000000)::text as position
     from installation where key = 'database_identity'`,
  )
  await before.close()
  writeFileSync(join(installation.dataDir, 'database-seen.json'), JSON.stringify(rows[0]))
  const after = await start(installation)
  expect(await restoreWatchOf(after.app).isHeld(id)).toBe(true)
  const held = await after.app.pool.query('select reason from sending_holds where project_id = $1', [id])
  expect(held.rows[0].reason).toContain('has gone back to an earlier state')
})
