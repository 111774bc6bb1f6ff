import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'

/** Every part of the HTTP surface, in one list. Each is a plugin: its hooks, parsers and errors stay its own. */
export async function registerRoutes(server: FastifyInstance, app: App): Promise<void> {
  void server
  void app
}
