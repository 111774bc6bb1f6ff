import { QueueNotMigrated } from '../../api/errors.ts'
import type { Connection, Session } from './connection.ts'
import { migrations } from './sql/schema.ts'

/** Building an index takes its time, and so does waiting for the process that builds it. */
const migrationTimeoutMs = 15 * 60_000

/**
 * Creates or upgrades the tables. Where all is done already nothing is created, so that a role without the right to do so
 * may run what another one has installed.
 */
export async function migrate(connection: Connection, schema: string): Promise<void> {
  if ((await migrated(connection, schema)) === migrations.length) return
  await connection
    .transaction(async (session) => {
      // Two processes that start together: the second waits here and finds nothing left to do.
      await session.query({
        text: `select pg_advisory_xact_lock(hashtextextended($1, 0))`,
        values: [`migrate ${schema}`],
      })
      await session.query({ text: `create schema if not exists ${schema}` })
      await session.query({
        text: `create table if not exists ${schema}.migrations (number integer primary key, at timestamptz not null default now())`,
      })
      for (let number = await latest(session, schema); number < migrations.length; number++) {
        await session.query({ text: migrations[number]!(schema) })
        await session.query({
          text: `insert into ${schema}.migrations (number) values ($1)`,
          values: [number + 1],
        })
      }
    }, migrationTimeoutMs)
    .catch((error: unknown) => {
      throw notAllowed(error) ? mayNot(schema, error as Error) : error
    })
}

const mayNot = (schema: string, cause: Error) =>
  new QueueNotMigrated(
    `The queue's tables (schema ${schema}) must be made or upgraded, and this role may not: ${cause.message}. ` +
      'Run migrate() once as a role that may create schemas and tables, and grant this one their use.',
    { cause },
  )

/** How many are done; undefined where nothing is yet. */
async function migrated(connection: Connection, schema: string): Promise<number | undefined> {
  const [table] = await connection.run<{ found: boolean }>(
    undefined,
    'select to_regclass($1) is not null as found',
    [`${schema}.migrations`],
  )
  if (!table!.found) return undefined
  const [row] = await connection.run<{ done: number }>(undefined, latestText(schema))
  return row!.done
}

const latestText = (schema: string) =>
  `select coalesce(max(number), 0)::float8 as done from ${schema}.migrations`

async function latest(session: Session, schema: string): Promise<number> {
  const { rows } = await session.query({ text: latestText(schema) })
  return (rows[0] as { done: number }).done
}

const notAllowed = (error: unknown) => (error as { code?: unknown }).code === '42501'
