import type { FastifyInstance } from 'fastify'
import type { App } from '../platform/app.ts'
import { customerIoApi } from './customer-io-api.ts'
import { segmentApi } from './segment-api.ts'
import { snippetRoutes } from './snippet.ts'
import { trackApi } from './track-api.ts'

/** Everything that takes in data, each API in a scope of its own: they differ in how they read bodies and tell errors. */
export function ingestRoutes(app: App) {
  return async (server: FastifyInstance) => {
    await server.register(trackApi(app))
    await server.register(segmentApi(app))
    await server.register(customerIoApi(app))
    await server.register(snippetRoutes())
  }
}
