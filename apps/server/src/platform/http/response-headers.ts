import type { FastifyInstance, FastifyReply } from 'fastify'

/** Kinds of replies, by what a browser may do with them. */
export type HeaderPolicy = keyof typeof policies

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What is no data: a page, somebody's mail, a script. Default `data`, which no browser shows, frames or keeps. */
    headers?: HeaderPolicy
  }
}

/** Nothing may be loaded, sent or framed, but for what a policy allows. */
const closed = {
  'default-src': `'none'`,
  'frame-ancestors': `'none'`,
  'base-uri': `'none'`,
  'form-action': `'none'`,
}

const csp = (own: Record<string, string>) =>
  // A policy's own directives come first.
  Object.entries({ ...own, ...closed, ...own })
    .map(([name, value]) => `${name} ${value}`)
    .join('; ')

const data = {
  'content-security-policy': csp({}),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  // Addresses hold ids of people, and tokens.
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

const policies = {
  data,

  console: {
    ...data,
    'content-security-policy': csp({
      'default-src': `'self'`,
      'script-src': `'self'`,
      // Mantine sets its variables and component styles inline.
      'style-src': `'self' 'unsafe-inline'`,
      // Mail previews show the pictures of their senders, in a frame without scripts.
      'img-src': `'self' data: http: https:`,
      'font-src': `'self' data:`,
      'connect-src': `'self'`,
      'frame-src': `'self' blob: data:`,
      'form-action': `'self'`,
      'object-src': `'none'`,
    }),
    'referrer-policy': 'same-origin',
    'cache-control': 'no-cache',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  },

  /** Swagger UI. Without `upgrade-insecure-requests`, which would break it where there is no TLS. */
  docs: {
    ...data,
    'content-security-policy': csp({
      'default-src': `'self'`,
      'style-src': `'self' 'unsafe-inline'`,
      'img-src': `'self' data:`,
      'object-src': `'none'`,
    }),
    'referrer-policy': 'same-origin',
    'cache-control': 'no-cache',
  },

  /** Our pages behind the links in mails: a form and its style. */
  page: {
    ...data,
    'content-security-policy': csp({ 'style-src': `'unsafe-inline'`, 'form-action': `'self'` }),
  },

  /**
   * A mail's HTML is somebody else's: no scripts, no forms, an origin of its own. Pictures and styles are what makes it
   * look as in a mail client. The console shows it in a frame.
   */
  mail: {
    ...data,
    'content-security-policy': csp({
      sandbox: 'allow-popups allow-popups-to-escape-sandbox',
      'img-src': 'http: https: data:',
      'style-src': `'unsafe-inline' http: https:`,
      'font-src': 'http: https: data:',
      'frame-ancestors': `'self'`,
    }),
    'x-frame-options': 'SAMEORIGIN',
  },

  /** For the pages of others, to be kept for an hour. */
  snippet: {
    ...data,
    'cache-control': 'public, max-age=3600, stale-while-revalidate=86400',
    'cross-origin-resource-policy': 'cross-origin',
  },
} as const satisfies Record<string, Record<string, string>>

/**
 * Puts the headers of its policy on every reply, before anything else happens: errors, unknown paths, files, redirects and
 * streams have them as well. Called before any other hook is added.
 */
export function setResponseHeaders(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    applyPolicy(reply, request.routeOptions.config?.headers ?? 'data')
    done()
  })
}

/** For what has no route of its own. */
export const applyPolicy = (reply: FastifyReply, policy: HeaderPolicy) => reply.headers(policies[policy])

/** For replies that are written without fastify. */
export const headerLines = (policy: HeaderPolicy): string =>
  Object.entries(policies[policy])
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')

/** For the routes of a library's plugin, which declare nothing. */
export function declareHeaders(scope: FastifyInstance, policy: HeaderPolicy): void {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, headers: policy }
  })
}
