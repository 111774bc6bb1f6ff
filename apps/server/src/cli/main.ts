import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { readableError } from './errors.ts'

function positive(text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new InvalidArgumentError('It must be a number above 0.')
}
const positiveOrNone = (text: string): number | 'none' => (text === 'none' ? text : positive(text))

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

project
  .command('list')
  .description('the projects and their ids')
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./project.ts')).listProjectsCommand(options))

const key = program.command('key').description("work with a project's keys")
key
  .command('create')
  .description('create a key; it is shown only here')
  .requiredOption('--project <id>', 'of this project')
  .addOption(
    new Option('--kind <kind>', 'tracking may write people and events, secret may do everything')
      .choices(['tracking', 'secret'])
      .makeOptionMandatory(),
  )
  .option('--name <name>', 'by which people know it')
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./key.ts')).createKeyCommand(options))
key
  .command('list')
  .description('the keys, without what is secret of them')
  .requiredOption('--project <id>', 'of this project')
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./key.ts')).listKeysCommand(options))
key
  .command('revoke')
  .description('refuse a key from now on, for good')
  .argument('<id>', 'its number', positive)
  .requiredOption('--project <id>', 'of this project')
  .option('--json', 'print JSON')
  .action(async (id, options) => (await import('./key.ts')).revokeKeyCommand(id, options))

const queue = program.command('queue').description('look into the queue, and steer it')
queue
  .command('stats')
  .description(
    'what waits and runs in each lane, how long it waited, and how fairly it was served in the last minute',
  )
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./queue.ts')).queueStatsCommand(options))
queue
  .command('top')
  .description('projects with most waiting jobs')
  .option('--limit <n>', 'how many', positive, 20)
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./queue.ts')).queueTopCommand(options))
queue
  .command('inspect')
  .description('what waits of a project, its limits, and its latest dead jobs')
  .argument('<project>', 'its id')
  .option('--json', 'print JSON')
  .action(async (project, options) => (await import('./queue.ts')).queueInspectCommand(project, options))
for (const name of ['pause', 'resume'] as const)
  queue
    .command(name)
    .description(name === 'pause' ? 'stop handing out jobs; adding goes on' : 'hand out jobs again')
    .option('--project <id>', 'of a project')
    .option('--lane <name>', 'of a lane')
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./queue.ts')).queuePauseCommand(options, name === 'pause'))
queue
  .command('limits')
  .description('show or change how a project is treated in each lane; "none" takes a limit away')
  .argument('<project>', 'its id')
  .option('--weight <n>', 'share of capacity against other projects (1)', positiveOrNone)
  .option('--max-in-flight <n>', 'handler calls at once, over all processes', positiveOrNone)
  .option('--rate <n>', 'jobs started a second, over all processes', positiveOrNone)
  .option('--max-jobs <n>', 'waiting jobs; beyond, adds are refused', positiveOrNone)
  .option('--max-bytes <n>', 'waiting bytes; beyond, adds are refused', positiveOrNone)
  .option('--json', 'print JSON')
  .action(async (project, options) => (await import('./queue.ts')).queueLimitsCommand(project, options))
for (const name of ['redrive', 'discard'] as const) {
  const command = queue
    .command(name)
    .description(
      name === 'redrive'
        ? 'run dead jobs again, all that match'
        : 'remove dead jobs for good, all that match',
    )
    .option('--project <id>', 'of a project')
    .option('--lane <name>', 'of a lane')
    .option('--name <name>', 'of a kind')
    .option('--reason <text>', 'with this text in the reason')
    .option('--before <time>', 'that died before, ISO 8601')
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./queue.ts')).queueDeadCommand(name, options))
  if (name === 'redrive') command.option('--rate <n>', 'so many a second', positive)
}
queue
  .command('migrate')
  .description(
    'move all jobs to another store while everything goes on; any number of these may run, and one that is killed is no loss',
  )
  .option('--from <store>', 'where they must be now')
  .option('--to <store>', 'postgres or dynamodb')
  .option('--into-used', 'even if the target holds something already')
  .option('--status', 'only show where the jobs are and how far a move is')
  .option('--json', 'print JSON, a line each second')
  .action(async (options) => (await import('./queue-migrate.ts')).queueMigrateCommand(options))

