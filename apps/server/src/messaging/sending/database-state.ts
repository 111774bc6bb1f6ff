import type { Pool } from 'pg'

/** Which database this is, and how far it has come. */
export interface DatabaseState {
  /** The same for as long as nobody copies, restores or moves it. */
  identity: string
  /** What it was when Fairway looked last; null before. */
  known: string | null
  /** Bytes of log on disk: goes back only with the database itself. Null where the server does not tell. */
  position: bigint | null
  /** Sending of the project asked for is held. */
  held: boolean
}

interface Row {
  identity: string
  known: string | null
  position: string | null
  held: boolean
}

/** A dump that is read in makes new tables, a copy is another database, another cluster has its own number. */
const identity = `coalesce(c.system_identifier::text, '') || ':' || d.oid || ':' || 'installation'::regclass::oid`
const known = `(select value #>> '{}' from installation where key = 'database_identity')`
const held = `exists (select from sending_holds where project_id = $1 and confirmed_at is null)`
const inFull = `
  select ${identity} as identity, ${known} as known, ${held} as held,
         case when pg_is_in_recovery() then null else (pg_current_wal_flush_lsn() - '0/0')::text end as position
  from pg_database d, pg_control_system() c where d.datname = current_database()`
const withoutControl = `
  select ${identity} as identity, ${known} as known, ${held} as held, null as position
  from pg_database d, (select null as system_identifier) c where d.datname = current_database()`

/** Not allowed, not there, not supported: some hosted servers. */
const untold = new Set(['42501', '42883', '0A000', '55000'])
const silent = new WeakSet<Pool>()

export async function readDatabaseState(pool: Pool, projectId: number): Promise<DatabaseState> {
  if (silent.has(pool)) return stateOf(await pool.query<Row>(withoutControl, [projectId]))
  try {
    return stateOf(await pool.query<Row>(inFull, [projectId]))
  } catch (error) {
    if (!untold.has((error as { code?: string }).code ?? '')) throw error
    silent.add(pool)
    return readDatabaseState(pool, projectId)
  }
}

function stateOf({ rows }: { rows: Row[] }): DatabaseState {
  const { position, ...state } = rows[0]!
  return { ...state, position: position === null ? null : BigInt(position) }
}
