import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { CliFailure, type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'

let database: TestDatabase
let server: ServerProcess
let project: string

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startServerProcess({ env: { DATABASE_URL: database.url } })
  project = String(JSON.parse(await server.cli('project', 'create', 'Exports', '--json')).project.id)
  await database.pool.query(
    `insert into people (project_id, external_id, properties)
     select $1, 'p' || n, jsonb_build_object('n', n) from generate_series(1, 3000) n`,
    [project],
  )
})
afterAll(async () => {
  await server?.dispose()
  await database?.drop()
})

describe('fairway export', () => {
  it('writes a file, and leaves nothing on the server', async () => {
    const file = join(server.dataDir, 'people.csv')
    const printed = await server.cli('export', 'people', '--project', project, '-o', file, '--json')
    expect(JSON.parse(printed)).toEqual({
      kind: 'people',
      format: 'csv',
      rows: 3_000,
      bytes: readFileSync(file).length,
      file,
    })
    expect(readFileSync(file, 'utf8').split('\r\n')).toHaveLength(3_002)
    expect(existsSync(`${file}.part`)).toBe(false)
    const { rows } = await database.pool.query('select from file_chunks')
    expect(rows).toHaveLength(0)
  })

  it('says what is wrong', async () => {
    const failure = async (...args: string[]) => {
      const error = await server.cli('export', ...args).catch((one) => one)
      expect(error).toBeInstanceOf(CliFailure)
      return { code: error.code, stderr: error.stderr as string }
    }
    expect(await failure('dreams', '--project', project)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not of dreams'),
    })
    expect(await failure('people', '--project', project, '--conditions', '{')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--conditions must be JSON'),
    })
    expect(await failure('people', '--project', '999')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no project "999"'),
    })
    expect(await failure('events', '--project', project, '--from', 'soon')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('such as 2026-11-23T09:00:00Z'),
    })
  })

  it('works by itself when no server runs, to standard output', async () => {
    await server.kill()
    const printed = await server.cli('export', 'people', '--project', project, '--format', 'ndjson')
    expect(printed.trimEnd().split('\n')).toHaveLength(3_000)
  })
})
