import type { App } from '../../platform/app.ts'
import { deleteInSteps } from '../../platform/db/delete-in-steps.ts'
import { isForbidden, partitionTrouble } from './partition-rights.ts'
import { dropUnneeded, ensurePartitions, listPartitions, partitionAt } from './partitions.ts'

const monthsAhead = 3
const rejectsDays = 30

/**
 * Housekeeping of everything that ingestion writes: partitions ahead, events beyond their project's retention, ended
 * duplicate windows, old rejects. In small statements, so that other work goes on; idempotent, and safe in several
 * processes at once.
 */
export async function maintainEvents(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  const now = app.now()
  try {
    await ensurePartitions(app.pool, monthsFrom(now))
    await dropOldPartitions(app, now)
  } catch (error) {
    const trouble = isForbidden(error) ? await partitionTrouble(app.pool) : undefined
    if (!trouble) throw error
    app.log.warn(trouble.reason)
  }
  await expireEvents(app, now, options.signal)
  await deleteInSteps(app.pool, 'ingest_keys', 'expires_at < $1', [now], options.signal)
  await deleteInSteps(app.pool, 'ingest_rejects', 'at < $1', [daysBefore(now, rejectsDays)], options.signal)
}

function monthsFrom(now: Date): number[] {
  return Array.from({ length: monthsAhead + 1 }, (_, i) =>
    Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + i),
  )
}

/** A whole table goes in a moment, where deleting its rows would take hours. */
async function dropOldPartitions(app: App, now: Date): Promise<void> {
  const current = partitionAt(now.getTime())
  for (const partition of await listPartitions(app.pool)) {
    if (partition.to > current.from!) continue
    if (await dropUnneeded(app.pool, partition, now))
      app.log.info({ partition: partition.name }, 'dropped a partition of events that no project keeps')
  }
}

async function expireEvents(app: App, now: Date, signal?: AbortSignal): Promise<void> {
  const { rows } = await app.pool.query<{ id: number; days: number }>(
    'select id, event_retention_days as days from projects where event_retention_days is not null',
  )
  if (rows.length === 0) return
  const partitions = await listPartitions(app.pool)
  for (const { id, days } of rows) {
    const until = daysBefore(now, days)
    for (const { name, to } of partitions) {
      const { from } = partitionAt(to.getTime() - 1)
      if (from !== null && from >= until) break
      await deleteInSteps(app.pool, name, 'project_id = $1 and occurred_at < $2', [id, until], signal)
    }
  }
}

const daysBefore = (now: Date, days: number) => new Date(now.getTime() - days * 86_400_000)
