import type { Pool, PoolClient } from 'pg'
import { withTransaction } from '../../platform/db/transaction.ts'

/**
 * Events lie in one partition a month, made a while ahead and whenever one is needed. Everything before 2020 shares one,
 * so that backdated events can't make hundreds of tables.
 */
export interface Partition {
  /** Table name. */
  name: string
  /** null: from the beginning of time. */
  from: Date | null
  /** Exclusive. */
  to: Date
}

const firstMonth = Date.UTC(2020, 0)
const oldPartition: Partition = { name: 'events_before_2020', from: null, to: new Date(firstMonth) }
/** Advisory lock: tables are made and dropped by one process at a time. */
const lockId = 7_011

/** `time` is epoch ms. */
export function partitionAt(time: number): Partition {
  if (time < firstMonth) return oldPartition
  const date = new Date(time)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return {
    name: `events_${year}_${String(month + 1).padStart(2, '0')}`,
    from: new Date(Date.UTC(year, month)),
    to: new Date(Date.UTC(year, month + 1)),
  }
}

/** Names of the partitions that are known to exist, per pool. */
const known = new WeakMap<Pool, Set<string>>()

export const forgetPartitions = (pool: Pool): void => void known.delete(pool)

/** Makes the partitions for these times (epoch ms) that do not exist. Costs nothing when all are known. */
export async function ensurePartitions(pool: Pool, times: Iterable<number>): Promise<void> {
  let names = known.get(pool)
  if (!names) known.set(pool, (names = new Set()))
  const missing = new Map<string, Partition>()
  let last: Partition | undefined
  for (const time of times) {
    // Neighbours mostly share their month.
    if (last && time < last.to.getTime() && (last.from === null || time >= last.from.getTime())) continue
    last = partitionAt(time)
    if (!names.has(last.name)) missing.set(last.name, last)
  }
  for (const partition of missing.values()) {
    await withTransaction(pool, (client) => createPartition(client, partition))
    names.add(partition.name)
  }
}

/**
 * Attached after its creation, which, unlike `create table … partition of`, doesn't wait for the transactions that are
 * storing events and doesn't make others wait.
 */
async function createPartition(client: PoolClient, { name, from, to }: Partition): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [lockId])
  const { rows } = await client.query<{ exists: boolean }>(
    `select exists (select from pg_inherits where inhrelid = to_regclass($1)) as exists`,
    [name],
  )
  if (rows[0]!.exists) return
  const lower = from === null ? 'minvalue' : `'${from.toISOString()}'`
  await client.query(`drop table if exists ${name};
    create table ${name} (like events including all);
    alter table events attach partition ${name} for values from (${lower}) to ('${to.toISOString()}')`)
}

export interface ExistingPartition {
  name: string
  to: Date
}

export async function listPartitions(pool: Pool): Promise<ExistingPartition[]> {
  const { rows } = await pool.query<{ name: string; upper: string }>(
    `select c.relname as name,
       (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''([^'']+)''\\)'))[1]::timestamptz as upper
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'events'::regclass order by 2`,
  )
  return rows.map(({ name, upper }) => ({ name, to: new Date(upper) }))
}

/**
 * Drops a partition unless it holds an event that its project keeps. Asked again under the lock, so that an event
 * stored at the last moment is not lost; waits at most a second for others, then leaves it to the next time.
 */
export async function dropUnneeded(pool: Pool, { name, to }: ExistingPartition, now: Date): Promise<boolean> {
  const needed = `select exists (
      select from projects p
      where (p.event_retention_days is null or $1::timestamptz > $2::timestamptz - p.event_retention_days * interval '1 day')
        and exists (select from ${name} e where e.project_id = p.id)) as needed`
  const isNeeded = async (client: Pool | PoolClient) =>
    (await client.query<{ needed: boolean }>(needed, [to, now])).rows[0]!.needed
  if (await isNeeded(pool)) return false
  try {
    return await withTransaction(pool, async (client) => {
      await client.query(`set local lock_timeout = '1s'; select pg_advisory_xact_lock(${lockId});
        lock table only events in access exclusive mode`)
      if (await isNeeded(client)) return false
      await client.query(`drop table ${name}`)
      return true
    })
  } catch (error) {
    if ((error as { code?: string }).code === '55P03') return false
    throw error
  } finally {
    forgetPartitions(pool)
  }
}

/** Another process dropped the partition, because nobody needed it any more. */
export const isMissingPartition = (error: unknown): boolean =>
  (error as { code?: string }).code === '23514' && /no partition/.test((error as Error).message)
