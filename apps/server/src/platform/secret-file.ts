import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pool } from 'pg'
import type { Config } from './config.ts'
import { inDataDirectory } from './data-directory.ts'
import { writeDurably } from './db/embedded/cluster.ts'
import type { Secrets } from './secrets.ts'

/** FAIRWAY_SECRET, or the one in the data directory, made at first use with mode 600. */
export function loadSecret(config: Config): string {
  if (config.secret) return config.secret
  const path = join(config.dataDir, 'secret')
  return inDataDirectory(config.dataDir, () => {
    if (!existsSync(path)) {
      mkdirSync(config.dataDir, { recursive: true })
      writeDurably(path, `${randomBytes(32).toString('base64url')}\n`)
    }
    return readFileSync(path, 'utf8').trim()
  })
}

/**
 * With another secret, stored passwords and keys could not be read and every link sent so far would be refused. Better
 * not to start: a moved data directory or a second machine without the secret is found at once.
 */
export async function checkSecret(pool: Pool, secrets: Secrets): Promise<void> {
  const mark = secrets.sign('installation', 'the secret of this database')
  await pool.query(
    `insert into installation (key, value) values ('secret_mark', to_jsonb($1::text)) on conflict do nothing`,
    [mark],
  )
  const { rows } = await pool.query<{ value: string }>(
    `select value from installation where key = 'secret_mark'`,
  )
  if (rows[0]!.value !== mark) {
    throw new WrongSecret(
      'This database was set up with another secret. Set FAIRWAY_SECRET to that one, ' +
        'or copy the file `secret` from the data directory that was used with it.',
    )
  }
}

export class WrongSecret extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WrongSecret'
  }
}
