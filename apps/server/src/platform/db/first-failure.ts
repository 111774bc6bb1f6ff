import type { EventEmitter } from 'node:events'
import type { DatabaseError, PoolClient } from 'pg'

/** "current transaction is aborted": what every statement after the one that failed gets. */
const aborted = '25P02'

/** Per connection the latest error that is a reason, not a consequence. */
const failures = new WeakMap<object, DatabaseError>()

/** To be called once for a new connection. Costs nothing as long as statements succeed. */
export function rememberFailures(client: object): void {
  const { connection } = client as { connection: EventEmitter }
  connection.on('errorMessage', (error: DatabaseError) => {
    if (error.code !== aborted) failures.set(client, error)
  })
}

/**
 * Of statements sent one after another without waiting, the first that is looked at may be one behind the one that failed:
 * its error says only that the transaction is lost. This finds why, so that a deadlock is tried again, and a timeout told as one.
 */
export function firstFailure(client: PoolClient, error: unknown): unknown {
  const isConsequence = (error as { code?: string } | undefined)?.code === aborted
  return isConsequence ? (failures.get(client) ?? error) : error
}
