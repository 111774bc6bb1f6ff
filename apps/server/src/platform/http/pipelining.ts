import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Browsers and usual clients wait for each answer. */
export const maxUnanswered = 64

/**
 * Closes a connection on which too many requests wait for their answers: a thousand in one packet would be begun in one go,
 * and the event loop held meanwhile. Called before any other hook is added.
 */
export function boundPipelines(server: FastifyInstance): void {
  const unanswered = new WeakMap<Socket, number>()
  server.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw
    const waiting = (unanswered.get(socket) ?? 0) + 1
    unanswered.set(socket, waiting)
    if (waiting <= maxUnanswered) return done()
    // Answers must come in order, and those before this one may take long: there is no place for one.
    reply.hijack()
    socket.destroy()
  })
  server.addHook('onResponse', (request, _reply, done) => {
    const { socket } = request.raw
    unanswered.set(socket, Math.max(0, (unanswered.get(socket) ?? 0) - 1))
    done()
  })
}
