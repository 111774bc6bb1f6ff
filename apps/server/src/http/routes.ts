import type { FastifyInstance } from 'fastify'
import { accountRoutes } from '../accounts/account-routes.ts'
import { projectScope } from '../accounts/project-auth.ts'
import { projectRoutes } from '../accounts/project-routes.ts'
import type { App } from '../app.ts'
import { audienceRoutes } from '../audience/routes.ts'
import { behavioralRoutes } from '../behavioral/routes.ts'
import { catalogueRoutes } from '../catalogue/routes.ts'
import { mailboxRoutes } from '../channels/mailbox-routes.ts'
import { channelRoutes } from '../channels/routes.ts'
import { eventRoutes } from '../events/routes.ts'
import { exportRoutes } from '../exports/routes.ts'
import { importRoutes } from '../imports/routes.ts'
import { storeSegmentEvents } from '../ingest/process-events.ts'
import { ingestRoutes } from '../ingest/routes.ts'
import { messageRoutes } from '../messages/routes.ts'
import { overviewRoutes } from '../overview/routes.ts'
import { personDataRoutes } from '../people/data-routes.ts'
import { peopleRoutes } from '../people/routes.ts'
import { suppressionRoutes } from '../people/suppression-routes.ts'
import { projectQueueRoutes, queueRoutes } from '../queue/routes.ts'
import { segmentRoutes } from '../segments/routes.ts'
import { sendingRoutes } from '../sending/routes.ts'
import { sourceRoutes } from '../sources/routes.ts'
import { rightToControl, taskKinds } from '../task-kinds.ts'
import { taskRoutes } from '../tasks/routes.ts'
import { templateRoutes } from '../templates/routes.ts'
import { trackingRoutes } from '../tracking/routes.ts'
import { transactionalRoutes } from '../transactional/routes.ts'

/** Every part of the HTTP surface, in one list. Each is a plugin: its hooks, parsers and errors stay its own. */
export async function registerRoutes(server: FastifyInstance, app: App): Promise<void> {
  await server.register(ingestRoutes(app))
  await server.register(accountRoutes(app))
  await server.register(queueRoutes(app))
  await server.register(transactionalRoutes(app))
  await server.register(trackingRoutes(app))
  await server.register(
    projectScope([
      projectRoutes(app),
      overviewRoutes(app),
      peopleRoutes(app),
      personDataRoutes(app),
      suppressionRoutes(app),
      audienceRoutes(app),
      eventRoutes,
      segmentRoutes(app, storeSegmentEvents),
      catalogueRoutes,
      behavioralRoutes(app),
      templateRoutes(app),
      messageRoutes(app),
      mailboxRoutes(app),
      channelRoutes(app),
      projectQueueRoutes(app),
      sendingRoutes(app),
      exportRoutes(app, taskKinds),
      sourceRoutes(app),
      taskRoutes(app, taskKinds, rightToControl),
      importRoutes(app, taskKinds, rightToControl),
    ]),
  )
}
