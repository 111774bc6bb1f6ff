import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Logger } from 'pino'
import { DatabaseUnusable } from './database.ts'
import { addresses } from './migrations/0013_addresses.ts'
import { names } from './migrations/0027_names.ts'
import { waitingMail } from './migrations/0032_waiting_mail.ts'
import { originAndConsent } from './migrations/0039_origin_and_consent.ts'

const directory = fileURLToPath(new URL('./migrations/', import.meta.url))
/** Any constant: all Fairways on one database wait for the same lock. */
const lockKey = 4_607_182_418
const lockPollMs = 100

interface Migration {
  version: number
  name: string
  checksum: string
  /** One that can be done only as a whole is in a transaction, together with the note that it is done. */
  sql?: string
  /** Another is outside of any, and leaves what it did when it is run again. */
  run?: (client: pg.Client) => Promise<void>
}

const migrationsInCode: Migration[] = [
  { version: 13, name: '0013_addresses', checksum: '', run: addresses },
  { version: 27, name: '0027_names', checksum: '', run: names },
  { version: 32, name: '0032_waiting_mail', checksum: '', run: waitingMail },
  { version: 39, name: '0039_origin_and_consent', checksum: '', run: originAndConsent },
]

/**
 * Brings the tables up to date: runs each numbered file of `migrations/` once, in order, each in its own transaction,
 * but for those in code, which take several.
 * Safe to run from many processes at once. Refuses a database that a newer Fairway has already migrated.
 */
export async function migrate(url: string, log?: Logger): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'fairway migrations' })
  client.on('error', () => {})
  await client.connect()
  try {
    await takeLock(client)
    await ensureTable(client)
    const { rows: applied } = await client.query<{ version: number; name: string; checksum: string }>(
      'select version, name, checksum from migrations order by version',
    )
    const migrations = readMigrations()
    const newest = migrations.at(-1)?.version ?? 0
    if (applied.some(({ version }) => version > newest)) {
      throw new Error(
        `The database was migrated by a newer Fairway (migration ${applied.at(-1)!.name}): upgrade this one, or use a backup.`,
      )
    }
    for (const migration of migrations) {
      const done = applied.find(({ version }) => version === migration.version)
      if (!done) await apply(client, migration, log)
      else if (done.checksum !== migration.checksum) {
        throw new Error(
          `Migration ${migration.name} was changed after it ran here: add a new migration instead.`,
        )
      }
    }
  } finally {
    // Ending the connection releases the lock.
    await client.end()
  }
}

/** A role that may not create tables can use a database that another one has brought up to date. */
async function ensureTable(client: pg.Client): Promise<void> {
  const { rows } = await client.query(`select to_regclass('migrations') is not null as found`)
  if (rows[0].found) return
  await client
    .query(`
      create table if not exists migrations (
        version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now()
      )`)
    .catch(refuseWithoutRights)
}

/** @throws DatabaseUnusable for what the role may not do */
function refuseWithoutRights(error: Error & { code?: string }): never {
  if (error.code !== '42501') throw error
  throw new DatabaseUnusable(
    `Cannot bring the database up to date: ${error.message}. Start once with a role that owns the database, or let this ` +
      'one create in it: GRANT CREATE ON DATABASE … and GRANT CREATE ON SCHEMA public TO …',
  )
}

/** By asking again and again: whoever waits in a statement is waited for by an index that is built beside the work. */
async function takeLock(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
      lockKey,
    ])
    if (rows[0]!.taken) return
    await sleep(lockPollMs)
  }
}

async function apply(client: pg.Client, migration: Migration, log: Logger | undefined): Promise<void> {
  try {
    await migration.run?.(client)
    await client.query('begin')
    if (migration.sql !== undefined) await client.query(migration.sql)
    await client.query('insert into migrations (version, name, checksum) values ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.checksum,
    ])
    await client.query('commit')
  } catch (error) {
    if ((error as { code?: string }).code === '42501') refuseWithoutRights(error as Error)
    throw new Error(`Migration ${migration.name} failed: ${(error as Error).message}`, { cause: error })
  }
  log?.info({ migration: migration.name }, 'migrated the database')
}

function readMigrations(): Migration[] {
  const inSql = readdirSync(directory)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const sql = readFileSync(`${directory}${file}`, 'utf8')
      const checksum = createHash('sha256').update(sql).digest('hex')
      return { version: Number(file.slice(0, 4)), name: file.replace('.sql', ''), sql, checksum }
    })
  return [...inSql, ...migrationsInCode].sort((a, b) => a.version - b.version)
}
