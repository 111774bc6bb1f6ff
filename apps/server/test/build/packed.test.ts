import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDataDir, removeDataDir } from '../../../../testing/data-dir.ts'
import { createTestDatabase, type TestDatabase } from '../../../../testing/postgres.ts'
import { until } from '../../../../testing/until.ts'
import { freePort } from '../../src/platform/http/free-port.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const run = promisify(execFile)

let folder: string
let dataDir: string
let database: TestDatabase
const { PATH, HOME } = process.env
const npm = (...args: string[]) =>
  run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder })

/** An empty folder in which the tarballs are installed, as somebody without a checkout has them. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-packed-'))
  dataDir = createDataDir()
  database = await createTestDatabase({ migrate: false })
  for (const name of ['packages/api', 'packages/client', 'packages/queue', 'apps/server'])
    await run('npm', ['pack', '--pack-destination', folder], { cwd: join(root, name) })
  const tarballs = readdirSync(folder).map((file) => `./${file}`)
  writeFileSync(join(folder, 'package.json'), '{"private": true}')
  await npm('install', '--omit=dev', ...tarballs)
}, 600_000)

afterAll(async () => {
  await database.drop()
  await removeDataDir(dataDir)
  rmSync(folder, { recursive: true, force: true })
})

it('the queue alone runs a job', async () => {
  writeFileSync(
    join(folder, 'job.mjs'),
    `import { createQueue, memoryStore } from '@fairway/queue'
     const queue = createQueue({ store: memoryStore() })
     const done = new Promise((resolve) => {
       queue.worker({ greet: async ({ data }) => resolve('hello ' + data.name) }, { lanes: { work: {} } })
     })
     await queue.add({ lane: 'work', tenant: 't', name: 'greet', data: { name: 'Ada' } })
     console.log(await done)
     await queue.close()`,
  )
  expect((await run(process.execPath, ['job.mjs'], { cwd: folder })).stdout).toBe('hello Ada\n')
}, 600_000)

it('the server starts, shows the console, and answers an event with a mail', async () => {
  const port = await freePort('127.0.0.1')
  const url = `http://127.0.0.1:${port}`
  const env = {
    PATH,
    HOME,
    DATABASE_URL: database.url,
    FAIRWAY_DATA_DIR: dataDir,
    FAIRWAY_PORT: String(port),
  }
  const fairway = join(folder, 'node_modules/.bin/fairway')
  const server = spawn(fairway, ['start'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  server.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk))
  server.stdout.resume()
  try {
    await until(() =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok || undefined,
        () => undefined,
      ),
    )
    const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text()
    const [, script] = /src="(\/assets\/[^"]+\.js)"/.exec(page) ?? []
    const asset = await fetch(url + script)
    expect(asset.status).toBe(200)
    expect(asset.headers.get('cache-control')).toContain('immutable')

    const created = await run(fairway, ['project', 'create', 'Shop', '--json'], { cwd: folder, env })
    const { project, trackingKey, secretKey } = JSON.parse(created.stdout)
    const api = `${url}/api/v1/projects/${project.id}`
    const call = async (path: string, body?: object) => {
      const reply = await fetch(api + path, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      return (await reply.json()) as Record<string, unknown> & { items: { subject: string }[] }
    }
    const { id } = await call('/templates', {
      name: 'Welcome',
      fromAddress: 'Shop <shop@example.com>',
      subject: 'Welcome, {{ user.email }}',
      html: '<p>Hello</p>',
    })
    await call('/campaigns', { name: 'Welcome', triggerEvent: 'Signed up', templateId: id, state: 'live' })
    await fetch(`${url}/api/v2/events/track`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth_token: trackingKey,
        identity: { id: '1', email: 'ada@example.com' },
        event_name: 'Signed up',
      }),
    })
    const mail = await until(async () => (await call('/mailbox')).items[0])
    expect(mail.subject).toBe('Welcome, ada@example.com')

    writeFileSync(
      join(folder, 'client.mjs'),
      `import { Fairway } from '@fairway/client'
       const fairway = new Fairway({ url: '${url}', project: ${project.id}, secretKey: '${secretKey}' })
       for await (const person of fairway.people.list()) console.log(person.email)`,
    )
    expect((await run(process.execPath, ['client.mjs'], { cwd: folder })).stdout).toBe('ada@example.com\n')
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${errors}`)
  } finally {
    const ended = new Promise((done) => server.once('close', done))
    server.kill('SIGTERM')
    await ended
  }
}, 600_000)
