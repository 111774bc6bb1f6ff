import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { openPlugin } from '../accounts/route-rights.ts'
import { applyPolicy, declareHeaders } from '../platform/http/response-headers.ts'
import { compressed } from './compression.ts'
import { pathOf, sendNotFound } from './problems.ts'

/** In the package of the server, or beside it in a checkout; from `src` and from `dist` alike. */
const places = ['../../console/', '../../../dashboard/dist/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)
const built = places.find((place) => existsSync(place)) ?? places[0]!

const notBuilt = `<!doctype html><meta charset="utf-8"><title>Fairway</title>
<p>Fairway is running. Its console has not been built: run <code>npm run build</code> and restart.</p>`

/** Paths that are APIs: an unknown one is a 404 problem, never the console. */
const apis = /^\/(api|v1|docs|openapi\.json|metrics|heartbeat|healthz|readyz)(\/|$)/

/**
 * Serves the console's files, and its page for every other path that a browser opens: the console routes by itself.
 */
export async function serveConsole(server: FastifyInstance): Promise<void> {
  const page = existsSync(join(built, 'index.html'))
    ? readFileSync(join(built, 'index.html'), 'utf8')
    : notBuilt
  const sendPage = async (request: FastifyRequest, reply: FastifyReply) => {
    applyPolicy(reply, 'console').type('text/html; charset=utf-8')
    return reply.send(await compressed(request, reply, page))
  }

  if (page !== notBuilt) {
    await server.register(
      openPlugin('public', (scope) => {
        declareHeaders(scope, 'console')
        return scope.register(fastifyStatic, {
          root: built,
          index: false,
          wildcard: false,
          // File names in assets/ carry a hash of their content.
          setHeaders(reply, path) {
            if (path.startsWith(join(built, 'assets')))
              reply.header('cache-control', 'public, max-age=31536000, immutable')
          },
          cacheControl: false,
          // The build left each file compressed beside it.
          preCompressed: true,
          globIgnore: ['**/*.br', '**/*.gz'],
        })
      }),
    )
  }
  server.get('/', { config: { right: 'public', headers: 'console' }, schema: { hide: true } }, sendPage)
  server.setNotFoundHandler((request, reply) =>
    opensPage(request) ? sendPage(request, reply) : sendNotFound(request, reply),
  )
}

function opensPage(request: FastifyRequest): boolean {
  const readable = request.method === 'GET' || request.method === 'HEAD'
  return readable && !apis.test(pathOf(request)) && (request.headers.accept ?? '').includes('text/html')
}
