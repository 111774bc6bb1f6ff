import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Of Debian's `mariadb-server-core`: the server without anything that starts it by itself (7 MB). */
const server = '/usr/sbin/mariadbd'
const systemTables = ['mysql_system_tables.sql', 'mysql_system_tables_data.sql'].map(
  (name) => `/usr/share/mysql/${name}`,
)
const readyMs = 30_000

export const hasMariadb = (): boolean => existsSync(server) && systemTables.every((file) => existsSync(file))

export interface Mariadb {
  port: number
  /** `mysql://fairway:secret@127.0.0.1:<port>/shop` */
  url: string
  stop(): Promise<void>
}

/** A MariaDB of its own in a fresh directory, with the database `shop` and the user `fairway`, whose password is `secret`. */
export async function startMariadb(): Promise<Mariadb> {
  const home = await mkdtemp(join(tmpdir(), 'fairway-mariadb-'))
  const data = join(home, 'data')
  await mkdir(data)
  const common = [
    '--no-defaults',
    `--datadir=${data}`,
    // As another user than root it is only told who it is.
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    '--innodb-buffer-pool-size=16M',
    '--innodb-log-file-size=4M',
    '--innodb-flush-log-at-trx-commit=0',
  ]
  await initialise(common)
  const init = join(home, 'init.sql')
  await writeFile(
    init,
    `create database shop;\ncreate user fairway identified by 'secret';\ngrant all on *.* to fairway;\n`,
  )
  const port = await freePort()
  const child = spawn(
    server,
    [
      ...common,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--socket=${join(home, 'socket')}`,
      `--init-file=${init}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  // Should this process die without stopping it, it must not live on.
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  await untilItListens(child, port)
  return {
    port,
    url: `mysql://fairway:secret@127.0.0.1:${port}/shop`,
    async stop() {
      process.off('exit', kill)
      const gone = new Promise((done) => child.once('exit', done))
      if (child.exitCode === null && child.signalCode === null) {
        kill()
        await gone
      }
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function initialise(common: string[]): Promise<void> {
  const child = spawn(server, [...common, '--bootstrap'], { stdio: ['pipe', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  child.stdin.end(
    ['create database mysql;', 'use mysql;', ...systemTables.map((file) => readFileSync(file, 'utf8'))].join(
      '\n',
    ),
  )
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`MariaDB could not make its system tables:\n${errors}`)
}

async function untilItListens(child: ChildProcess, port: number): Promise<void> {
  let errors = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const giveUp = Date.now() + readyMs
  while (!(await listens(port))) {
    if (child.exitCode !== null || Date.now() > giveUp) throw new Error(`MariaDB did not start:\n${errors}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => done(true)).once('error', () => done(false))
    socket.once('connect', () => socket.destroy())
  })

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
  const { port } = probe.address() as { port: number }
  await new Promise((done) => probe.close(done))
  return port
}
