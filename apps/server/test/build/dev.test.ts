import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createDataDir, removeDataDir } from '../../../../testing/data-dir.ts'
import { createTestDatabase } from '../../../../testing/postgres.ts'
import { until } from '../../../../testing/until.ts'
import { freePort } from '../../src/platform/http/free-port.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

it('npm run dev serves the console from its sources, and the server behind it, at one address', async () => {
  const database = await createTestDatabase({ migrate: false })
  const dataDir = createDataDir()
  const url = `http://127.0.0.1:${await freePort('127.0.0.1')}`
  const { PATH, HOME } = process.env
  const dev = spawn(process.execPath, ['scripts/dev.mjs'], {
    cwd: root,
    env: {
      PATH,
      HOME,
      DATABASE_URL: database.url,
      FAIRWAY_DATA_DIR: dataDir,
      FAIRWAY_PORT: new URL(url).port,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  dev.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk))
  try {
    const isReady = () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok || undefined,
        () => undefined,
      )
    await until(isReady)
    const refused = await fetch(`${url}/api/v1/projects`)
    expect([refused.status, await refused.json()]).toEqual([
      401,
      expect.objectContaining({ detail: 'Sign in first' }),
    ])
    expect((await fetch(`${url}/v1/track`, { method: 'POST', body: '{}' })).status).toBe(401)
    const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text()
    expect(page).toContain('/@react-refresh')
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${errors}`)
  } finally {
    const ended = new Promise((done) => dev.once('close', done))
    dev.kill('SIGTERM')
    await ended
    await database.drop()
    await removeDataDir(dataDir)
  }
})
