import { createSignInLink } from '../accounts/sign-in-link.ts'
import type { App } from '../app.ts'
import { readConfig, unknownVariables } from '../config.ts'
import { createFirstProject } from '../first-project.ts'
import { type RunningServer, startServer } from '../server.ts'
import { keepHeapSmall } from '../small-heap.ts'
import { createLogger } from './with-app.ts'

const sameSignalMs = 500

/** Runs until SIGINT or SIGTERM; a second one doesn't wait for work under way. */
export async function startCommand(): Promise<void> {
  const config = readConfig()
  keepHeapSmall()
  const log = createLogger(config.logLevel)
  for (const variable of unknownVariables())
    log.warn({ variable }, 'this environment variable is not a setting of Fairway')

  let server: RunningServer | undefined
  let asked = 0
  const stop = (signal: NodeJS.Signals) => {
    // npm passes a Ctrl-C on that the terminal has sent us already: that is not a second one.
    if (asked && Date.now() - asked < sameSignalMs) return
    if (asked) {
      server?.abandon()
      process.exit(130)
    }
    asked = Date.now()
    log.info({ signal }, 'stopping; once more to stop at once')
    void server?.close().then(() => process.exit(0))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault in the program; stopping')
    process.exitCode = 1
    const done = () => process.exit(1)
    void (server?.close() ?? Promise.resolve()).then(done, done)
  })

  server = await startServer(config, log)
  if (asked) return server.close().then(() => process.exit(0))
  if (config.role !== 'worker') console.log(await welcome(server.app))
}

/** For the person in front of the terminal; printed to stdout, never logged. */
async function welcome(app: App): Promise<string> {
  const first = await createFirstProject(app)
  const link = await createSignInLink(app)
  const address = app.config.publicUrl ?? `http://localhost:${app.config.port}`
  const lines = [
    '',
    '  Fairway is running.',
    '',
    `  Console        ${address}`,
    `  Sign in        ${link.url}`,
    `                 (works once, within ${link.expiresInMinutes} minutes; \`npx fairway sign-in-link\` prints another)`,
  ]
  if (first) {
    lines.push(
      `  Tracking key   ${first.trackingKey}`,
      `                 (of project "${first.name}"; keep it, it is not shown again)`,
      '',
      '  Send the first event:',
      '',
      `  curl ${address}/api/v2/events/track -H 'Content-Type: application/json' -d '${sampleEvent(first.trackingKey)}'`,
    )
  }
  return [...lines, '', '  Ctrl-C stops it.', ''].join('\n')
}

const sampleEvent = (trackingKey: string) =>
  JSON.stringify({
    auth_token: trackingKey,
    identity: { id: '1', email: 'ann@example.com' },
    event_name: 'Purchased item',
    data: { item: 'Red shoes', price: 49 },
  })