const sending = program
  .command('sending')
  .description('whether mail leaves: after the database was restored it is held until somebody confirms')
for (const [name, description] of [
  ['status', 'projects whose sending is held, and why'],
  ['hold', 'hold it until somebody confirms'],
  ['confirm', 'let it go on'],
] as const) {
  const command = sending
    .command(name)
    .description(description)
    .option('--project <id>', 'only of this project', positive)
    .option('--json', 'print JSON')
  if (name === 'confirm')
    command.addOption(
      new Option('--pending <what>', 'messages from before: send them, or settle them one by one')
        .choices(['send', 'unknown'])
        .makeOptionMandatory(),
    )
  command.action(async (options) => {
    const commands = await import('./sending.ts')
    if (name === 'status') return commands.sendingStatusCommand(options)
    return name === 'hold' ? commands.sendingHoldCommand(options) : commands.sendingConfirmCommand(options)
  })
}

sending
  .command('try-now')
  .description('try mail that could not be sent yet at once, after its SMTP server was repaired')
  .requiredOption('--project <id>', 'of this project', positive)
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./sending.ts')).sendingTryNowCommand(options))

sending
  .command('retry')
  .description('try failed messages again: all that is named holds for each, by default all that failed')
  .requiredOption('--project <id>', 'of this project', positive)
  .option('--reason <text>', 'only those with this in their reason')
  .option('--campaign <id>', 'only those of this campaign', positive)
  .option('--provider <id>', 'only those that this SMTP server refused', positive)
  .option('--from <time>', 'only those that failed from then on, ISO 8601')
  .option('--to <time>', 'only those that failed before, ISO 8601')
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./sending.ts')).sendingRetryCommand(options))

const suppression = program.command('suppression').description('addresses that are never sent to')
suppression
  .command('list')
  .description('those listed last, with the reason and since when')
  .requiredOption('--project <id>', 'of this project')
  .option('--search <text>', 'only this address, or those with this part')
  .option('--reason <text>', 'only those whose reason begins so, such as "hard bounce"')
  .option('--limit <n>', 'how many', positive, 100)
  .option('--json', 'print JSON')
  .action(async (options) => (await import('./suppression.ts')).listSuppressionsCommand(options))
suppression
  .command('add')
  .description('never send to an address again, whoever has it')
  .argument('<address>', 'the email address')
  .requiredOption('--project <id>', 'of this project')
  .option('--reason <text>', 'why', 'manual')
  .option('--json', 'print JSON')
  .action(async (address, options) =>
    (await import('./suppression.ts')).addSuppressionCommand(address, options),
  )
suppression
  .command('remove')
  .description('take an address off the list, whatever the reason')
  .argument('<address>', 'the email address')
  .requiredOption('--project <id>', 'of this project')
  .option('--json', 'print JSON')
  .action(async (address, options) =>
    (await import('./suppression.ts')).removeSuppressionCommand(address, options),
  )

program
  .command('export')
  .description('write people, events or messages into a file')
  .argument('<what>', 'people, events or messages')
  .requiredOption('--project <id>', 'of this project', positive)
  .addOption(new Option('--format <format>', 'how').choices(['csv', 'ndjson']).default('csv'))
  .option('-o, --output <file>', 'where to; default: standard output')
  .option('--segment <id>', 'people: only members of this segment', positive)
  .option('--conditions <json>', 'people: only those for whom these hold')
  .option('--event <name>', 'events: only of this name')
  .option('--from <time>', 'events, messages: from this time on, ISO 8601')
  .option('--to <time>', 'events, messages: before this time; default: now')
  .option('--bom', 'csv: begin with a byte order mark, which Excel needs')
  .option('--keep-formulas', 'csv: leave texts that a spreadsheet would run as a formula')
  .option('--json', 'print JSON')
  .action(async (what, options) => (await import('./export.ts')).exportCommand(what, options))

