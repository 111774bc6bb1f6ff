import { closeInReverse } from '../platform/closing.ts'
import { type Config, readConfig, unknownVariables } from '../platform/config.ts'
import { type OpenedDatabase, openDatabase } from '../platform/db/open.ts'
import { freePort } from '../platform/http/free-port.ts'
import { endLeftovers, openRegister } from '../platform/processes/leftovers.ts'
import type { Role } from '../platform/processes/messages.ts'
import { StartFailed, Supervisor } from '../platform/processes/supervisor.ts'
import type { ProcessPlan } from '../platform/processes/watched-process.ts'
import { keepHeapSmall } from '../platform/small-heap.ts'
import { createLogger } from './logger.ts'

const sameSignalMs = 500
/** The program of the processes, beside this file's folder; from `src` and from `dist` alike. */
const program = new URL(`../supervised${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** Runs until SIGINT, SIGTERM or SIGHUP (the terminal was closed); a second one doesn't wait for work under way. */
export async function startCommand(): Promise<void> {
  const config = readConfig()
  keepHeapSmall()
  const log = createLogger(config.logLevel)
  for (const variable of unknownVariables())
    log.warn({ variable }, 'this environment variable is not a setting of Fairway')

  const closing = closeInReverse(log)
  let database: OpenedDatabase | undefined
  let supervisor: Supervisor | undefined
  let asked = 0
  const stop = (signal: NodeJS.Signals) => {
    // npm passes a Ctrl-C on that the terminal has sent us already: that is not a second one.
    if (asked && Date.now() - asked < sameSignalMs) return
    if (asked) {
      supervisor?.kill()
      // Asks our database to stop and waits for nothing.
      void database?.close()
      process.exit(130)
    }
    asked = Date.now()
    log.info({ signal }, 'stopping; once more to stop at once')
    if (supervisor) void end()
  }
  const end = async () => {
    await closing.run()
    log.info('stopped')
    process.exit(0)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault in the program; stopping')
    void closing.run().then(() => process.exit(1))
  })

  try {
    endLeftovers(config.dataDir, log)
    database = await openDatabase(config, log)
    closing.add('database', database.close)
    if (asked) return await end()
    const port = config.port === 0 ? await freePort(config.host) : config.port
    const watched = new Supervisor({
      plans: plansOf({ ...config, port }, database.url),
      register: openRegister(config.dataDir, log),
      log,
    })
    supervisor = watched
    closing.add('processes', () => watched.stop())
    await watched.started()
    if (asked) return
    log.info({ url: `http://${hostOf(config)}:${port}`, role: config.role }, 'Fairway is up')
    watched.welcome()
  } catch (error) {
    await closing.run()
    if (!(error instanceof StartFailed)) throw error
    // Its process has told why.
    process.exitCode = error.exitCode
    process.exit()
  }
}

const hostOf = ({ host }: Config) => (host.includes(':') ? `[${host}]` : host)

/** The role's processes. They read the same environment, but for what is decided here, once for all. */
function plansOf(config: Config, databaseUrl: string): ProcessPlan[] {
  const roles: Role[] = config.role === 'all' ? ['api', 'worker'] : [config.role]
  return roles.map((role) => ({
    role,
    program,
    // A worker alone on its machine listens too, for probes.
    args: role === 'api' || config.role === 'worker' ? ['--http'] : [],
    env: { ...process.env, FAIRWAY_ROLE: role, FAIRWAY_PORT: String(config.port), DATABASE_URL: databaseUrl },
  }))
}
