import type { Pool, PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict, invalidField } from '../../platform/errors.ts'
import { findFile, readFile } from '../../platform/files/files.ts'
import { show } from './columns.ts'
import { compressionOf, detectFormat, isOldWorkbook, sampleBytes } from './detect.ts'
import { unicodeOf } from './encoding.ts'
import { startFetching } from './fetching.ts'
import type { Format, Given } from './format.ts'
import { guessColumns } from './guess.ts'
import { type ImportRow, lockImport, requireImport } from './imports.ts'
import { sourceOf } from './known-exports.ts'

const previewRows = 20
const maxCellLength = 500

/**
 * What becomes of a file that is here: plain UTF-8 is looked into at once, everything else is unpacked by a task first.
 *
 * @throws {ApiError} 422 for an empty file, or one that is no table
 */
export async function readReceived(app: App, client: PoolClient, row: ImportRow): Promise<void> {
  const sent = await lookAtBytes(client, row)
  if (isPlain(sent)) await becomeReady(client, row, row.raw_file_id!, sent)
  else await startFetching(app, client, row.project_id, row)
}

export type Sent = Pick<Format, 'encoding' | 'compression'>
type Seen = Pick<Format, 'compression'> & { encoding: Format['encoding'] | undefined }

export const isPlain = (seen: Seen): seen is Sent => seen.compression === 'none' && seen.encoding === 'utf-8'

/** The encoding of a packed file shows when it is unpacked, and one that takes a guess is guessed then. */
export async function lookAtBytes(client: Pool | PoolClient, row: ImportRow): Promise<Seen> {
  const beginning = await beginningOf(client, row.project_id, row.raw_file_id!)
  if (beginning.bytes.length === 0) throw invalidField('file', 'is empty')
  if (isOldWorkbook(beginning.bytes))
    throw invalidField('file', 'is a workbook of Excel; save its sheet as CSV, and import that')
  const compression = compressionOf(beginning.bytes)
  return {
    compression,
    encoding: row.given.encoding ?? (compression === 'none' ? unicodeOf(beginning.bytes) : undefined),
  }
}

/** Finds out format and columns from the beginning of a file of plain UTF-8. */
export async function becomeReady(
  client: Pool | PoolClient,
  row: ImportRow,
  fileId: number,
  sent: Sent,
): Promise<void> {
  const { bytes, whole } = await beginningOf(client, row.project_id, fileId)
  const { format, columns, rows, unread } = detectFormat(bytes, whole, sent, row.given)
  const preview = rows
    .slice(0, previewRows)
    .map((cells) => cells.map((cell) => show(cell).slice(0, maxCellLength)))
  const source = row.source ?? sourceOf(columns)
  const properties = await propertyTypes(client, row)
  const guess = guessColumns({ kind: row.kind, source, properties }, columns, rows)
  await client.query(
    `update imports set state = 'ready', file_id = $3, format = $4, columns = $5, preview = $6, source = $7, unread = $8,
       options = options || $9
     where project_id = $1 and id = $2`,
    [
      row.project_id,
      row.id,
      fileId,
      JSON.stringify(format),
      storable(guess.columns),
      storable(preview),
      source,
      JSON.stringify(unread),
      JSON.stringify(guess.dates ? { dates: guess.dates } : {}),
    ],
  )
}

/** Enough to meet those in use: other names are for properties that are not there yet. */
const maxProperties = 2_000

/** Properties of people or of events that the project has, the latest first, with the types of their values. */
async function propertyTypes(
  client: Pool | PoolClient,
  { project_id, kind }: ImportRow,
): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ name: string; types: string[] }>(
    `select name, array_agg(distinct type) as types from property_types where project_id = $1 and (event <> '') = $2
     group by name order by max(last_seen) desc, name limit ${maxProperties}`,
    [project_id, kind === 'events'],
  )
  return new Map(rows.map(({ name, types }) => [name, types]))
}

/** A preview may show what can't be imported. */
const storable = (value: unknown) => JSON.stringify(value).replaceAll('\\u0000', '\\ufffd')

async function beginningOf(client: Pool | PoolClient, projectId: number, fileId: number) {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of readFile(client, projectId, fileId)) {
    pieces.push(piece)
    length += piece.length
    if (length > sampleBytes) break
  }
  const bytes = Buffer.concat(pieces)
  return { bytes: bytes.subarray(0, sampleBytes), whole: bytes.length <= sampleBytes }
}

/**
 * Looks at a file again, with what its owner says about it.
 *
 * @throws {ApiError} 409 while it is uploaded or once it was started, 422 for what is no table then
 */
export async function readAgain(app: App, projectId: number, id: number, given: Given): Promise<ImportRow> {
  await withTransaction(app.pool, async (client) => {
    const row = await lockImport(client, projectId, id, ['ready', 'failed', 'cancelled'], 'read again')
    const file = row.raw_file_id === null ? undefined : await findFile(client, projectId, row.raw_file_id)
    if (!file) throw conflict('The import has no file (any more); make another import')
    row.given = { ...row.given, ...given }
    await client.query(
      `update imports set given = $3, files = '[]', mapping = null, message = null, finished_at = null where project_id = $1 and id = $2`,
      [projectId, id, JSON.stringify(row.given)],
    )
    await readReceived(app, client, row)
  })
  return requireImport(app, projectId, id)
}
