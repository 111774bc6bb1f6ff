import type { Connection } from './connection.ts'
import { openMysql } from './mysql-reader.ts'
import { openPostgres } from './postgres-reader.ts'
import type { Reader, Reading, ReadLimits } from './reader.ts'

/**
 * Connects, and begins to read in a transaction that can't write.
 *
 * @throws {SourceFailed}
 */
export const openReader = (connection: Connection, reading: Reading, limits: ReadLimits): Promise<Reader> =>
  connection.kind === 'postgres'
    ? openPostgres(connection, reading, limits)
    : openMysql(connection, reading, limits)
