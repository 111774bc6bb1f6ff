import type { FastifyInstance } from 'fastify'
import { accountRoutes } from '../accounts/account-routes.ts'
import { projectScope } from '../accounts/project-auth.ts'
import { projectRoutes } from '../accounts/project-routes.ts'
import { catalogueRoutes } from '../audience/catalogue/routes.ts'
import { eventRoutes } from '../audience/events/routes.ts'
import { personDataRoutes } from '../audience/people/data-routes.ts'
import { peopleRoutes } from '../audience/people/routes.ts'
import { suppressionRoutes } from '../audience/people/suppression-routes.ts'
import { segmentRoutes } from '../audience/segments/routes.ts'
import { campaignRoutes } from '../automation/campaigns/routes.ts'
import { transactionalRoutes } from '../automation/transactional/routes.ts'
import { audienceRoutes } from '../exchange/bulk/routes.ts'
import { exportRoutes } from '../exchange/exports/routes.ts'
import { importRoutes } from '../exchange/imports/routes.ts'
import { sourceRoutes } from '../exchange/sources/routes.ts'
import { storeSegmentEvents } from '../ingest/process-events.ts'
import { ingestRoutes } from '../ingest/routes.ts'
import { mailboxRoutes } from '../messaging/channels/email/mailbox-routes.ts'
import { channelRoutes } from '../messaging/channels/routes.ts'
import { messageRoutes } from '../messaging/messages/routes.ts'
import { sendingRoutes } from '../messaging/sending/routes.ts'
import { templateRoutes } from '../messaging/templates/routes.ts'
import { trackingRoutes } from '../messaging/tracking/routes.ts'
import { overviewRoutes } from '../operations/overview/routes.ts'
import { projectQueueRoutes, queueRoutes } from '../operations/queue/routes.ts'
import { origins } from '../origins.ts'
import type { App } from '../platform/app.ts'
import { taskRoutes } from '../platform/tasks/routes.ts'
import { segmentUsers } from '../segment-users.ts'
import { rightToControl, taskKinds } from '../task-kinds.ts'
import { findTemplateUsers } from '../template-users.ts'

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
      segmentRoutes(app, storeSegmentEvents, segmentUsers),
      catalogueRoutes,
      campaignRoutes(app),
      templateRoutes(app, findTemplateUsers),
      messageRoutes(app, origins),
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
