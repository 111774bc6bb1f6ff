import { createSignInLink } from '../../src/accounts/sign-in-link.ts'
import type { App } from '../../src/platform/app.ts'
import type { Role } from '../../src/platform/rights.ts'

/** A browser as far as signing in goes: keeps cookies, and says where its pages come from. */
export class ConsoleClient {
  readonly #url: string
  readonly #cookies = new Map<string, string>()

  constructor(url: string) {
    this.#url = url
  }

  async fetch(
    path: string,
    options: {
      method?: string
      /** Text goes as it is, anything else as JSON. */
      body?: unknown
      headers?: Record<string, string>
      signal?: AbortSignal
    } = {},
  ): Promise<Response> {
    const { method = 'GET', body, headers = {}, signal } = options
    const response = await fetch(new URL(path, this.#url), {
      method,
      redirect: 'manual',
      signal,
      headers: {
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(method === 'GET' ? {} : { origin: this.#url }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body:
        body === undefined || typeof body === 'string' ? (body as string | undefined) : JSON.stringify(body),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
      if (/max-age=0/i.test(cookie)) this.#cookies.delete(name!)
      else this.#cookies.set(name!, value!)
    }
    return response
  }
}

/** Signed in as the address, by a link as the CLI makes it; whoever is not there yet gets the role. */
export async function signIn(
  app: App,
  url: string,
  email?: string,
  create: Role = 'admin',
): Promise<ConsoleClient> {
  const client = new ConsoleClient(url)
  const link = await createSignInLink(app, { email, create, origin: url })
  const response = await client.fetch(link.url)
  if (response.status !== 303)
    throw new Error(`the link answered ${response.status}: ${await response.text()}`)
  return client
}
