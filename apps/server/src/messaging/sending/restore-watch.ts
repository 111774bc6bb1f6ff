import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { type DatabaseState, readDatabaseState } from './database-state.ts'

/** How far the database was when this process, or the one before it on this machine, looked last. */
interface Mark {
  identity: string
  position: bigint
}

const fileName = 'database-seen.json'
const moved =
  'The database is not the one that Fairway used last: it was restored from a backup, copied or moved. ' +
  'What was pending then may have been sent since.'
const wentBack =
  'The database has gone back to an earlier state: it was restored from a backup, or a standby took over that had not ' +
  'received everything. What is pending now may have been sent already.'

/**
 * Notices that the database is an older state of itself, or a copy, and holds the sending of every project: a mail that was
 * pending in a backup has most likely left since. Two things tell: the database's identity, which it keeps a note of, and
 * how long its log is, which this machine keeps a note of.
 */
export class RestoreWatch {
  readonly #app: App
  readonly #path: string
  #mark: Mark | undefined
  #saved: bigint | undefined

  constructor(app: App) {
    this.#app = app
    this.#path = join(app.config.dataDir, fileName)
    this.#mark = readMark(this.#path)
  }

  /** Whether sending of the project is held: looked at before each batch of mails, in one statement. */
  async isHeld(projectId: number): Promise<boolean> {
    // Before the reading: one that began earlier may end later, and is no step back.
    const before = this.#mark
    const state = await readDatabaseState(this.#app.pool, projectId)
    if (await this.#compare(state, before)) return true
    return state.held
  }

  /** At start and now and then, so that the note on this machine is never old. */
  async look(): Promise<void> {
    await this.isHeld(0)
    this.#save()
  }

  /** True when sending was held just now. */
  async #compare({ identity, known, position }: DatabaseState, before: Mark | undefined): Promise<boolean> {
    const mark = this.#mark
    if (position !== null && (mark?.identity !== identity || mark.position <= position))
      this.#mark = { identity, position }
    if (known === null) await noteIdentity(this.#app, identity, null)
    else if (known !== identity) {
      if (await noteIdentity(this.#app, identity, known)) return true
    } else if (position !== null && before?.identity === identity && before.position > position) {
      this.#mark = { identity, position }
      await holdSending(this.#app, wentBack)
      return true
    }
    return false
  }

  #save(): void {
    const mark = this.#mark
    if (!mark || mark.position === this.#saved) return
    try {
      mkdirSync(this.#app.config.dataDir, { recursive: true })
      writeFileSync(`${this.#path}.new`, JSON.stringify({ ...mark, position: String(mark.position) }), {
        mode: 0o600,
      })
      renameSync(`${this.#path}.new`, this.#path)
      this.#saved = mark.position
    } catch (error) {
      // The database's own note remains, and what this process remembers.
      this.#app.log.debug(
        { err: error },
        'the state of the database could not be noted in the data directory',
      )
    }
  }
}

export const restoreWatchOf = memoizePerObject((app: App) => new RestoreWatch(app))

/** Holds the sending of every project, or of one, until somebody confirms. Held already, it stays as it is. */
export async function holdSending(
  app: App,
  reason: string,
  { projectId, client = app.pool }: { projectId?: number; client?: Pick<App['pool'], 'query'> } = {},
): Promise<number> {
  const { rowCount } = await client.query(
    `insert into sending_holds (project_id, held_at, reason)
     select id, $1, $2 from projects where deleted_at is null and ($3::integer is null or id = $3)
     on conflict (project_id) where confirmed_at is null do nothing`,
    [app.now(), reason, projectId ?? null],
  )
  app.log.warn({ reason, projectId, held: rowCount }, 'sending is held until somebody confirms')
  return rowCount ?? 0
}

/** Together with the hold, so that neither is without the other. True when this process was the one that noticed. */
async function noteIdentity(app: App, identity: string, known: string | null): Promise<boolean> {
  return withTransaction(app.pool, async (client) => {
    const { rowCount } = await client.query(
      known === null
        ? `insert into installation (key, value) values ('database_identity', to_jsonb($1::text)) on conflict do nothing`
        : `update installation set value = to_jsonb($1::text) where key = 'database_identity' and value #>> '{}' = $2`,
      known === null ? [identity] : [identity, known],
    )
    if (rowCount === 0 || known === null) return false
    await holdSending(app, moved, { client })
    return true
  })
}

function readMark(path: string): Mark | undefined {
  try {
    const { identity, position } = JSON.parse(readFileSync(path, 'utf8'))
    return typeof identity === 'string' ? { identity, position: BigInt(position) } : undefined
  } catch {
    return undefined
  }
}
