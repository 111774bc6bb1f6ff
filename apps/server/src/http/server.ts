import { randomBytes } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { guardRoutes } from '../accounts/route-rights.ts'
import type { App } from '../platform/app.ts'
import { sendAsGiven } from '../platform/http/answers.ts'
import { answerClientError } from '../platform/http/client-error.ts'
import { seatExpensiveRoutes } from '../platform/http/expensive-routes.ts'
import { refuseUnusualPaths } from '../platform/http/normal-path.ts'
import { boundPipelines } from '../platform/http/pipelining.ts'
import { logRequests } from '../platform/http/request-log.ts'
import { setResponseHeaders } from '../platform/http/response-headers.ts'
import { trustProxy } from '../platform/http/trust-proxy.ts'
import { readBeforeRefusing } from '../platform/http/unread-body.ts'
import { compileSchema } from '../platform/http/validation.ts'
import { createCanary } from './canary.ts'
import { compressReplies } from './compression.ts'
import { serveConsole } from './console.ts'
import { dialectUrl } from './dialect-paths.ts'
import { presentUrl } from './former-paths.ts'
import { healthRoutes } from './health.ts'
import { readJsonBodies } from './json-body.ts'
import { serveMetrics } from './metrics.ts'
import { describeApi } from './openapi.ts'
import { renderProblems, sendUnroutable } from './problems.ts'
import { registerRoutes } from './routes.ts'

/** For REST bodies; ingestion and attachments have limits of their own. */
const maxBodyBytes = 2 * 1024 * 1024
/** Longer than the usual 60 s of a load balancer in front, so that never we close first. */
const keepAliveMs = 65_000
const slowestRequestMs = 60_000

/** The whole HTTP surface, ready to listen. Closing it ends idle connections and waits for requests under way. */
export async function buildHttpServer(app: App): Promise<FastifyInstance> {
  const server = Fastify({
    loggerInstance: app.log,
    // request-log.ts writes the one line a request.
    logController: new LogController({ disableRequestLogging: true }),
    // Lines name their request by themselves; a logger for each would cost 1 % of an ingestion request.
    childLoggerFactory: (logger) => logger,
    genReqId: requestIds(),
    requestIdHeader: false,
    trustProxy: trustProxy(app.config.trustProxy),
    rewriteUrl: ({ url }) => presentUrl(dialectUrl(url!)),
    frameworkErrors: sendUnroutable,
    bodyLimit: maxBodyBytes,
    keepAliveTimeout: keepAliveMs,
    requestTimeout: slowestRequestMs,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    routerOptions: { maxParamLength: 1_024, ignoreTrailingSlash: true },
  })
    .withTypeProvider<TypeBoxTypeProvider>()

    .setValidatorCompiler(compileSchema)
    .setSerializerCompiler(sendAsGiven) as unknown as FastifyInstance

  boundPipelines(server)
  setResponseHeaders(server)
  logRequests(server, app.log)
  readBeforeRefusing(server)
  refuseUnusualPaths(server)
  guardRoutes(server, app)
  seatExpensiveRoutes(server, app)
  compressReplies(server)
  renderProblems(server)
  readJsonBodies(server)
  serveMetrics(server, app)
  await describeApi(server)

  const canary = createCanary(app.queue, String(app.config.port))
  server.addHook('onClose', () => canary.close())
  await server.register(healthRoutes(app, canary))
  await registerRoutes(server, app)
  await serveConsole(server)
  return server
}

/** Unique across processes and cheap to make: a random start per process and a counter. */
function requestIds(): () => string {
  const process = randomBytes(6).toString('hex')
  let count = 0
  return () => `${process}-${(++count).toString(36)}`
}
