import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../../platform/app.ts'
import { readFile } from '../../platform/files/files.ts'
import { acceptsGzip } from '../../platform/http/accept-encoding.ts'
import { finishedFile } from './export.ts'

/** A file is read once in a while: the quickest level still makes it five times smaller. */
const gzipLevel = 1
const types = { csv: 'text/csv; charset=utf-8; header=present', ndjson: 'application/x-ndjson' }

/**
 * Streams an export's file: compressed where the client takes gzip; or a range of its plain bytes, by which a download
 * that broke goes on.
 */
export async function sendFile(
  app: App,
  request: FastifyRequest,
  reply: FastifyReply,
  exportId: number,
): Promise<FastifyReply> {
  const projectId = request.project.id
  const file = await finishedFile(app, projectId, exportId)
  const etag = `"${file.id}-${file.bytes}"`
  void reply
    .header('content-type', types[file.format])
    .header('content-disposition', `attachment; filename="${file.name}"`)
    .header('cache-control', 'no-store, no-transform')
    .header('vary', 'Accept-Encoding')
    .header('accept-ranges', 'bytes')
  const { range, 'if-range': ifRange } = request.headers
  const asked = range === undefined || (ifRange ?? etag) !== etag ? undefined : parseRange(range, file.bytes)
  if (asked === 'unsatisfiable')
    return reply.code(416).header('content-range', `bytes */${file.bytes}`).send()
  if (!asked && acceptsGzip(request.headers['accept-encoding'])) {
    void reply.header('content-encoding', 'gzip').header('etag', etag.replace(/"$/, '-gzip"'))
    const plain = Readable.from(readFile(app.pool, projectId, file.id), { objectMode: false })
    const gzip = createGzip({ level: gzipLevel })
    plain.on('error', (error) => gzip.destroy(error))
    gzip.on('close', () => plain.destroy())
    return reply.send(plain.pipe(gzip))
  }
  const { from, to } = asked ?? { from: 0, to: file.bytes }
  if (asked) void reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${file.bytes}`)
  void reply.header('etag', etag).header('content-length', to - from)
  return reply.send(
    Readable.from(cut(readFile(app.pool, projectId, file.id, from), to - from), { objectMode: false }),
  )
}

async function* cut(source: AsyncGenerator<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  if (left === 0) return
  for await (const piece of source) {
    yield piece.subarray(0, left)
    left -= piece.length
    if (left <= 0) return
  }
}

/** One range; undefined for several or another unit, which are answered with the whole file. `to` is exclusive. */
export function parseRange(
  header: string,
  length: number,
): { from: number; to: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim())
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [first, last] = [match[1]!, match[2]!]
  const from = first === '' ? Math.max(0, length - Number(last)) : Number(first)
  const to = first === '' || last === '' ? length : Math.min(length, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < from) return undefined
  return from >= length || from >= to ? 'unsatisfiable' : { from, to }
}
