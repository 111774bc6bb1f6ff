import type { Readable } from 'node:stream'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { ApiError, badRequest, conflict, tooLarge } from '../../platform/errors.ts'
import { appendStream, findFile } from '../../platform/files/files.ts'
import { importLimits } from './format.ts'
import { type ImportRow, lockImport, requireImport } from './imports.ts'
import { readReceived } from './received.ts'

/**
 * Takes a part of an upload. What was received is stored every few megabytes, so that an upload that breaks off goes on
 * from there.
 *
 * @throws {ApiError} 409 with `expectedOffset` when the part belongs elsewhere, 413 beyond the limit
 */
export async function receivePart(
  app: App,
  projectId: number,
  id: number,
  { offset, last, body }: { offset: number; last: boolean; body: Readable },
): Promise<ImportRow> {
  const found = await requireImport(app, projectId, id)
  const file = found.raw_file_id === null ? undefined : await findFile(app.pool, projectId, found.raw_file_id)
  // The reply to the last part was lost, and it comes again.
  if (last && found.state !== 'uploading' && file?.bytes === offset && (await isEmpty(body))) return found
  if (found.state !== 'uploading' || found.url !== null || !file)
    throw conflict(
      `The import is ${found.state.replace('_', ' ')}; its file is complete. Make another import.`,
    )
  if (offset !== file.bytes)
    throw conflict(
      `The file is ${file.bytes} bytes long, so the next bytes belong there and not at ${offset}`,
      { expectedOffset: file.bytes },
    )
  try {
    await appendStream(app.pool, projectId, file.id, offset, bounded(body, offset))
  } catch (error) {
    if ((error as { code?: string }).code === 'ECONNRESET' || body.errored === error)
      throw badRequest('The upload broke off; ask for the import and go on at its offset')
    throw error
  }
  if (last) await end(app, projectId, id)
  return requireImport(app, projectId, id)
}

/** A file that is no table has come to its end as well: nothing more of it is waited for. */
async function end(app: App, projectId: number, id: number): Promise<void> {
  try {
    await withTransaction(app.pool, async (client) =>
      readReceived(app, client, await lockImport(client, projectId, id, ['uploading'], 'ended')),
    )
  } catch (error) {
    if (error instanceof ApiError && error.status === 422)
      await app.pool.query(
        `update imports set state = 'failed', message = $3, finished_at = $4
         where project_id = $1 and id = $2 and state = 'uploading'`,
        [projectId, id, `The file ${error.message}`, app.now()],
      )
    throw error
  }
}

async function* bounded(body: Readable, from: number): AsyncGenerator<Buffer> {
  let bytes = from
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > importLimits.fileBytes) throw fileTooLarge()
    yield piece
  }
}

export const fileTooLarge = () =>
  tooLarge(`The file is larger than ${importLimits.fileBytes} bytes (5 GB); split it`, 'file')

async function isEmpty(body: Readable): Promise<boolean> {
  for await (const piece of body) if ((piece as Buffer).length > 0) return false
  return true
}
