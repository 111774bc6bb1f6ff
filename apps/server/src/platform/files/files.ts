import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import type { Pool, PoolClient } from 'pg'
import { withTransaction } from '../db/transaction.ts'
import { conflict, notFound } from '../errors.ts'

/**
 * Files that people upload and download, in PostgreSQL: any process reads them, a backup holds them, and a chunk commits
 * together with the rows that were made from it. Each chunk is deflated by itself, so that reading can begin at any byte.
 */
export interface StoredFile {
  id: number
  name: string
  /** Plain length. */
  bytes: number
  /** As it lies in the database. */
  storedBytes: number
}

/** Plain bytes of a chunk at most. */
export const chunkBytes = 1_048_576
/** Written in one transaction: 39,000 rows of a CSV, or about 0.1 s. */
const bytesPerTransaction = 4 * chunkBytes

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)
/** The first level packs a CSV four times, at 150 MB/s; the sixth five times, at 40. */
const level = 1

/** `expiresAt`: housekeeping deletes it then. */
export async function createFile(
  client: Pool | PoolClient,
  projectId: number,
  name: string,
  expiresAt: Date | null = null,
): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    'insert into files (project_id, name, expires_at) values ($1, $2, $3) returning id',
    [projectId, name, expiresAt],
  )
  return rows[0]!.id
}

export async function findFile(
  client: Pool | PoolClient,
  projectId: number,
  fileId: number,
): Promise<StoredFile | undefined> {
  const { rows } = await client.query<StoredFile>(
    'select id, name, bytes, stored_bytes as "storedBytes" from files where project_id = $1 and id = $2',
    [projectId, fileId],
  )
  return rows[0]
}

/**
 * Appends plain bytes at `offset`, which must be the file's length.
 *
 * @returns the new length
 * @throws {ApiError} 404 without the file, 409 with `expectedOffset` when its length is another
 */
export async function appendToFile(
  client: PoolClient,
  projectId: number,
  fileId: number,
  offset: number,
  content: Buffer,
): Promise<number> {
  const chunks: { start: number; bytes: number; packed: Buffer }[] = []
  for (let at = 0; at < content.length; at += chunkBytes) {
    const plain = content.subarray(at, at + chunkBytes)
    chunks.push({ start: offset + at, bytes: plain.length, packed: await deflate(plain, { level }) })
  }
  const length = offset + content.length
  const { rowCount } = await client.query(
    `update files set bytes = $4, stored_bytes = stored_bytes + $5 where project_id = $1 and id = $2 and bytes = $3`,
    [projectId, fileId, offset, length, chunks.reduce((sum, { packed }) => sum + packed.length, 0)],
  )
  if (rowCount === 0) {
    const file = await findFile(client, projectId, fileId)
    if (!file) throw notFound('File')
    throw conflict(
      `The file is ${file.bytes} bytes long, so the next bytes belong there and not at ${offset}`,
      {
        expectedOffset: file.bytes,
      },
    )
  }
  await client.query(
    `insert into file_chunks (project_id, file_id, start, bytes, content)
     select $1, $2, start, bytes, content from unnest($3::bigint[], $4::integer[], $5::bytea[]) as c (start, bytes, content)`,
    [
      projectId,
      fileId,
      chunks.map(({ start }) => start),
      chunks.map(({ bytes }) => bytes),
      chunks.map(({ packed }) => packed),
    ],
  )
  return length
}

/**
 * Appends a stream, a few megabytes a transaction: what was committed stays when the stream breaks.
 *
 * @returns the new length
 */
export async function appendStream(
  pool: Pool,
  projectId: number,
  fileId: number,
  offset: number,
  source: AsyncIterable<Buffer>,
): Promise<number> {
  let length = offset
  // One block: pieces of a byte each would take a hundred times their length.
  const block = Buffer.allocUnsafe(bytesPerTransaction)
  let bytes = 0
  const flush = async () => {
    if (bytes === 0) return
    const content = block.subarray(0, bytes)
    length = await withTransaction(pool, (client) => appendToFile(client, projectId, fileId, length, content))
    bytes = 0
  }
  try {
    for await (const piece of source)
      for (let at = 0; at < piece.length; ) {
        const taken = piece.copy(block, bytes, at)
        at += taken
        bytes += taken
        if (bytes === block.length) await flush()
      }
  } finally {
    await flush()
  }
  return length
}

/** Plain bytes from `offset` on, a chunk at a time. */
export async function* readFile(
  client: Pool | PoolClient,
  projectId: number,
  fileId: number,
  offset = 0,
): AsyncGenerator<Buffer> {
  for (let at = offset; ; ) {
    const { rows } = await client.query<{ start: number; content: Buffer }>(
      `select start, content from file_chunks
       where project_id = $1 and file_id = $2 and start <= $3 and start + bytes > $3
       order by start desc limit 1`,
      [projectId, fileId, at],
    )
    const chunk = rows[0]
    if (!chunk) return
    const plain = await inflate(chunk.content)
    yield plain.subarray(at - chunk.start)
    at = chunk.start + plain.length
  }
}

export async function deleteFile(
  client: Pool | PoolClient,
  projectId: number,
  fileId: number,
): Promise<void> {
  await client.query('delete from file_chunks where project_id = $1 and file_id = $2', [projectId, fileId])
  await client.query('delete from files where project_id = $1 and id = $2', [projectId, fileId])
}
