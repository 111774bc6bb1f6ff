import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { App } from '../platform/app.ts'
import { unauthorized } from '../platform/errors.ts'
import { librarySettings } from './vendor-answers.ts'
import { basicCredentials, bearerToken, projectOf } from './vendor-api.ts'

const refuse = () => unauthorized('The write key is unknown; use a tracking key of the project')

/**
 * What the browser and mobile libraries of Segment, Customer.io and RudderStack ask for before they send anything: where to
 * send it, and which other services get it, too. Here it is this server, and none.
 *
 * @returns the paths, for a browser's preflight
 */
export function browserSettings(scope: FastifyInstance, app: App): string[] {
  const config = { right: 'anyKey' } as const

  scope.get<{ Params: { key: string } }>(
    '/v1/projects/:key/settings',
    {
      config,
      schema: {
        summary: "Settings for Segment's browser library",
        tags: ['segment'],
        response: librarySettings,
      },
    },
    async (request) => {
      await projectOf(app, request, request.params.key, refuse)
      return segmentSettings(app, request, request.params.key)
    },
  )

  scope.get<{ Querystring: { writeKey?: string } }>(
    '/sourceConfig',
    {
      config,
      schema: {
        summary: "Settings for RudderStack's browser library",
        tags: ['segment'],
        response: librarySettings,
      },
    },
    async (request) => {
      const { authorization } = request.headers
      const key =
        basicCredentials(authorization)?.user || bearerToken(authorization) || request.query.writeKey
      const projectId = await projectOf(app, request, key, refuse)
      return rudderStackSettings(app, projectId, key as string)
    },
  )
  return ['/v1/projects/*', '/sourceConfig']
}

/** Both libraries look for the entry of their own name, and load nothing for one without a `type`. */
function segmentSettings(app: App, request: FastifyRequest, apiKey: string) {
  const { protocol, host } = addressOf(app, request)
  const target = { apiKey, apiHost: `${host}/v1`, protocol, addBundledMetadata: true }
  return {
    integrations: { 'Segment.io': target, 'Customer.io Data Pipelines': target },
    plan: { track: { __default: { enabled: true, integrations: {} } } },
    edgeFunction: {},
    analyticsNextEnabled: true,
    middlewareSettings: {},
    enabledMiddleware: {},
    metrics: { sampleRate: 0, host: `${host}/v1` },
    legacyVideoPluginsEnabled: false,
    remotePlugins: [],
  }
}

function rudderStackSettings(app: App, projectId: number, writeKey: string) {
  const id = String(projectId)
  const off = { enabled: false }
  return {
    source: {
      id,
      name: 'Fairway',
      writeKey,
      workspaceId: id,
      enabled: true,
      config: { statsCollection: { errors: off, metrics: off } },
      destinations: [],
      connections: [],
      dataplanes: {},
      // When it last changed: never while the server runs.
      updatedAt: new Date(0).toISOString(),
    },
    updatedAt: app.now().toISOString(),
    isHosted: false,
  }
}

/** As the browser reached it, unless the installation says how it is reached. */
function addressOf({ config }: App, request: FastifyRequest): { protocol: string; host: string } {
  if (config.publicUrl === undefined) return { protocol: request.protocol, host: request.host }
  const { protocol, host } = new URL(config.publicUrl)
  return { protocol: protocol.replace(':', ''), host }
}
