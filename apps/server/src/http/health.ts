import type { FastifyInstance, FastifyReply } from 'fastify'
import type { App } from '../app.ts'
import { toApiError } from '../to-api-error.ts'
import type { Canary } from './canary.ts'

/** For load balancers and monitors; none of them needs a key, none tells anything about projects. */
export function healthRoutes(app: App, canary: Canary) {
  return async (server: FastifyInstance) => {
    /** The process answers. Vero's clients call it too. */
    server.get(
      '/heartbeat',
      { config: { right: 'public' }, schema: { summary: 'The process answers', tags: ['health'] } },
      async () => ({
        status: 'ok',
      }),
    )

    server.get(
      '/healthz',
      {
        config: { right: 'public' },
        schema: { summary: 'A job goes through the queue: enqueue, claim, acknowledge', tags: ['health'] },
      },
      (_request, reply) =>
        answer(reply, async () => ({ status: 'ok', queueMs: Math.round((await canary.sing()) * 10) / 10 })),
    )

    server.get(
      '/readyz',
      { config: { right: 'public' }, schema: { summary: 'Ready to take requests', tags: ['health'] } },
      (_request, reply) =>
        answer(reply, async () => {
          await app.pool.query('select 1')
          await app.queue.ping()
          return { status: 'ok' }
        }),
    )
  }
}

async function answer(reply: FastifyReply, check: () => Promise<object>) {
  void reply.header('cache-control', 'no-store')
  try {
    return await check()
  } catch (error) {
    const known = toApiError(error)
    const reason = known.status === 500 ? (error as Error).message : known.message
    return reply.code(503).header('retry-after', 1).send({ status: 'failing', reason })
  }
}
