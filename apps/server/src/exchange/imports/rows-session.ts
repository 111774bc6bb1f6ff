import { setImmediate as turn } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { ensurePartitions, forgetPartitions, isMissingPartition } from '../../audience/events/partitions.ts'
import { withPeopleIn } from '../../audience/people/session.ts'
import type { App } from '../../platform/app.ts'
import { faultOf } from '../../platform/db/faults.ts'
import { findFile, readFile } from '../../platform/files/files.ts'
import { type Step, TaskFailed, type TaskSession } from '../../platform/tasks/kind.ts'
import type { TaskRow } from '../../platform/tasks/task.ts'
import { Doubt } from './doubt.ts'
import { type Format, importLimits } from './format.ts'
import { unguardFormula } from './formula-guard.ts'
import type { ImportRow } from './imports.ts'
import { Plan, type Planned } from './plan.ts'
import { isGuarded, type Refusal, saveRejects } from './rejects.ts'
import type { Row, RowPosition, RowReader } from './row.ts'
import { readRows } from './rows.ts'
import { type Purpose, type ReadyRow, readyRow, tryRows, type Written, writeRows } from './write-rows.ts'

/** Of a step: a tenth of a second, and what a step costs besides its rows no longer shows. */
const rowsPerStep = 2_000
/** Of the file, about: rows may be a thousand times as long as usual, or be all empty. */
const bytesPerStep = 1_048_576
/** Each may become a property, and is written by itself. */
const cellsPerStep = 60_000
/** Read at a time, in a millisecond or two. */
const rowsPerTurn = 200

interface Batch {
  ready: ReadyRow[]
  refused: { row: Row; refusal: Refusal }[]
  /** Behind the last row. */
  cursor: Cursor
  /** Lines that are no rows. */
  skipped: number
}

/** The task's cursor: where the next row begins, and whether it may be the rest of one that could not be read. */
interface Cursor extends RowPosition {
  isDoubtful?: boolean
}

/**
 * Reads an import's rows from where the task's cursor is, and writes them: rows, refused rows, counts and cursor in one
 * transaction. While one step is written the next is read.
 */
export class RowsSession implements TaskSession<Batch> {
  readonly #app: App
  readonly #projectId: number
  readonly #dryRun: boolean
  readonly #purpose: Purpose
  readonly #format: Format
  readonly #fileId: number
  readonly #plan: Plan
  readonly #names: string[]
  readonly #isGuarded: boolean
  readonly #signal: AbortSignal
  readonly #cursor: Cursor | null
  readonly #doubt: Doubt
  #reader: RowReader | undefined
  #ahead: Promise<Batch | undefined> | undefined
  #fileBytes = 0
  /** Of the steps that are committed. */
  #rows: number
  #rejected: number
  /** What to add and to tell once the step is. */
  #step = { rows: 0, rejected: 0 }
  #committed: (() => Promise<void>)[] = []

  constructor(
    app: App,
    task: TaskRow,
    row: ImportRow,
    { at, dryRun, signal }: { at: number; dryRun: boolean; signal: AbortSignal },
  ) {
    const { kind, format, file_id, mapping, options, columns } = row
    if (!format || file_id === null || !mapping) throw new TaskFailed('The import has no file')
    this.#app = app
    this.#projectId = task.project_id
    this.#dryRun = dryRun
    this.#signal = signal
    this.#purpose = { importId: row.id, kind, options, at }
    this.#format = format
    this.#fileId = file_id
    this.#names = columns.map(({ name }) => name)
    this.#isGuarded = isGuarded(format.type, this.#names)
    this.#plan = new Plan(kind, format, this.#names, mapping, options)
    this.#cursor = task.cursor as Cursor | null
    this.#doubt = new Doubt(format, this.#names.length, this.#cursor?.isDoubtful)
    this.#rows = task.done
    this.#rejected = task.failed
  }

