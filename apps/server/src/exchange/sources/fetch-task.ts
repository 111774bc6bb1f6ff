import { createHash } from 'node:crypto'
import type { Json } from '@fairway/queue'
import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { ApiError } from '../../platform/errors.ts'
import { appendToFile } from '../../platform/files/files.ts'
import { type Step, TaskFailed, type TaskKind, type TaskSession } from '../../platform/tasks/kind.ts'
import type { TaskRow } from '../../platform/tasks/task.ts'
import { createImportOfFile } from '../imports/create.ts'
import { importLimits } from '../imports/format.ts'
import { openReader } from './open-reader.ts'
import type { Reader, SourceRow as ReadRow } from './reader.ts'
import { endRun } from './run.ts'
import {
  connectionOf,
  type FetchInput,
  loadSource,
  lockSource,
  type SourceCursor,
  type SourceRow,
} from './source.ts'
import { SourceFailed } from './source-failed.ts'

interface Cursor {
  rows: number
  bytes: number
  /** Where it came to, when there is a column to go on by. */
  at: SourceCursor | null
  /** How often it began again, because there is none. */
  restarts: number
}

interface Batch {
  content: Buffer
  /** Begins the file again: what it has is of an earlier attempt. */
  fresh: boolean
  done: number
  cursor: Cursor
}

const limits = { connectMs: 10_000, statementMs: 900_000 }
/** Of one run. With a cursor column the next one goes on from there. */
export const maxRows = 5_000_000
const maxBytes = importLimits.fileBytes - 64 * 1024 ** 2
const rowsPerStep = { first: 200, most: 5_000 }
const bytesPerStep = 2 * 1024 ** 2
/** More rows of one value are not told apart: they are read again. */
const mostSeen = 20_000
const maxRestarts = 3
/** While the other database takes its time, nobody else is to begin the same query. */
const aliveMs = 20_000

/** Reads a source's rows into a file, which is then imported. */
export const fetchTask: TaskKind<Batch> = {
  sliceMs: 3_600_000,
  async open(app, task, signal) {
    const alive = keepAlive(app, task)
    try {
      const source = await loadSource(app.pool, task.project_id, inputOf(task).source)
      if (!source) throw new TaskFailed('The source was deleted')
      const begun = (task.cursor as Cursor | null) ?? { rows: 0, bytes: 0, at: source.cursor, restarts: 0 }
      const fresh = begun.rows > 0 && source.cursor_column === null
      if (fresh && begun.restarts >= maxRestarts)
        throw new TaskFailed(
          'Reading was interrupted again and again; with a cursor column it would go on where it was',
        )
      const cursor = fresh ? { rows: 0, bytes: 0, at: null, restarts: begun.restarts + 1 } : begun
      const { at } = cursor
      const reader = await openReader(
        connectionOf(app, source),
        { query: source.query, cursorColumn: source.cursor_column, from: at },
        { ...limits, allowPrivate: app.config.allowPrivateNetworks },
      ).catch(explain)
      // A server that stops doesn't wait for another one's query.
      signal.addEventListener('abort', () => void reader.close(), { once: true })
      return new FetchSession(task, reader, cursor, { fresh, alive, discard: fresh ? begun.rows : 0 })
    } catch (error) {
      clearInterval(alive)
      throw error
    }
  },
  async ended(app, client, task, state, message) {
    const { source: id, file } = inputOf(task)
    const source = await lockSource(client, task.project_id, id)
    const cursor = task.cursor as Cursor | null
    const isCurrent = source?.run_task === task.id && source.run_state === 'fetching'
    if (isCurrent && state === 'done' && cursor && cursor.rows > 0)
      return importRows(app, client, source, file, cursor)
    // Housekeeping deletes it: it may be large.
    await client.query('update files set expires_at = $3 where project_id = $1 and id = $2', [
      task.project_id,
      file,
      app.now(),
    ])
    if (!isCurrent) return
    await client.query('update sources set run_rows = $3 where project_id = $1 and id = $2', [
      task.project_id,
      id,
      cursor?.rows ?? 0,
    ])
    await endRun(client, source, state === 'done' ? null : (message ?? 'It was cancelled'))
  },
}

const inputOf = (task: TaskRow) => task.input as unknown as FetchInput

async function importRows(
  app: App,
  client: PoolClient,
  source: SourceRow,
  file: number,
  cursor: Cursor,
): Promise<void> {
  await client.query('savepoint before_import')
  try {
    const made = await createImportOfFile(app, client, source.project_id, {
      kind: source.import.kind,
      name: source.name,
      file,
      format: { type: 'ndjson', encoding: 'utf-8' },
    })
    await client.query(
      `update sources set run_state = 'importing', run_rows = $3, run_import = $4, run_cursor = $5
       where project_id = $1 and id = $2`,
      [source.project_id, source.id, cursor.rows, made, cursor.at && JSON.stringify(cursor.at)],
    )
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    await client.query('rollback to savepoint before_import')
    await endRun(client, source, `Its rows can't be imported: ${error.message}`)
  }
}

