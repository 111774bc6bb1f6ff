import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { CliFailure, type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { zip } from './zip.ts'

let database: TestDatabase
let server: ServerProcess
let project: string

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startServerProcess({ env: { DATABASE_URL: database.url } })
  project = String(JSON.parse(await server.cli('project', 'create', 'Imports', '--json')).project.id)
})
afterAll(async () => {
  await server?.dispose()
  await database?.drop()
})

const write = (name: string, content: string): string => {
  const file = join(server.dataDir, name)
  writeFileSync(file, content)
  return file
}
const failure = async (...args: string[]): Promise<CliFailure> => {
  const error = await server.cli('import', ...args).catch((one) => one)
  expect(error).toBeInstanceOf(CliFailure)
  return error
}
const properties = async (id: string) =>
  (await database.pool.query('select properties from people where external_id = $1', [id])).rows[0]
    ?.properties

describe('fairway import', () => {
  it.each([[[]], [['status']], [['undo']]])('names the project that is not there: %s', async (command) => {
    const file = write('nobody.csv', 'id\nn1\n')
    const { code, stderr } = await failure(...command, command.length ? '1' : file, '--project', '77')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'There is no project "77": `npx fairway project list` shows their ids.\n',
    })
  })

  it('imports a file as it is told to, and can take it back', async () => {
    const file = write('people.csv', 'Key,Mail,Plan,Zip\nc1,c1@x.example,pro,01234\nc2,c2@x.example,free,2\n')
    const map = ['--map', 'Key=id', '--map', 'Plan=property:plan_name', '--type', 'Zip=text', '--tag', 'june']
    const printed = await server.cli('import', file, '--project', project, ...map, '--yes', '--json')
    const made = JSON.parse(printed)
    expect(made).toMatchObject({ name: 'people.csv', state: 'done', counts: { rows: 2, created: 2 } })
    expect(await properties('c1')).toEqual({ plan_name: 'pro', Zip: '01234' })
    const status = await server.cli('import', 'status', String(made.id), '--project', project)
    expect(status).toMatch(`Import ${made.id}, people.csv: done`)
    await server.cli('import', 'undo', String(made.id), '--project', project, '--json')
    expect(await properties('c1')).toBeUndefined()
  })

  it('ends with 3 when rows were rejected, and keeps them', async () => {
    const file = write('bad.csv', 'id,email\nb1,b1@x.example\nb2,nothing\n')
    const rejects = join(server.dataDir, 'rejects.csv')
    const tried = await failure(file, '--project', project, '--dry-run')
    expect(tried.code).toBe(3)
    expect(tried.stdout).toMatch('2 rows: 1 created, 0 updated, 0 unchanged, 1 rejected')
    expect(await properties('b1')).toBeUndefined()
    const { code, stdout, stderr } = await failure(file, '--project', project, '--rejects', rejects)
    expect(code).toBe(3)
    expect(stdout).toMatch('1 rejected')
    expect(stderr).toMatch(/email +email/)
    expect(stderr).toMatch('Read as CSV with "," between cells, UTF-8:')
    expect(stdout).toMatch('1 rejected; 1 other lines (header, empty)')
    expect(readFileSync(rejects, 'utf8')).toMatch('b2,nothing,3,email,is not an email address: it has no @')
  })

  it('says what looks like consent, and whose export a file is', async () => {
    const file = write('status.csv', 'email,Status\nw1@x.example,paid\n')
    const told = async (...more: string[]) => (await failure(file, '--project', project, ...more)).stderr
    // Whom nobody may create is rejected, so that the command ends with 3.
    expect(await told('--update-only')).toMatch('Status: may say who wants no mail')
    expect(await told('--update-only', '--map', 'Status=property:plan')).not.toMatch('may say')
    const header = 'personId,id,anonymousId,aliases,email,suppressionReason'
    const export_ = write('fairway.csv', `${header}\n1,w2,,[],w2@x.example,\n`)
    const { stderr } = await failure(export_, '--project', project, '--update-only')
    expect(stderr).toMatch('known as an export of fairway')
  })

  it('takes the file of an archive and the encoding that it is told', async () => {
    const file = join(server.dataDir, 'two.zip')
    const cyrillic = Buffer.concat([Buffer.from('id,name\nz1,'), Buffer.from([0xc8, 0xe2, 0xe0, 0xed])])
    writeFileSync(
      file,
      zip([
        { name: 'a.csv', content: cyrillic },
        { name: 'b.csv', content: cyrillic },
      ]),
    )
    const { code, stderr } = await failure(file, '--project', project, '--json')
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /holds 2 files: a.csv, b.csv. Say which one this import is of \(--file\)/,
      ),
    })
    const told = ['--file', 'a.csv', '--encoding', 'Windows-1251']
    await server.cli('import', file, '--project', project, ...told, '--json')
    expect(await properties('z1')).toEqual({ name: 'Иван' })
    expect((await failure(file, '--project', project, '--encoding', 'klingon')).code).toBe(2)
  })

  it('says what is wrong', async () => {
    const file = write('some.csv', 'id\nx\n')
    expect(await failure('nowhere.csv', '--project', project)).toMatchObject({ code: 2 })
    expect(await failure(file, '--project', '999')).toMatchObject({ code: 2 })
    expect(await failure(file, '--project', project, '--kind', 'pets')).toMatchObject({ code: 2 })
    expect((await failure(file, '--project', project, '--map', 'ID=id')).stderr).toMatch('It has "id".')
    expect((await failure('status', '77', '--project', project)).stderr).toMatch('Import was not found')
  })

  it('works by itself when no server runs', async () => {
    await server.kill()
    const file = write('alone.csv', 'id\na1\n')
    await server.cli('import', file, '--project', project)
    expect(await properties('a1')).toEqual({})
  })
})
