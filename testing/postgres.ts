import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { createPool } from '../apps/server/src/platform/db/database.ts'
import { migrate } from '../apps/server/src/platform/db/migrate.ts'

/** URL of a PostgreSQL on which tests may create databases, to use your own. */
export const testDatabaseVariable = 'FAIRWAY_TEST_DATABASE_URL'
/** Where global-setup.ts is asked for one. */
export const testDatabaseStarter = 'FAIRWAY_TEST_DATABASE_STARTER'

let served: Promise<string> | undefined

/** URL of the PostgreSQL of this run, which is started by the first test that asks. */
export const testDatabaseUrl = (): Promise<string> => {
  served ??= askForUrl()
  return served
}

async function askForUrl(): Promise<string> {
  const given = process.env[testDatabaseVariable]
  if (given) return given
  const starter = process.env[testDatabaseStarter]
  if (!starter) throw new Error('Run tests through vitest, which starts a PostgreSQL')
  const answer = await fetch(starter)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`PostgreSQL did not start: ${text}`)
  return text
}

export interface TestDatabase {
  url: string
  pool: pg.Pool
  /** Ends the pool and removes the database, whoever is still connected. */
  drop(): Promise<void>
}

/**
 * A fresh database, with Fairway's tables unless `migrate` is false.
 *
 * @param options.icuLocale whose letters and order it has, instead of the cluster's
 */
export async function createTestDatabase(
  options: { migrate?: boolean; icuLocale?: string } = {},
): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await asAdmin(async (admin) => {
    if (options.icuLocale !== undefined) {
      await admin.query(
        `create database ${name} template template0 encoding 'UTF8' locale_provider icu icu_locale '${options.icuLocale}'`,
      )
      return
    }
    const template = options.migrate === false ? 'template1' : await ensureTemplate(admin)
    await admin.query(`create database ${name} template ${template}`)
  })
  const url = await urlOf(name)
  if (options.icuLocale !== undefined && options.migrate !== false) await migrate(url)
  const pool = createPool({ url })
  return {
    url,
    pool,
    async drop() {
      await pool.end()
      await asAdmin((admin) => admin.query(`drop database if exists ${name} with (force)`))
    },
  }
}

/** Migrating once and copying takes a tenth of the time of migrating every test file's database. */
async function ensureTemplate(admin: pg.Client): Promise<string> {
  const template = `template_${migrationsHash()}`
  await admin.query('select pg_advisory_lock($1)', [7_001])
  try {
    const { rowCount } = await admin.query('select from pg_database where datname = $1 and datistemplate', [
      template,
    ])
    if (rowCount === 1) return template
    await admin.query(`drop database if exists ${template}`)
    await admin.query(`create database ${template}`)
    await migrate(await urlOf(template))
    await admin.query(`alter database ${template} is_template true`)
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [7_001])
  }
  return template
}

/** Part of the template's name, so that a database kept between runs never serves outdated tables. */
function migrationsHash(): string {
  const directory = new URL('../apps/server/src/platform/db/migrations/', import.meta.url)
  const hash = createHash('sha256')
  for (const file of readdirSync(directory).sort()) hash.update(readFileSync(new URL(file, directory)))
  return hash.digest('hex').slice(0, 16)
}

async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: await urlOf('postgres') })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

async function urlOf(database: string): Promise<string> {
  const url = new URL(await testDatabaseUrl())
  url.pathname = `/${database}`
  return url.href
}