function keepAlive(app: App, { project_id, id }: TaskRow): NodeJS.Timeout {
  return setInterval(() => {
    app.pool
      .query('update tasks set stepped_at = $3 where project_id = $1 and id = $2', [
        project_id,
        id,
        app.now(),
      ])
      .catch(() => {})
  }, aliveMs)
}

/** What goes better another time is tried again by the queue. */
function explain(error: unknown): never {
  if (error instanceof SourceFailed && !error.transient) throw new TaskFailed(error.message)
  throw error
}

class FetchSession implements TaskSession<Batch> {
  private readonly task: TaskRow
  private readonly reader: Reader
  private readonly alive: NodeJS.Timeout
  private cursor: Cursor
  /** Counts of the rows of the first value that an earlier run read, by their hashes. */
  private readonly read: Map<string, number>
  private fresh: boolean
  private discard: number
  private limit = rowsPerStep.first
  private ended = false

  constructor(
    task: TaskRow,
    reader: Reader,
    cursor: Cursor,
    { fresh, alive, discard }: { fresh: boolean; alive: NodeJS.Timeout; discard: number },
  ) {
    this.task = task
    this.reader = reader
    this.alive = alive
    this.cursor = cursor
    this.fresh = fresh
    this.discard = discard
    this.read = countEach(cursor.at?.seen ?? [])
    // Noted again as they come.
    if (cursor.at) this.cursor = { ...cursor, at: { ...cursor.at, seen: cursor.at.seen && [] } }
  }

  async next(): Promise<Batch | undefined> {
    while (!this.ended) {
      const found = await this.reader.read(this.limit).catch(explain)
      this.ended = found.length === 0
      const lines = found.filter((row) => this.isNew(row)).map(({ line }) => line)
      const content = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      this.limit = Math.round(
        Math.min(rowsPerStep.most, (this.limit * bytesPerStep) / Math.max(content.length, bytesPerStep / 4)),
      )
      const rows = this.cursor.rows + lines.length
      const bytes = this.cursor.bytes + content.length
      const isFull = rows >= maxRows || bytes >= maxBytes
      if (isFull && !this.ended) this.endAtLimit()
      if (lines.length === 0 && !this.fresh && !this.ended) continue
      this.cursor = { ...this.cursor, rows, bytes }
      const batch = { content, fresh: this.fresh, done: lines.length - this.discard, cursor: this.cursor }
      this.fresh = false
      this.discard = 0
      return batch
    }
    return undefined
  }

  async write(client: PoolClient, { content, fresh, done, cursor }: Batch): Promise<Step> {
    const { project_id: projectId } = this.task
    const { file } = inputOf(this.task)
    if (fresh) {
      await client.query('delete from file_chunks where project_id = $1 and file_id = $2', [projectId, file])
      await client.query('update files set bytes = 0, stored_bytes = 0 where project_id = $1 and id = $2', [
        projectId,
        file,
      ])
    }
    if (content.length > 0)
      await appendToFile(client, projectId, file, cursor.bytes - content.length, content)
    return { cursor: cursor as unknown as Json, done }
  }

  async close(): Promise<void> {
    clearInterval(this.alive)
    await this.reader.close()
  }

  /** Moves the cursor to the row. False for one that an earlier run read already. */
  private isNew({ line, cursor: value }: ReadRow): boolean {
    const type = this.reader.cursorType
    if (value === null || type === null) return true
    const hash = createHash('sha256').update(line).digest('base64url').slice(0, 11)
    const { at } = this.cursor
    const isFirst = at !== null && at.value === value
    const seen = isFirst ? at.seen && (at.seen.length < mostSeen ? at.seen : null) : []
    seen?.push(hash)
    this.cursor = { ...this.cursor, at: { value, type, seen } }
    const times = isFirst ? (this.read.get(hash) ?? 0) : 0
    if (times > 0) this.read.set(hash, times - 1)
    if (!isFirst) this.read.clear()
    return times === 0
  }

  private endAtLimit(): void {
    const { at } = this.cursor
    if (at === null)
      throw new TaskFailed(
        `The query has more than ${maxRows.toLocaleString('en')} rows or 5 GB; name a cursor column, so that it is read in parts`,
      )
    this.cursor = { ...this.cursor, at: { ...at, more: true } }
    this.ended = true
  }
}

function countEach(hashes: string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const hash of hashes) counts.set(hash, (counts.get(hash) ?? 0) + 1)
  return counts
}
