import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Beside the sources and beside the build, at the same distance from both. */
const source = new URL('../../public/fairway.js', import.meta.url)

/** The browser snippet, at `/fairway.js`, and at `/m.js` for pages that only change the host of Vero's. */
export function snippetRoutes() {
  return async (server: FastifyInstance) => {
    const script = shorten(await readFile(source, 'utf8'))
    // Weak: the same script, compressed or not.
    const etag = `W/"${createHash('sha256').update(script).digest('base64url').slice(0, 22)}"`

    const serve = async (request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('etag', etag)
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.type('text/javascript; charset=utf-8').send(script)
    }
    for (const path of ['/fairway.js', '/m.js'])
      server.get(path, { config: { right: 'public', headers: 'snippet' }, schema: { hide: true } }, serve)
  }
}

/** Without comments and indentation; the snippet is written so that this is all it takes. */
export const shorten = (script: string): string =>
  script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('//'))
    .join('\n')
