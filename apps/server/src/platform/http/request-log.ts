import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Success of this route is logged at debug only: it is called thousands of times a second. */
    highVolume?: boolean
  }
}

/** One line a request: what, how it ended, how long, for which project. No query string, body, key or address. */
export function logRequests(server: FastifyInstance, log: Logger): void {
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id)
    done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    done()
    const succeeded = reply.statusCode < 400
    const level = succeeded && request.routeOptions.config.highVolume ? 'debug' : 'info'
    if (!log.isLevelEnabled(level)) return
    log[level](
      {
        requestId: request.id,
        method: request.method,
        // The pattern, because paths hold people's ids.
        route: request.routeOptions.url ?? (succeeded ? 'console' : 'unknown'),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        projectId: (request as { projectId?: number }).projectId,
      },
      'request',
    )
  })
}
