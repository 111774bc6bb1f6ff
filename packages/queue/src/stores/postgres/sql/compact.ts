/**
 * Small tables that change all the time: one row for many versions. While some transaction is held open, vacuum can't
 * remove the old versions and every look at a row steps over them.
 */
export const hotTables = ['heads', 'lanes', 'workers', 'streams'] as const

/** $1 schema. How many dead versions there are beside the living. */
export const deadVersions = `
select relname as table, n_dead_tup::float8 as dead, n_live_tup::float8 as live
from pg_stat_user_tables where schemaname = $1 and relname = any ($2::text[])`

/** Whether some transaction has kept vacuum from removing anything for longer than $1 seconds. */
export const heldOpen = `
select exists (
  select from pg_stat_activity
  where backend_xmin is not null and datname = current_database() and pid <> pg_backend_pid()
    and xact_start < clock_timestamp() - $1 * interval '1 second'
) as held`
