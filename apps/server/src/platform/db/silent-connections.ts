import type { Socket } from 'node:net'
import type pg from 'pg'

/** What the driver keeps of a connection: the statement that PostgreSQL is at, and its socket. Neither is in its types. */
interface Inner {
  _getActiveQuery(): object | null | undefined
  connection: { stream: Socket }
}

/** How much later than its deadline a statement may be given up, as a part of it. */
const looksPerDeadline = 20

/**
 * Ends the connections of a pool on which a statement has had no answer for so long; whoever waits there gets the error that
 * the driver's own `query_timeout` gives. That is a timer for each statement, with which what a statement holds, rows by the
 * thousand, lives long enough to be collected dearly: imports are a third slower. This is one look at all, now and then.
 */
export function endSilentConnections(pool: pg.Pool, statementMs: number): void {
  const connections = new Map<Inner, { statement: object; since: number } | undefined>()
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    const now = performance.now()
    for (const [client, seen] of connections) {
      const statement = client._getActiveQuery() ?? undefined
      if (statement === undefined || statement !== seen?.statement)
        connections.set(client, statement && { statement, since: now })
      else if (now - seen.since > statementMs)
        client.connection.stream.destroy(new Error('Query read timeout'))
    }
  }
  pool.on('connect', (client) => {
    connections.set(client as unknown as Inner, undefined)
    timer ??= setInterval(look, statementMs / looksPerDeadline).unref()
  })
  pool.on('remove', (client) => {
    connections.delete(client as unknown as Inner)
    if (connections.size > 0) return
    clearInterval(timer)
    timer = undefined
  })
}
