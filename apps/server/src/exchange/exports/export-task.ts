import type { App } from '../../platform/app.ts'
import { appendToFile, deleteFile } from '../../platform/files/files.ts'
import { TaskFailed, type TaskKind, type TaskSession } from '../../platform/tasks/kind.ts'
import type { TaskRow } from '../../platform/tasks/task.ts'
import { csvHeader, joinNames } from './csv.ts'
import { type ExportInput, expiryFrom } from './export.ts'
import { type Layout, readPage, surveyPage } from './pages.ts'
import type { RowSource } from './row-source.ts'
import { rowSource } from './row-sources.ts'

/** Where an export is: first it surveys the rows, for their number and the columns of a CSV, then it writes them. */
interface Cursor {
  phase: 'survey' | 'write' | 'end'
  /** The row it came to. */
  after: string | null
  /** Rows found by the survey. */
  found: number
  names: string[]
  more: boolean
  /** Length of the file. */
  offset: number
}

const start: Cursor = { phase: 'survey', after: null, found: 0, names: [], more: false, offset: 0 }

interface Batch {
  content: Buffer
  rows: number
  total?: number
  cursor: Cursor
}

/** Of a step. Half a second of PostgreSQL, or what is well held in memory twice: one page is read while one is written. */
const stepMs = 400
const stepBytes = 4_194_304
const limits = { first: 2_000, least: 100, most: 200_000, growth: 4 }

/** Writes an export's file: the next lines and the place of the next row commit together. */
export const exportTask: TaskKind<Batch> = {
  async open(app, task) {
    const input = task.input as unknown as ExportInput
    return new ExportSession(app, task, input, await rowSource(app.pool, task.project_id, input))
  },
  async ended(app, client, { project_id, input }, state) {
    const { file } = input as unknown as ExportInput
    if (state === 'done')
      await client.query('update exports set expires_at = $3 where project_id = $1 and file_id = $2', [
        project_id,
        file,
        expiryFrom(app.now()),
      ])
    else await deleteFile(client, project_id, file)
  },
}

class ExportSession implements TaskSession<Batch> {
  private readonly app: App
  private readonly projectId: number
  private readonly input: ExportInput
  private readonly source: RowSource
  private limit = limits.first
  private cursor: Cursor
  /** Read already, while the page before is written. */
  private ahead: Promise<Batch | undefined> | undefined

  constructor(app: App, task: TaskRow, input: ExportInput, source: RowSource) {
    this.app = app
    this.projectId = task.project_id
    this.input = input
    this.source = source
    this.cursor = (task.cursor as Cursor | null) ?? start
  }

  async next(): Promise<Batch | undefined> {
    const batch = await (this.ahead ?? this.read(this.cursor))
    this.ahead = batch && this.read(batch.cursor)
    // Told when it is asked for.
    this.ahead?.catch(() => {})
    return batch
  }

  async write(client: Parameters<TaskSession['write']>[0], { content, rows, total, cursor }: Batch) {
    if (content.length > 0) {
      const offset = cursor.offset - content.length
      await appendToFile(client, this.projectId, this.input.file, offset, content).catch((error) => {
        if ((error as { status?: number }).status !== 404) throw error
        throw new TaskFailed('Its file was deleted while it was being written')
      })
    }
    return { cursor: { ...cursor }, done: rows, total }
  }

  async close(): Promise<void> {
    await this.ahead?.catch(() => {})
  }

  private async read(cursor: Cursor): Promise<Batch | undefined> {
    if (cursor.phase === 'end') return undefined
    const began = performance.now()
    const limit = this.limit
    const batch = cursor.phase === 'survey' ? await this.survey(cursor) : await this.lines(cursor)
    const pace = Math.min(
      stepMs / Math.max(1, performance.now() - began),
      stepBytes / Math.max(1, batch.content.length),
    )
    const factor = Math.min(limits.growth, Math.max(1 / limits.growth, pace))
    this.limit = Math.round(Math.min(limits.most, Math.max(limits.least, limit * factor)))
    // The survey's pages cost less than those to come.
    if (batch.cursor.phase !== cursor.phase) this.limit = limits.first
    return batch
  }

  private async survey(cursor: Cursor): Promise<Batch> {
    const withNames = this.input.format === 'csv'
    const page = await surveyPage(this.app.pool, this.source, {
      after: cursor.after,
      limit: this.limit,
      withNames,
    })
    const found = cursor.found + page.rows
    const next = { ...cursor, found, ...joinNames(cursor, page.names) }
    return page.examined < this.limit
      ? { content: empty, rows: 0, total: found, cursor: { ...next, phase: 'write', after: null } }
      : { content: empty, rows: 0, cursor: { ...next, after: page.last } }
  }

  private async lines(cursor: Cursor): Promise<Batch> {
    const page = await readPage(this.app.pool, this.source, this.layout(cursor), {
      after: cursor.after,
      limit: this.limit,
      maxBytes: stepBytes,
    })
    const header =
      cursor.offset === 0 && this.input.format === 'csv'
        ? csvHeader(this.source.columns, cursor, this.input.csv)
        : ''
    const content = Buffer.from(header + page.text)
    // A page that is short of rows because it is full of bytes is not the last one.
    const isLast = page.examined < this.limit && Buffer.byteLength(page.text) < stepBytes
    return {
      content,
      rows: page.rows,
      cursor: {
        ...cursor,
        phase: isLast ? 'end' : 'write',
        after: page.last ?? cursor.after,
        offset: cursor.offset + content.length,
      },
    }
  }

  private layout({ names, more }: Cursor): Layout {
    const { format, csv } = this.input
    return format === 'csv' ? { format, guardFormulas: csv.guardFormulas, names, more } : { format }
  }
}

const empty = Buffer.alloc(0)
