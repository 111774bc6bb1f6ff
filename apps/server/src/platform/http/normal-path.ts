import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badRequest } from '../errors.ts'

/** Paths almost always have none of this: one look at them is all that they cost. */
const unusual = /[\\#%]|[^!-~]|\/\/|\/\.|^[^/]/

/** Behind it better-auth has routes of its own. */
const authPath = '/api/auth/'

/**
 * Refuses every path that could be read in two ways, before anything else looks at it. A proxy in front, the router and
 * a handler must not disagree about what is asked for. Only the values in a path may be percent-encoded (`id:a%2Fb`);
 * whatever is part of a route's own name must be written as it is.
 */
export function refuseUnusualPaths(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    const { url } = request.raw
    const end = url!.indexOf('?')
    const path = end === -1 ? url! : url!.slice(0, end)
    const problem = unusual.test(path) ? problemOf(path, request) : undefined
    done(problem === undefined ? undefined : badRequest(`The path ${problem}`, 'path'))
  })
}

function problemOf(path: string, request: FastifyRequest): string | undefined {
  if (!path.startsWith('/')) return 'must begin with a slash: the host goes into the Host header'
  if (path.includes('\\')) return 'must not contain backslashes: write %5C where one belongs to a value'
  if (path.includes('#')) return 'must not contain #: write %23 where it belongs to a value'
  if (/[^!-~]/.test(path)) return 'must percent-encode everything but printable ASCII'
  if (path.includes('//')) return 'must not contain empty segments (//)'
  const segments = path.split('/')
  if (segments.some(isDots)) return 'must not contain . or .. as segments, encoded or not'
  // Its router takes what it is given apart by itself, and has no values in its paths.
  if (path.startsWith(authPath) && path.includes('%')) return 'must not percent-encode what is no value'
  const names = request.routeOptions.url?.split('/') ?? []
  // A value stands for `:name` and for everything from `*` on.
  const end = names.indexOf('*')
  const isMisspelt = names
    .slice(0, end === -1 ? undefined : end)
    .some((name, i) => !name.includes(':') && name !== (segments[i] ?? ''))
  return isMisspelt ? 'must not percent-encode what is no value' : undefined
}

const isDots = (segment: string) => /^\.{1,2}$/.test(segment.replace(/%2e/gi, '.'))
