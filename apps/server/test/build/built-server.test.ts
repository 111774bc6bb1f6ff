import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createDataDir, removeDataDir } from '../../../../testing/data-dir.ts'
import { createTestDatabase } from '../../../../testing/postgres.ts'

const builder = new URL('../../../../scripts/build.mjs', import.meta.url).href
const fairway = fileURLToPath(new URL('../../bin/fairway.mjs', import.meta.url))

/** All other tests run the sources: what people start is this. */
it('what was built brings a new database up to date and works', async () => {
  const { build } = (await import(builder)) as { build(names: string[]): Promise<void> }
  await build(['server'])
  const database = await createTestDatabase({ migrate: false })
  const dataDir = createDataDir()
  try {
    const { PATH, HOME } = process.env
    const child = spawn(process.execPath, [fairway, 'project', 'create', 'Built', '--json'], {
      env: { PATH, HOME, DATABASE_URL: database.url, FAIRWAY_DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [output, errors] = ['', '']
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (errors += chunk))
    const [code] = await once(child, 'close')
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(JSON.parse(output)).toMatchObject({ project: { id: 1, name: 'Built' } })
  } finally {
    await database.drop()
    await removeDataDir(dataDir)
  }
}, 600_000)
