/**
 * The program of a process under a supervisor: does what its role says, beats, and ends when it is asked to, or when its
 * supervisor is gone. Arguments: `--http` where it also listens.
 */
import { createSignInLink } from './accounts/sign-in-link.ts'
import { readableError } from './cli/errors.ts'
import { createLogger } from './cli/logger.ts'
import { createFirstProject } from './first-project.ts'
import type { App } from './platform/app.ts'
import { readConfig } from './platform/config.ts'
import { AcceptPressure } from './platform/processes/accept-pressure.ts'
import { CallSums } from './platform/processes/call-sums.ts'
import { beatMs, type FromProcess, type ToProcess } from './platform/processes/messages.ts'
import { watchVitals } from './platform/processes/vitals.ts'
import { keepHeapSmall } from './platform/small-heap.ts'
import { startServer } from './server.ts'
import { welcomeText } from './welcome.ts'

keepHeapSmall()
const config = readConfig()
const log = createLogger(config.logLevel)
const vitals = watchVitals()
const pressure = config.role === 'api' ? new AcceptPressure() : undefined
const calls = config.role === 'worker' ? new CallSums() : undefined

let stopping = false
let closing: Promise<void> | undefined

// Nobody asks for its work any more, and the port is wanted by the next one.
process.on('disconnect', () => process.exit(1))
// The terminal's Ctrl-C, and its end, reach every process; the supervisor passes them on.
process.on('SIGINT', () => {}).on('SIGHUP', () => {})
process.on('SIGTERM', () => void stop(0))
process.on('uncaughtException', (error) => {
  log.fatal({ err: error, role: config.role }, 'a fault in the program; this process ends')
  void stop(1)
})

const tell = (message: FromProcess) => {
  if (process.connected) process.send!(message, undefined, undefined, () => {})
}
setInterval(
  () => tell({ kind: 'beat', vitals: vitals.read(), pressure: pressure?.read(), calls: calls?.take() }),
  beatMs,
)

const starting = startServer(config, log, {
  http: process.argv.includes('--http'),
  observe: (call) => calls?.record(call),
})
starting.then(
  async (server) => {
    process.on('message', (message: ToProcess) => void hear(server.app, message))
    tell({ kind: 'ready' })
  },
  (error) => {
    const { message, exitCode } = readableError(error)
    console.error(message)
    process.exit(exitCode)
  },
)
process.on('message', (message: ToProcess) => {
  if (message.kind === 'stop') void stop(0)
})

async function hear(app: App, message: ToProcess): Promise<void> {
  switch (message.kind) {
    case 'welcome':
      return welcome(app)
    case 'standBack':
      app.processes.standBackShare = message.share
      return (await starting).worker?.standBack(message.share)
    case 'state':
      app.processes.states = message.processes
      app.processes.standBackShare = message.standBackShare
      for (const sum of message.calls) {
        app.jobCounts.record(sum)
        if (sum.tenant !== '') app.timesInQueue.record(sum)
      }
  }
}

/** For the person in front of the terminal; printed to stdout, never logged. */
async function welcome(app: App): Promise<void> {
  try {
    console.log(welcomeText(app.config, await createFirstProject(app), await createSignInLink(app)))
  } catch (error) {
    log.error({ err: error }, 'no sign-in link could be made; `npx fairway sign-in-link` prints one')
  }
}

/** Ends once what is under way has ended; a start under way ends first. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  closing ??= starting.then((server) => server.close()).catch(() => {})
  await closing
  process.exit(exitCode)
}
