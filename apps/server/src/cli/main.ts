import { Command, CommanderError } from 'commander'
import { readableError } from './errors.ts'

// Commands are loaded when they run: help and mistakes answer at once.
const program = new Command('fairway')
  .description('Customer messaging on your own server')
  .version('0.1.0')
  .addHelpText(
    'after',
    '\nSettings come from the environment (FAIRWAY_PORT, FAIRWAY_DATA_DIR, DATABASE_URL, …): see docs/configuration.md.\n' +
      'Exit codes: 0 done, 1 failed, 2 wrong arguments or settings.',
  )
  .exitOverride()

program
  .command('start')
  .description('start the server')
  .action(async () => (await import('./start.ts')).startCommand())

const project = program.command('project').description('work with projects')
project
  .command('create')
  .description('create a project with a tracking key and a secret key; the keys are shown only here')
  .argument('<name>', 'its name')
  .option('--json', 'print JSON')
  .action(async (name, options) => (await import('./project.ts')).createProjectCommand(name, options))

const queue = program.command('queue').description('look into the queue')
queue
  .command('stats')
  .description('waiting, scheduled, running and dead jobs of each lane')
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./queue.ts')).queueStatsCommand(options))

program
  .command('sign-in-link')
  .description('print a link that signs in to the console once')
  .option('--email <address>', 'whom it signs in; default: the first owner')
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./sign-in-link.ts')).signInLinkCommand(options))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has printed its message.
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    const { message, exitCode } = readableError(error)
    console.error(message)
    process.exitCode = exitCode
  }
}
