import type { App } from '../app.ts'
import { publicOrigin, signInLinkMinutes } from './auth.ts'
import { ensureUser } from './members.ts'
import { withAuth } from './with-auth.ts'

export const signInLinkPath = '/api/v1/session/link'

export interface SignInLink {
  url: string
  email: string
  expiresInMinutes: number
}

/**
 * A link that signs in once, within an hour; only the token's hash is stored. For the operator: print it at start and
 * from the CLI, never answer it to a request.
 *
 * `email`: whom to sign in; default the first owner, who is created when there is none. An unknown address becomes a
 * member (see {@link ensureUser}). `origin`: where the server is reached, when that isn't the configured address (a
 * free port was chosen).
 */
export async function createSignInLink(
  app: App,
  options: { email?: string; origin?: string } = {},
): Promise<SignInLink> {
  const email = await ensureUser(app, options.email)
  let token: string | undefined
  await withAuth(app, ({ api }) =>
    api.signInMagicLink({
      body: { email, metadata: { receive: (received: string) => (token = received) } },
      headers: new Headers(),
    }),
  )
  const url = new URL(signInLinkPath, options.origin ?? publicOrigin(app))
  url.searchParams.set('token', token!)
  return { url: url.href, email, expiresInMinutes: signInLinkMinutes }
}
