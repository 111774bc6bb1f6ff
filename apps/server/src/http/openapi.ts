import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { openPlugin } from '../accounts/route-rights.ts'
import { LargeTurns } from '../ingest/large-turns.ts'
import { declareHeaders } from '../platform/http/response-headers.ts'

/** `/openapi.json` describes every route registered after this; `/docs` shows it. */
export async function describeApi(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Fairway',
        version: '0.1.0',
        description:
          "Customer messaging on your own server. Fairway's own REST API is under /api/v1/projects/{project}; " +
          "the rest speaks the shapes of other platforms' clients. Errors are RFC 9457 problem documents.",
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          secretKey: { type: 'http', scheme: 'bearer', description: 'A secret key of the project' },
        },
      },
    },
  })
  // Written once: making the text of it takes 3 ms, and anybody may ask for it as often as they like.
  let text: Buffer | undefined
  // It is large: written to hundreds of connections in one turn of the loop it held all others for 1.8 s.
  const turns = new LargeTurns()
  server.get(
    '/openapi.json',
    { config: { right: 'public' }, schema: { hide: true } },
    async (_request, reply) => {
      await turns.next()
      text ??= Buffer.from(JSON.stringify(server.swagger()))
      return reply.type('application/json; charset=utf-8').send(text)
    },
  )
  await server.register(
    openPlugin('public', (scope) => {
      declareHeaders(scope, 'docs')
      // The pages ask for a copy of their own, which would be written anew each time.
      scope.addHook('onRequest', (request, reply, done) => {
        if (request.routeOptions.url === '/docs/json') reply.redirect('/openapi.json')
        else done()
      })
      return scope.register(swaggerUi, { routePrefix: '/docs' })
    }),
  )
}
