import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import { createQueue, postgresStore } from '@fairway/queue'
import pg from 'pg'
import { vi } from 'vitest'
import { testDatabaseUrl } from '../../../../testing/postgres.ts'
import type { IntakeServer } from './helpers.ts'

/** Real troubles of a server. Each starts at once and answers what ends it. */

/**
 * A database too slow for what arrives: a lock holds up the commit of one job, which fills an intake that has room for
 * no more. Every further add is a QueueOverloaded.
 */
export async function fillIntake({ app, projectId }: IntakeServer): Promise<() => Promise<void>> {
  const connectionString = databaseUrl(app.pool)
  const roomy = app.queue
  const small = createQueue({ store: postgresStore({ connectionString }), intakeBytes: 1 })
  const blocker = new pg.Client({ connectionString })
  await blocker.connect()
  await blocker.query('begin; lock table fairway_queue.pages in exclusive mode')
  const held = small.add({ lane: 'filler', tenant: String(projectId), name: 'filler', data: null })
  app.queue = small
  return async () => {
    app.queue = roomy
    await blocker.end()
    await held
    await small.close()
  }
}

/** The server's database lets nobody in and throws everybody out. */
export async function stopDatabase({ app }: IntakeServer): Promise<() => Promise<void>> {
  const database = new URL(databaseUrl(app.pool)).pathname.slice(1)
  await asAdmin(`alter database ${database} allow_connections false`)
  await asAdmin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`)
  return () => asAdmin(`alter database ${database} allow_connections true`)
}

const databaseUrl = (pool: pg.Pool) => (pool.options as { connectionString: string }).connectionString

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: await testDatabaseUrl() })
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** Watches the status codes that this process's servers answer. */
export function watchReplies() {
  const seen = new Set<number>()
  const note = (message: unknown) => seen.add((message as { response: ServerResponse }).response.statusCode)
  subscribe('http.server.response.finish', note)
  return {
    /** Waits for a reply with this status. */
    answered: (status: number) => vi.waitUntil(() => seen.has(status), { timeout: 30_000 }),
    stop: () => unsubscribe('http.server.response.finish', note),
  }
}
