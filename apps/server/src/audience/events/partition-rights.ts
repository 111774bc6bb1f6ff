import type { Pool } from 'pg'

export interface PartitionTrouble {
  /** Until when events have a table to lie in. */
  until: Date
  /** What is wrong and what to do, for whoever runs the database. */
  reason: string
}

/**
 * Whether the role may make the monthly tables of events, without making one. A role that may only read and write works
 * until the months that somebody else made are over: that is to be known before.
 */
export async function partitionTrouble(pool: Pool): Promise<PartitionTrouble | undefined> {
  const { rows } = await pool.query<{
    role: string
    owner: string
    schema: string
    creates: boolean
    owns: boolean
    until: Date | null
  }>(
    `select quote_ident(current_user) as role, quote_ident(pg_get_userbyid(t.relowner)) as owner, quote_ident(n.nspname) as schema,
       has_schema_privilege(n.oid, 'CREATE') as creates, pg_has_role(t.relowner, 'USAGE') as owns,
       (select max((regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''([^'']+)''\\)'))[1]::timestamptz)
        from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = t.oid) as until
     from pg_class t join pg_namespace n on n.oid = t.relnamespace where t.oid = 'events'::regclass`,
  )
  const { role, owner, schema, creates, owns, until } = rows[0]!
  if (creates && owns) return undefined
  const orders = [
    ...(creates ? [] : [`GRANT CREATE ON SCHEMA ${schema} TO ${role}`]),
    ...(owns ? [] : [`GRANT ${owner} TO ${role}`]),
  ]
  const lasts = until ?? new Date(0)
  return {
    until: lasts,
    reason:
      `The database role ${role} may not make the monthly tables of events; those that are there last until ` +
      `${lasts.toISOString().slice(0, 10)}, and later events can't be stored. As the owner: ${orders.join('; ')}.`,
  }
}

/** The role may not; it is told where people look, and what else there is to do must not wait for it. */
export const isForbidden = (error: unknown): boolean => (error as { code?: string }).code === '42501'
