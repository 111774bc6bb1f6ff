import type { PoolClient } from 'pg'

/** First key of the advisory locks that let one transaction at a time work out who is in a project's segments. */
const lockSpace = 7_012

/**
 * Held to the end of the transaction. Statements after it see everything that earlier holders committed, so that no
 * older picture of a person ever overwrites a newer one.
 */
export const lockSegments = (client: PoolClient, projectId: number): Promise<unknown> =>
  client.query('select pg_advisory_xact_lock($1, $2)', [lockSpace, projectId])
