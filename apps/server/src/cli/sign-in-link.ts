import { createSignInLink } from '../accounts/sign-in-link.ts'
import { withApp } from './with-app.ts'

export async function signInLinkCommand({ email, json }: { email?: string; json?: boolean }): Promise<void> {
  const link = await withApp((app) => createSignInLink(app, { email }))
  if (json) return console.log(JSON.stringify(link))
  console.log(link.url)
  console.error(`Signs in ${link.email}, once, within ${link.expiresInMinutes} minutes.`)
}
