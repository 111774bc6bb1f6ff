import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { ApiError } from '../../platform/errors.ts'
import { appendStream, deleteFile, findFile, readFile } from '../../platform/files/files.ts'
import { type Step, TaskFailed, type TaskSession } from '../../platform/tasks/kind.ts'
import type { TaskRow } from '../../platform/tasks/task.ts'
import { watchTask } from '../../platform/tasks/watch.ts'
import { download } from './download.ts'
import { createImportFile } from './fetching.ts'
import { type ImportRow, loadImport } from './imports.ts'
import { becomeReady, isPlain, lookAtBytes, type Sent } from './received.ts'
import { SeveralFiles, unpack } from './unpack.ts'

interface Fetched {
  fileId: number
  sent: Sent
}

/**
 * Downloads a file, where the import has an address, and unpacks it. A connection and an inflater can't be taken up in the
 * middle: this is one long step, begun from the start when it is interrupted.
 */
export class FetchSession implements TaskSession<Fetched> {
  readonly #app: App
  readonly #task: TaskRow
  readonly #row: ImportRow
  readonly #watch: ReturnType<typeof watchTask>

  constructor(app: App, task: TaskRow, row: ImportRow, signal: AbortSignal) {
    this.#app = app
    this.#task = task
    this.#row = row
    this.#watch = watchTask(app, task, signal)
  }

  async next(): Promise<Fetched | undefined> {
    if (this.#task.cursor !== null) return undefined
    try {
      // A file that is looked at again is here.
      if (this.#row.url !== null && this.#row.format === null)
        await this.#download(this.#app.secrets.decrypt(this.#row.url))
      const sent = await lookAtBytes(this.#app.pool, this.#row)
      return isPlain(sent) ? { fileId: this.#row.raw_file_id!, sent } : await this.#unpack(sent)
    } catch (error) {
      this.#watch.signal.throwIfAborted()
      throw error instanceof ApiError && error.status < 500 ? asFailure(error) : error
    }
  }

  async write(client: PoolClient, { fileId, sent }: Fetched): Promise<Step> {
    try {
      await becomeReady(client, this.#row, fileId, sent)
    } catch (error) {
      throw error instanceof ApiError ? asFailure(error) : error
    }
    const file = await findFile(client, this.#row.project_id, fileId)
    this.#task.cursor = true
    return { cursor: true, done: file!.bytes, total: file!.bytes }
  }

  async #download(url: string): Promise<void> {
    const fileId = await this.#replaceFile('raw_file_id')
    const { config } = this.#app
    const body = download(url, { allowPrivate: config.allowPrivateNetworks, signal: this.#watch.signal })
    await this.#store(fileId, body)
  }

  async #unpack({ compression }: Pick<Sent, 'compression'>): Promise<Fetched> {
    const { project_id, raw_file_id, given } = this.#row
    const fileId = await this.#replaceFile('file_id')
    const raw = await findFile(this.#app.pool, project_id, raw_file_id!)
    const read = (offset: number) => this.#watched(readFile(this.#app.pool, project_id, raw_file_id!, offset))
    const { encoding, pieces } = await unpack(read, raw!.bytes, compression, given).catch((error) =>
      this.#noteFiles(error),
    )
    const length = await this.#store(fileId, pieces)
    if (length === 0) throw new TaskFailed('The file is empty')
    return { fileId, sent: { compression, encoding } }
  }

  /** So that one of them can be chosen. */
  async #noteFiles(error: unknown): Promise<never> {
    if (error instanceof SeveralFiles)
      await this.#app.pool.query('update imports set files = $3 where project_id = $1 and id = $2', [
        this.#row.project_id,
        this.#row.id,
        JSON.stringify(error.files),
      ])
    throw error
  }

  #store(fileId: number, pieces: AsyncIterable<Buffer>): Promise<number> {
    return appendStream(this.#app.pool, this.#row.project_id, fileId, 0, this.#watched(pieces))
  }

  /** A new file in the place of what an interrupted run left. */
  #replaceFile(column: 'raw_file_id' | 'file_id'): Promise<number> {
    const { project_id, id, name } = this.#row
    return withTransaction(this.#app.pool, async (client) => {
      const before = await loadImport(client, project_id, id)
      const fileId = await createImportFile(this.#app, client, project_id, name)
      const left = before?.[column]
      // A file that came as plain UTF-8 is both.
      if (left && (column === 'raw_file_id' || left !== before.raw_file_id))
        await deleteFile(client, project_id, left)
      await client.query(`update imports set ${column} = $3 where project_id = $1 and id = $2`, [
        project_id,
        id,
        fileId,
      ])
      this.#row[column] = fileId
      return fileId
    })
  }

  async close(): Promise<void> {
    this.#watch.end()
  }

  async *#watched(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      this.#watch.signal.throwIfAborted()
      yield piece
    }
  }
}

const asFailure = (error: ApiError) =>
  new TaskFailed(error.field === 'file' ? `The file ${error.message}` : error.message)
