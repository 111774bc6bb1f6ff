import { betterAuth } from 'better-auth'
import { magicLink, organization } from 'better-auth/plugins'
import type { App } from '../platform/app.ts'
import { memoizePerObject } from '../platform/memoize-per-object.ts'
import { ownsAnOrganization } from './members.ts'

/** Set by our HTTP layer from the real connection (or the trusted proxy), never taken from the client. */
export const addressHeader = 'x-fairway-client-address'
export const authPath = '/api/auth'
export const passwordMinLength = 12
export const signInLinkMinutes = 60
const sessionDays = 30

/**
 * Sign-in, sessions, organizations and members, by better-auth. Nobody can sign up by themselves: the first user comes
 * from {@link createSignInLink}, and there are no default passwords.
 */
function createAuth(app: App) {
  const origin = publicOrigin(app)
  return betterAuth({
    appName: 'Fairway',
    baseURL: origin,
    basePath: authPath,
    secret: app.secrets.derive('better-auth'),
    database: app.pool,
    user: { modelName: 'users' },
    session: { modelName: 'sessions', expiresIn: sessionDays * 86_400, updateAge: 86_400 },
    account: { modelName: 'user_accounts' },
    verification: { modelName: 'verifications' },
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: passwordMinLength },
    // Reachable only from our own code: links are made on the server's machine and opened through our own route.
    disabledPaths: ['/sign-in/magic-link', '/magic-link/verify', '/sign-up/email'],
    // The server may be reached as localhost, by address or by name; `auth-routes.ts` puts that host into the URL.
    trustedOrigins: (request) => (request ? [new URL(request.url).origin] : []),
    // attempts.ts limits sign-in, with bounded memory and the address that the proxy setting says.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    // What it did not expect comes to our own error handler: a database that is away is a 503, not a 500.
    onAPIError: { throw: true },
    advanced: {
      cookiePrefix: 'fairway',
      useSecureCookies: origin.startsWith('https:'),
      ipAddress: { ipAddressHeaders: [addressHeader] },
    },
    logger: {
      level: 'warn',
      log: (level, message) =>
        app.log[level === 'error' ? 'error' : 'warn']({ part: 'better-auth' }, message),
    },
    plugins: [
      magicLink({
        disableSignUp: true,
        expiresIn: signInLinkMinutes * 60,
        storeToken: 'hashed',
        sendMagicLink: ({ token, metadata }) => {
          if (isReceiver(metadata?.receive)) metadata.receive(token)
        },
      }),
      organization({
        allowUserToCreateOrganization: (user) => ownsAnOrganization(app, user.id),
        disableOrganizationDeletion: true,
        schema: {
          organization: { modelName: 'organizations' },
          member: { modelName: 'members' },
          invitation: { modelName: 'invitations' },
        },
      }),
    ],
  })
}

const isReceiver = (value: unknown): value is (token: string) => void => typeof value === 'function'

/** Where people reach this server, without a path. */
export const publicOrigin = (app: App): string =>
  new URL(app.config.publicUrl ?? `http://localhost:${app.config.port}`).origin

export type Auth = ReturnType<typeof createAuth>

/** For its options; calls go through `withAuth`. */
export const authOf: (app: App) => Auth = memoizePerObject(createAuth)
