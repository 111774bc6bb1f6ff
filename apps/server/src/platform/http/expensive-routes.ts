import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { Seat } from '../capacity/expensive-reads.ts'
import { ApiError } from '../errors.ts'

export interface ExpensiveRoute {
  /** What to ask for instead, told to who asked for too much: a sentence. */
  narrow: string
  /** Only these requests; default: all. */
  when?: (request: FastifyRequest) => boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its handler runs when there is a seat for it, and reads by `request.seat`. */
    expensive?: ExpensiveRoute
  }
  interface FastifyRequest {
    /** Of expensive routes only. */
    seat: Seat
  }
}

/** The HEAD of a GET is registered with the handler that was put onto the GET. */
const seated = new WeakSet<object>()

/** Called before any route is registered: the handler of a route that says `config: { expensive }` waits for a seat. */
export function seatExpensiveRoutes(server: FastifyInstance, app: App): void {
  server.addHook('onRoute', (route) => {
    const { handler } = route
    const { narrow, when = () => true } = route.config?.expensive ?? {}
    if (narrow === undefined || seated.has(handler)) return
    route.handler = function (request: FastifyRequest, reply: FastifyReply) {
      if (!when(request)) return handler.call(this, request, reply)
      const read = { projectId: request.project.id, narrow, signal: clientGone(reply) }
      return app.expensiveReads.run(read, async (seat) => {
        request.seat = seat
        return handler.call(this, request, reply)
      })
    }
    seated.add(route.handler)
  })
}

/** Aborted when the client has closed its connection: a tab that was closed costs nothing more. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  const leave = () => gone.abort(new ApiError(499, 'client_closed', 'The client has closed the connection'))
  if (reply.raw.destroyed) leave()
  else reply.raw.once('close', leave)
  return gone.signal
}
