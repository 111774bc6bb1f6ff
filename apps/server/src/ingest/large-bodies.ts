import type { FastifyInstance } from 'fastify'
import type { App } from '../platform/app.ts'
import { tooManyRequests } from '../platform/errors.ts'
import { memoizePerObject } from '../platform/memoize-per-object.ts'
import type { Body } from './body.ts'

/** Bodies up to here are as many as there are connections. */
export const smallBytes = 512_000
/** Of all larger ones that are being read or worked on, in this process. */
export const maxHeldBytes = 64 * 1024 * 1024

/** Bytes of them that are held now. */
export const heldOf = memoizePerObject((_app: App) => ({ bytes: 0 }))

/**
 * Large bodies share a bounded amount of memory: a few clients that send megabytes must not cost the others their server. What
 * has no room is refused with a 429 as it arrives, or once it is decompressed; bodies of ordinary size always have room. Counted
 * is what came, so that nobody takes room away by announcing.
 */
export function boundLargeBodies(scope: FastifyInstance, app: App): void {
  const held = heldOf(app)
  scope.addHook('preParsing', (request, reply, payload, done) => {
    const announced = request.headers['content-length']
    if (announced !== undefined && Number(announced) <= smallBytes) return done(null, payload)
    let received = 0
    const count = (chunk: Buffer) => {
      received += chunk.length
      held.bytes += chunk.length
      if (received <= smallBytes || held.bytes <= maxHeldBytes) return
      payload.off('data', count)
      // Nobody listens any more where the body was refused already.
      if (payload.listenerCount('error') > 0) payload.emit('error', noRoom())
    }
    payload.on('data', count)
    reply.raw.once('close', () => {
      held.bytes -= received
    })
    done(null, payload)
  })
  // What it became by decompression.
  scope.addHook('preValidation', (request, reply, done) => {
    const bytes = (request.body as Body | undefined)?.bytes ?? 0
    if (bytes <= smallBytes) return done()
    const { 'content-length': announced, 'content-encoding': encoding } = request.headers
    if (announced === undefined ? encoding === undefined : bytes <= Number(announced)) return done()
    held.bytes += bytes
    reply.raw.once('close', () => {
      held.bytes -= bytes
    })
    done(held.bytes > maxHeldBytes ? noRoom() : undefined)
  })
}

const noRoom = () => tooManyRequests('Too many large requests at once: try again later', 1)
