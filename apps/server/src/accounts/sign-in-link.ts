import type { App } from '../platform/app.ts'
import { publicOrigin, signInLinkMinutes } from './auth.ts'
import { ensureUser, type WantedUser } from './members.ts'
import { withAuth } from './with-auth.ts'

export const signInLinkPath = '/api/v1/session/link'

export interface SignInLink {
  url: string
  email: string
  /** The account was made for it. */
  created: boolean
  expiresInMinutes: number
}

/**
 * A link that signs in once, within an hour; only the token's hash is stored. For the operator: print it at start and
 * from the CLI, never answer it to a request.
 *
 * `email`, `create`: whom to sign in, see {@link ensureUser}. `origin`: where the server is reached, when that isn't the
 * configured address (a free port was chosen).
 */
export async function createSignInLink(
  app: App,
  options: WantedUser & { origin?: string } = {},
): Promise<SignInLink> {
  const { email, created } = await ensureUser(app, options)
  let token: string | undefined
  await withAuth(app, ({ api }) =>
    api.signInMagicLink({
      body: { email, metadata: { receive: (received: string) => (token = received) } },
      headers: new Headers(),
    }),
  )
  const url = new URL(signInLinkPath, options.origin ?? publicOrigin(app))
  url.searchParams.set('token', token!)
  return { url: url.href, email, created, expiresInMinutes: signInLinkMinutes }
}
