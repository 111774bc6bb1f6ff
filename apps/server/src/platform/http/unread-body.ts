import type { FastifyInstance, FastifyRequest } from 'fastify'

/** What a client that does not look for an answer may go on to send, and for how long. */
const maxBytes = 64 * 1024 * 1024
const maxMs = 15_000

/**
 * A body that is too large is refused by its announced length, and the connection ends with the reply. Most clients look for a
 * reply when they have sent everything: ended before, all that they get is a broken connection, which they take for a fault of
 * the network and send it again. So the rest is read, and thrown away, before the 413.
 */
export function readBeforeRefusing(server: FastifyInstance): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    if (reply.statusCode !== 413 || request.raw.complete) return done(null, payload)
    discard(request, () => done(null, payload))
  })
}

function discard({ raw }: FastifyRequest, done: () => void): void {
  let left = maxBytes
  const count = (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) finish()
  }
  const ends = ['end', 'close', 'error', 'aborted'] as const
  const timer = setTimeout(finish, maxMs)
  function finish() {
    clearTimeout(timer)
    raw.off('data', count)
    for (const end of ends) raw.off(end, finish)
    done()
  }
  raw.on('data', count)
  for (const end of ends) raw.on(end, finish)
  raw.resume()
}