const list = (value: string, before: string[] | undefined) => [...(before ?? []), value]
const imports = program
  .command('import')
  .description('import a file, or what is at an address, into people, events, suppressions and the like')
  .argument('<file>', 'CSV or NDJSON, also .gz or .zip; or an address that begins with https://')
  .requiredOption('--project <id>', 'into which project', positive)
  .option('--kind <kind>', 'people, events, unsubscribes, suppressions, tags or segment', 'people')
  .option(
    '--from <product>',
    'whose export it is: vero, fairway, customerio, google, outlook, mailchimp, klaviyo or hubspot; most are known by their columns',
  )
  .option('--map <column=target>', 'where a column goes, such as "Plan name=property:plan"; repeat it', list)
  .option('--type <column=type>', 'text, number, boolean, date, serial_date or json; repeat it', list)
  .option('--only-mapped', 'leave out columns without --map, instead of guessing')
  .option('--name <name>', 'of the import')
  .option('--delimiter <character>', 'comma, semicolon, tab or pipe')
  .option('--encoding <name>', 'such as utf-8, windows-1251 or shift_jis; default: found out')
  .option('--quote-escape <how>', 'quotes inside of quotes: doubled, or behind a backslash')
  .option('--file <name>', 'which file of a .zip with several')
  .option('--no-header', 'the first row is no header')
  .option('--dates <order>', 'of dates like 3/4/2026: day_first or month_first')
  .option('--decimal-comma', 'numbers like 1.234,5')
  .option('--update-only', 'reject rows of people who are not there')
  .option('--create-only', 'leave people alone who are there')
  .option(
    '--resubscribe',
    'subscribe people again who opted out, where the file says so; otherwise they stay out',
  )
  .option('--overwrite-empty', 'empty cells remove what is there')
  .option('--tag <tag>', 'for everybody in the file; repeat it', list)
  .option('--remove-tags', 'with --kind tags: remove them')
  .option('--tag-separator <text>', 'between the tags of a cell')
  .option('--segment <id>', 'manual segment that everybody in the file becomes a member of', positive)
  .option('--event <name>', 'of all events')
  .option('--trigger', 'events start campaigns')
  .option('--dry-run', 'only tell what would become of the rows')
  .option('--rejects <file>', 'where to write rejected rows, as CSV with the reasons')
  .option('--yes', 'do not ask')
  .option('--json', 'print JSON')
  .addHelpText(
    'after',
    '\nExit codes: 0 all rows were imported, 3 some were rejected, 1 failed, 2 wrong arguments.',
  )
  .action(async (file, options) => (await import('./import.ts')).importCommand(file, options))
// Their options are those of `import`, which reads them before its commands do.
imports
  .command('status')
  .description('how far an import is')
  .argument('<id>', 'its number')
  .usage('<id> --project <id> [--json]')
  .action(async (id, _, command) =>
    (await import('./import.ts')).importStatusCommand(id, command.optsWithGlobals()),
  )
for (const [name, description] of [
  ['pause', 'stop an import after the step under way'],
  ['resume', 'go on with a paused import'],
  ['cancel', 'stop an import for good; what is done stays'],
  ['undo', 'take back what an import did, as far as nobody changed it since'],
] as const)
  imports
    .command(name)
    .description(description)
    .argument('<id>', 'its number')
    .usage('<id> --project <id> [--json]')
    .action(async (id, _, command) =>
      (await import('./import.ts')).importSteerCommand(name, id, command.optsWithGlobals()),
    )

program
  .command('sign-in-link')
  .description('print a link that signs in to the console once')
  .option('--email <address>', 'whom it signs in; default: the first owner')
  .option('--create', 'make an account for the address when there is none')
  .addOption(
    new Option('--role <role>', 'of a new account; default: member').choices(['owner', 'admin', 'member']),
  )
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
