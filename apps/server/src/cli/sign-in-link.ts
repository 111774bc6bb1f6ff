import { UnknownAddress } from '../accounts/members.ts'
import { createSignInLink } from '../accounts/sign-in-link.ts'
import type { App } from '../platform/app.ts'
import type { Role } from '../platform/rights.ts'
import { readServedPort } from '../platform/served-port.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

export interface SignInLinkOptions {
  email?: string
  create?: boolean
  role?: Role
  json?: boolean
}

export async function signInLinkCommand({ email, create, role, json }: SignInLinkOptions): Promise<void> {
  if (create && email === undefined) throw new WrongArguments('Say for whom: --email ADDRESS.')
  if (role !== undefined && !create)
    throw new WrongArguments('--role is of a new account: it goes with --create.')
  const newRole = create ? (role ?? 'member') : undefined
  const link = await withApp((app) =>
    createSignInLink(app, { email, create: newRole, origin: servedOrigin(app) }),
  ).catch(explain)
  if (json) return console.log(JSON.stringify(link))
  console.log(link.url)
  if (link.created && create) console.error(`Made an account for ${link.email}, role ${newRole}.`)
  else if (create) console.error(`${link.email} has an account already; its role stays.`)
  console.error(`Signs in ${link.email}, once, within ${link.expiresInMinutes} minutes.`)
}

/** Where the running server answers, which may have been given another port than this command. */
function servedOrigin({ config }: App): string | undefined {
  const port = config.publicUrl === undefined ? readServedPort(config.dataDir) : undefined
  return port === undefined ? undefined : `http://localhost:${port}`
}

function explain(error: unknown): never {
  if (!(error instanceof UnknownAddress)) throw error
  throw new WrongArguments(
    `Nobody has the address ${error.address}. To make an account for it, add --create (a member), ` +
      'or --create --role admin or owner.',
  )
}
