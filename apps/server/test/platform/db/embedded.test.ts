import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { findBinaries, packageDirectory } from '../../../src/platform/db/embedded/binaries.ts'
import { findPlace } from '../../../src/platform/db/embedded/cluster.ts'
import { isAlive } from '../../../src/platform/db/embedded/process-identity.ts'
import { databaseUser, userCan } from '../../../src/platform/db/embedded/user.ts'
import {
  DataDirectoryInUse,
  type EmbeddedPostgres,
  findRunningEmbedded,
  startEmbedded,
} from '../../../src/platform/db/embedded.ts'

const isRoot = process.getuid?.() === 0
const script = fileURLToPath(new URL('../../../../../testing/embedded-process.ts', import.meta.url))
const root = fileURLToPath(new URL('../../../../', import.meta.url))

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function newDirectory(mode = 0o755): string {
  const directory = mkdtempSync(join(tmpdir(), 'fairway-test-embedded-'))
  chmodSync(directory, mode)
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbedded({ dataDir })
  cleanups.push(() => postgres.stop())
  return postgres
}

async function query(url: string, sql: string) {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** A process of its own that runs the launcher, so that it can be killed. */
async function startElsewhere(dataDir: string, wrapper: string[] = []) {
  const command = [...wrapper, process.execPath, '--conditions=source', '--import', 'tsx', script, dataDir]
  const child = spawn(command[0]!, command.slice(1), { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(() => kill(child))
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return { child, ...(JSON.parse(line) as { url: string; pid: number }) }
}

async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL') {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

describe('startEmbedded', () => {
  it('makes a durable UTF-8 database and keeps its data', async () => {
    const dataDir = join(newDirectory(), 'not', 'there', 'yet')
    const first = await start(dataDir)
    const [settings] = await query(
      first.url,
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
              current_setting('server_encoding') as encoding, lower('ÄÉ') as lower, current_setting('jit') as jit`,
    )
    expect(settings).toEqual({ fsync: 'on', commit: 'on', encoding: 'UTF8', lower: 'äé', jit: 'off' })
    await query(first.url, 'create table kept as select 1 as n')
    await first.stop()
    expect(isAlive(first.pid)).toBe(false)
    expect(await query((await start(dataDir)).url, 'select n from kept')).toEqual([{ n: 1 }])
  })

  it('lets nobody in without the generated password, which only its owner can read', async () => {
    const dataDir = newDirectory()
    const { url } = await start(dataDir)
    await expect(query(url.replace(/:[^:@]+@/, ':guess@'), 'select 1')).rejects.toThrow(
      /password authentication failed/,
    )
    expect(statSync(findPlace(dataDir)!.passwordFile).mode & 0o077).toBe(0)
    expect(statSync(findPlace(dataDir)!.data).mode & 0o077).toBe(0)
  })

  it('runs beside another one', async () => {
    const one = await start(newDirectory())
    const two = await start(newDirectory())
    expect(one.url).not.toBe(two.url)
    await Promise.all([query(one.url, 'select 1'), query(two.url, 'select 1')])
  })

  it('refuses a data directory in use, naming the process, and tells commands where it runs', async () => {
    const dataDir = newDirectory()
    expect(findRunningEmbedded(dataDir)).toBeUndefined()
    const elsewhere = await startElsewhere(dataDir)
    const refusal = startEmbedded({ dataDir })
    await expect(refusal).rejects.toBeInstanceOf(DataDirectoryInUse)
    await expect(refusal).rejects.toThrow(`process ${elsewhere.child.pid}`)
    expect(findRunningEmbedded(dataDir)).toBe(elsewhere.url)
    await kill(elsewhere.child, 'SIGTERM')
    expect(isAlive(elsewhere.pid)).toBe(false)
    expect(findRunningEmbedded(dataDir)).toBeUndefined()
  })

  it('restarts PostgreSQL on the same address when it is killed', async () => {
    const postgres = await start(newDirectory())
    await query(postgres.url, 'create table kept as select 1 as n')
    const killed = postgres.pid
    process.kill(killed, 'SIGKILL')
    await expect
      .poll(() => query(postgres.url, 'select n from kept').catch(() => []), { timeout: 30_000 })
      .toEqual([{ n: 1 }])
    await expect.poll(() => postgres.pid).not.toBe(killed)
  })

  it('can be stopped while PostgreSQL is being restarted', async () => {
    const postgres = await start(newDirectory())
    process.kill(postgres.pid, 'SIGKILL')
    await postgres.stop()
    expect(isAlive(postgres.pid)).toBe(false)
  })

  it('stops the PostgreSQL of a killed Fairway before it starts its own', async () => {
    const dataDir = newDirectory()
    const elsewhere = await startElsewhere(dataDir)
    await query(elsewhere.url, 'create table kept as select 1 as n')
    await kill(elsewhere.child)
    expect(isAlive(elsewhere.pid)).toBe(true)
    const postgres = await start(dataDir)
    expect(isAlive(elsewhere.pid)).toBe(false)
    expect(await query(postgres.url, 'select n from kept')).toEqual([{ n: 1 }])
  })

  it('recovers when Fairway and PostgreSQL were killed together', async () => {
    const dataDir = newDirectory()
    const elsewhere = await startElsewhere(dataDir)
    await query(elsewhere.url, 'create table kept as select 1 as n')
    await kill(elsewhere.child)
    process.kill(elsewhere.pid, 'SIGKILL')
    expect(await query((await start(dataDir)).url, 'select n from kept')).toEqual([{ n: 1 }])
  })

  it('is not stopped by a pid file whose number now belongs to another program, and leaves that alone', async () => {
    const dataDir = newDirectory()
    await (await start(dataDir)).stop()
    const bystander = spawn('sleep', ['600'], databaseUser('/nonexistent') ?? {})
    cleanups.push(() => bystander.kill('SIGKILL'))
    const { data } = findPlace(dataDir)!
    writeFileSync(join(data, 'postmaster.pid'), `${bystander.pid}\n${data}\n1\n5432\n\n\n\nready\n`)
    await query((await start(dataDir)).url, 'select 1')
    expect(isAlive(bystander.pid!)).toBe(true)
  })

  it('clears up after a start that died while it made the database', async () => {
    const dataDir = newDirectory()
    await (await start(dataDir)).stop()
    const { home, data } = findPlace(dataDir)!
    rmSync(data, { recursive: true })
    mkdirSync(join(home, 'data.new-12345', 'base'), { recursive: true })
    writeFileSync(join(home, 'data.new-12345', 'PG_VERSION'), '18\n')
    await query((await start(dataDir)).url, 'select 1')
    expect(readdirSync(home).sort()).toEqual(['data', 'lock', 'password'])
  })

  it('moves an incomplete database directory aside', async () => {
    const dataDir = newDirectory()
    await (await start(dataDir)).stop()
    const { home, data } = findPlace(dataDir)!
    rmSync(join(data, 'global', 'pg_control'))
    await query((await start(dataDir)).url, 'select 1')
    expect(readdirSync(home).filter((name) => name.startsWith('data.incomplete-'))).toHaveLength(1)
  })

  it('refuses a database that another major version made', async () => {
    const dataDir = newDirectory()
    await (await start(dataDir)).stop()
    writeFileSync(join(findPlace(dataDir)!.data, 'PG_VERSION'), '14\n')
    await expect(start(dataDir)).rejects.toThrow(/made by PostgreSQL 14/)
  })

  it('starts in a directory with a very long path', async () => {
    const dataDir = join(newDirectory(), 'a'.repeat(100), 'b'.repeat(100))
    await query((await start(dataDir)).url, 'select 1')
  })
})

describe.runIf(isRoot)('as root', () => {
  it('keeps the database elsewhere when its user cannot reach the data directory, and finds it again', async () => {
    const dataDir = join(newDirectory(0o700), '.fairway')
    const first = await start(dataDir)
    await query(first.url, 'create table kept as select 1 as n')
    const { home } = findPlace(dataDir)!
    cleanups.push(() => rmSync(home, { recursive: true }))
    expect(home).toMatch(/^\/var\/lib\/fairway\//)
    await first.stop()
    expect(await query((await start(dataDir)).url, 'select n from kept')).toEqual([{ n: 1 }])
    expect(findPlace(dataDir)!.home).toBe(home)
  })

  it('says so when the recorded place is gone', async () => {
    const dataDir = newDirectory()
    writeFileSync(join(dataDir, 'postgres.json'), JSON.stringify({ home: '/var/lib/fairway/gone' }))
    await expect(start(dataDir)).rejects.toThrow(
      /postgres\.json says.*\/var\/lib\/fairway\/gone, which does not exist/,
    )
  })

  it('copies binaries that its user cannot read, open to read and closed to write', () => {
    const home = newDirectory()
    const packaged = copyPackage(newDirectory(0o700))
    chmodSync(join(packaged, 'native', 'bin', 'postgres'), 0o700)
    const binaries = findBinaries(home, databaseUser('/nonexistent'), packaged)
    expect(binaries.postgres.startsWith(home)).toBe(true)
    expect(statSync(binaries.postgres).mode & 0o777).toBe(0o755)
    const user = databaseUser('/nonexistent')!
    expect(userCan(user, `"${binaries.postgres}" --version`, '/')).toBe(true)
    expect(userCan(user, `test -w "${home}" -o -w "${binaries.postgres}"`, '/')).toBe(false)
    expect(findBinaries(home, user, packaged)).toEqual(binaries)
  })

  const nobody = databaseUser('/nonexistent')
  it.runIf(nobody && userCan(nobody, 'test -r package.json', root))('works for a normal user', async () => {
    const home = newDirectory(0o700)
    chownSync(home, nobody!.uid, nobody!.gid)
    const wrapper = ['setpriv', `--reuid=${nobody!.uid}`, `--regid=${nobody!.gid}`, '--clear-groups']
    const elsewhere = await startElsewhere(join(home, '.fairway'), wrapper)
    await query(elsewhere.url, 'create table kept as select 1 as n')
    expect(findPlace(join(home, '.fairway'))!.home).toBe(join(home, '.fairway', 'postgres'))
    await kill(elsewhere.child)
    const again = await startElsewhere(join(home, '.fairway'), wrapper)
    expect(await query(again.url, 'select n from kept')).toEqual([{ n: 1 }])
    await kill(again.child, 'SIGTERM')
  })
})

describe('findBinaries', () => {
  const linksIn = (packaged: string) =>
    (
      JSON.parse(readFileSync(join(packaged, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[]
    ).map(({ target }) => join(packaged, target))

  it('makes the symbolic links that npm left out', () => {
    const packaged = copyPackage(newDirectory())
    for (const link of linksIn(packaged)) unlinkSync(link)
    findBinaries(newDirectory(), undefined, packaged)
    for (const link of linksIn(packaged)) {
      expect(lstatSync(link).isSymbolicLink()).toBe(true)
      expect(existsSync(link)).toBe(true)
    }
  })

  it.skipIf(isRoot)('copies a read-only package that lacks them', () => {
    const packaged = copyPackage(newDirectory())
    for (const link of linksIn(packaged)) unlinkSync(link)
    chmodSync(join(packaged, 'native', 'lib'), 0o555)
    cleanups.push(() => chmodSync(join(packaged, 'native', 'lib'), 0o755))
    const home = newDirectory()
    expect(findBinaries(home, undefined, packaged).postgres.startsWith(home)).toBe(true)
  })
})

function copyPackage(into: string): string {
  const packaged = join(into, 'package')
  cpSync(packageDirectory(), packaged, { recursive: true, verbatimSymlinks: true })
  return packaged
}