  async next(): Promise<Batch | undefined> {
    await this.#tell()
    this.#rows += this.#step.rows
    this.#rejected += this.#step.rejected
    this.#step = { rows: 0, rejected: 0 }
    const batch = await (this.#ahead ?? this.#read())
    this.#ahead = undefined
    return batch
  }

  async write(client: PoolClient, batch: Batch): Promise<Step> {
    this.#committed = []
    const { created, updated, unchanged, optedOut, refusals } = await this.#writeRows(client, batch.ready)
    const refused = [...batch.refused, ...refusals]
    const room = Math.max(0, importLimits.rejects - this.#rejected)
    await saveRejects(client, this.#projectId, this.#purpose.importId, refused.slice(0, room))
    const rows = batch.ready.length + batch.refused.length
    this.#step = { rows, rejected: refused.length }
    return {
      cursor: { ...batch.cursor },
      done: rows,
      failed: refused.length,
      total: this.#estimateTotal(this.#rows + rows, batch),
      detail: { created, updated, unchanged, optedOut, rejected: refused.length, skipped: batch.skipped },
    }
  }

  async close(): Promise<void> {
    await this.#tell()
    await this.#ahead?.catch(() => {})
    await this.#reader?.close()
  }

  async #tell(): Promise<void> {
    for (const committed of this.#committed.splice(0)) await committed()
  }

  /** It is asked for when the step under way is committed. */
  #readAhead(): void {
    if (this.#ahead) return
    this.#ahead = this.#read()
    this.#ahead.catch(() => {})
  }

  async #read(): Promise<Batch | undefined> {
    let skipped = 0
    const ready: ReadyRow[] = []
    const refused: Batch['refused'] = []
    if (!this.#reader) {
      this.#reader = await this.#openReader()
      if (this.#cursor === null) skipped = await this.#skipHeader(this.#reader, refused)
    }
    const reader = this.#reader
    const from = reader.place.offset
    const blank = reader.blankLines
    let cells = 0
    const isFull = () =>
      ready.length + refused.length >= rowsPerStep ||
      cells >= cellsPerStep ||
      reader.place.offset - from >= bytesPerStep
    while (!isFull()) {
      const rows = await reader.read(rowsPerTurn)
      if (!rows) break
      for (const row of rows) {
        cells += row.cells.length
        if (this.#isGuarded) row.cells = row.cells.map(unguarded)
        const doubt = this.#doubt.reasonAgainst(row)
        if (doubt !== undefined) row.broken = doubt
        const planned: Planned = this.#plan.read(row)
        if ('draft' in planned) ready.push(readyRow(this.#purpose, row, planned.draft))
        else refused.push(planned)
      }
      // Answers of PostgreSQL to the step that is being written come first.
      await turn()
      this.#signal.throwIfAborted()
    }
    skipped += reader.blankLines - blank
    if (reader.place.offset === from && refused.length === 0 && skipped === 0) return undefined
    await this.#prepare(ready)
    const cursor = { ...reader.place, ...(this.#doubt.isOn && { isDoubtful: true }) }
    return { ready, refused, cursor, skipped }
  }

  async #openReader(): Promise<RowReader> {
    const { pool } = this.#app
    const file = await findFile(pool, this.#projectId, this.#fileId)
    if (!file) throw new TaskFailed('The file of the import is gone; it is kept for 7 days')
    this.#fileBytes = file.bytes
    const { start, linesBefore } = this.#format
    const from = this.#cursor ?? { offset: start, line: linesBefore + 1 }
    const bytes = (offset: number) => readFile(pool, this.#projectId, this.#fileId, offset)
    return readRows(bytes, this.#format, this.#names, from)
  }

  /**
   * The header is the first row that can be read.
   *
   * @returns how many lines are no rows
   */
  async #skipHeader(reader: RowReader, refused: Batch['refused']): Promise<number> {
    const { header, linesBefore } = this.#format
    let unread = 0
    while (header) {
      const rows = await reader.read(1)
      if (!rows) break
      const row = rows[0]
      if (row?.isUnread) {
        refused.push({ row, refusal: { column: null, reason: row.broken! } })
        unread += (row.linesBefore ?? 0) + 1
      } else if (row) break
      await turn()
    }
    return header ? reader.place.line - 1 - unread : linesBefore
  }

  /** Partitions can't be made inside the transaction that stores events. */
  async #prepare(ready: ReadyRow[]): Promise<void> {
    const { kind, at, options } = this.#purpose
    if (this.#dryRun) return
    const times = kind === 'events' ? ready.map(({ draft }) => Math.min(draft.time ?? at, at)) : []
    // Entering a segment is an event.
    if (options.segment !== undefined) times.push(this.#app.now().getTime())
    await ensurePartitions(this.#app.pool, times)
  }

  async #writeRows(client: PoolClient, rows: ReadyRow[]): Promise<Written> {
    if (rows.length === 0) return { created: 0, updated: 0, unchanged: 0, optedOut: 0, refusals: [] }
    this.#signal.throwIfAborted()
    const work = this.#dryRun ? tryRows : writeRows
    try {
      const { result, committed } = await withPeopleIn(
        this.#app,
        client,
        this.#projectId,
        { exclusive: false, whileStoring: () => this.#readAhead() },
        (session) => work(session, this.#purpose, rows),
      )
      if (!this.#dryRun) this.#committed.push(committed)
      return result
    } catch (error) {
      return this.#writeHalves(client, rows, error)
    }
  }

  /** What no check foresaw is found by halving, and costs its own row alone. */
  async #writeHalves(client: PoolClient, rows: ReadyRow[], error: unknown): Promise<Written> {
    if (isMissingPartition(error)) forgetPartitions(this.#app.pool)
    const fault = isMissingPartition(error) ? 'system' : faultOf(error)
    if (fault === 'system') throw error
    if (rows.length === 1) {
      if (fault === 'ours') this.#app.log.error({ err: error, projectId: this.#projectId }, 'a row failed')
      const refusal = { column: null, reason: `can't be stored: ${(error as Error).message}` }
      return { created: 0, updated: 0, unchanged: 0, optedOut: 0, refusals: [{ row: rows[0]!.row, refusal }] }
    }
    const middle = rows.length >> 1
    const first = await this.#writeRows(client, rows.slice(0, middle))
    const second = await this.#writeRows(client, rows.slice(middle))
    return {
      created: first.created + second.created,
      updated: first.updated + second.updated,
      unchanged: first.unchanged + second.unchanged,
      optedOut: first.optedOut + second.optedOut,
      refusals: [...first.refusals, ...second.refusals],
    }
  }

  /** By the bytes that the rows so far took. */
  #estimateTotal(rows: number, { cursor }: Batch): number {
    const { start } = this.#format
    const share = (cursor.offset - start) / Math.max(1, this.#fileBytes - start)
    return Math.max(rows, Math.round(rows / share))
  }
}

const unguarded = (cell: Row['cells'][number]) => (typeof cell === 'string' ? unguardFormula(cell) : cell)
