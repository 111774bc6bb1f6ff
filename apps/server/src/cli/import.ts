import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { guessOf, type Mapping, type ValueType, valueTypes } from '../exchange/imports/columns.ts'
import { createImport } from '../exchange/imports/create.ts'
import { encodings, type Given, quoteEscapes } from '../exchange/imports/format.ts'
import { describeImport, type Import, type ImportRow, requireImport } from '../exchange/imports/imports.ts'
import { type ImportKind, type ImportSource, importKinds, importSources } from '../exchange/imports/kinds.ts'
import type { Options } from '../exchange/imports/options.ts'
import { rejectsCsv } from '../exchange/imports/rejects.ts'
import { commandImport, startImport } from '../exchange/imports/start.ts'
import { isShared } from '../exchange/imports/targets.ts'
import { startUndo } from '../exchange/imports/undo-task.ts'
import { receivePart } from '../exchange/imports/upload.ts'
import type { App } from '../platform/app.ts'
import { taskKinds } from '../task-kinds.ts'
import { CommandFailed } from './command-failed.ts'
import { followTask } from './progress.ts'
import { findProject } from './project.ts'
import { printable, table } from './table.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

/** So that a script can tell an import that left rows out from one that is whole. */
const someRejected = 3

export interface ImportOptions extends Omit<Options, 'tags'> {
  project: number
  kind: string
  from?: string
  name?: string
  map?: string[]
  type?: string[]
  onlyMapped?: boolean
  tag?: string[]
  removeTags?: boolean
  delimiter?: string
  encoding?: string
  quoteEscape?: string
  file?: string
  header?: boolean
  dryRun?: boolean
  rejects?: string
  yes?: boolean
  json?: boolean
}

/** Uploads a file or has an address fetched, starts its import and shows how far it is until it ends. */
export async function importCommand(file: string, options: ImportOptions): Promise<void> {
  const kind = oneOf<ImportKind>('--kind', options.kind, importKinds)
  const source = options.from && oneOf<ImportSource>('--from', options.from, importSources)
  const isUrl = /^https?:\/\//.test(file)
  if (!isUrl && !(await stat(file).catch(() => undefined))?.isFile())
    throw new WrongArguments(`${file} is no file.`)
  await withApp(async (app) => {
    await findProject(app, options.project)
    const made = await createImport(app, options.project, {
      kind,
      name: options.name ?? (isUrl ? undefined : file.split(/[\\/]/).at(-1)),
      ...(isUrl && { url: file }),
      ...(source && { from: source }),
      format: givenFormat(options),
    })
    const ready = await bring(app, made, isUrl ? undefined : file)
    const mapping = mappingOf(ready, options)
    if (!(await isWanted(ready, mapping, options))) {
      await commandImport(app, taskKinds, options.project, made.id, 'cancel')
      throw new CommandFailed('Nothing was imported.')
    }
    const started = await startImport(app, options.project, made.id, {
      mapping,
      options: optionsOf(options),
      dryRun: options.dryRun === true,
    })
    await follow(app, started)
    await tell(app, await describe(app, started), options)
  })
}

export async function importStatusCommand(id: string, options: Pick<ImportOptions, 'project' | 'json'>) {
  await withApp(async (app) => {
    await findProject(app, options.project)
    await print(await describe(app, await requireImport(app, options.project, numberOf(id))), options)
  })
}

export async function importSteerCommand(
  command: 'pause' | 'resume' | 'cancel' | 'undo',
  id: string,
  options: Pick<ImportOptions, 'project' | 'json'>,
): Promise<void> {
  await withApp(async (app) => {
    const { project } = options
    await findProject(app, project)
    const row =
      command === 'undo'
        ? await startUndo(app, project, numberOf(id))
        : await commandImport(app, taskKinds, project, numberOf(id), command)
    if (command === 'undo') await follow(app, row)
    await print(await describe(app, row), options)
  })
}

const describe = async (app: App, { project_id, id }: ImportRow): Promise<Import> =>
  describeImport(app, await requireImport(app, project_id, id))

async function bring(app: App, { project_id, id }: ImportRow, file: string | undefined): Promise<ImportRow> {
  let row = await requireImport(app, project_id, id)
  if (file !== undefined)
    row = await receivePart(app, project_id, id, { offset: 0, last: true, body: createReadStream(file) })
  if (row.state === 'fetching') row = await follow(app, row)
  if (row.state !== 'ready')
    // The row's words are for those who call the API.
    throw new CommandFailed(
      row.message?.replace('(format.file)', '(--file)') ?? `The file could not be read (${row.state}).`,
    )
  return row
}

/** Ctrl-C leaves the work to the server. */
async function follow(app: App, row: ImportRow): Promise<ImportRow> {
  const { project_id, id, task_id } = row
  const leave = () => {
    console.error(
      `\nThe import goes on where a server runs. To stop it: fairway import pause ${id} --project ${project_id}`,
    )
    process.exit(130)
  }
  process.once('SIGINT', leave)
  try {
    await followTask(app, project_id, task_id!, row.state === 'fetching' ? 'bytes' : 'rows')
  } finally {
    process.off('SIGINT', leave)
  }
  return requireImport(app, project_id, id)
}

function givenFormat({ delimiter, encoding, quoteEscape, file, header }: ImportOptions): Given {
  const named: Record<string, string> = { tab: '\t', comma: ',', semicolon: ';', pipe: '|' }
  return {
    ...(delimiter !== undefined && { delimiter: named[delimiter] ?? delimiter }),
    ...(encoding !== undefined && { encoding: oneOf('--encoding', encoding.toLowerCase(), encodings) }),
    ...(quoteEscape !== undefined && { quoteEscape: oneOf('--quote-escape', quoteEscape, quoteEscapes) }),
    ...(file !== undefined && { file }),
    ...(header === false && { header }),
  }
}

function optionsOf({ tag, removeTags, ...options }: ImportOptions): Options {
  const {
    updateOnly,
    createOnly,
    resubscribe,
    overwriteEmpty,
    tagSeparator,
    segment,
    event,
    trigger,
    dates,
    decimalComma,
  } = options
  const wanted = {
    updateOnly,
    createOnly,
    resubscribe,
    overwriteEmpty,
    tagSeparator,
    segment,
    event,
    trigger,
    dates,
    decimalComma,
  }
  return {
    ...(Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) as Options),
    ...(tag && { tags: tag }),
    ...(removeTags && { tagAction: 'remove' }),
  }
}

/** The guesses, unless told otherwise. */
function mappingOf(row: ImportRow, options: ImportOptions): Mapping {
  const { map = [], type = [], onlyMapped } = options
  const mapping: Mapping = onlyMapped
    ? {}
    : Object.fromEntries(row.columns.map((column) => [column.name, { ...guessOf(column, options) }]))
  for (const [column, to] of map.map((text) => pair('--map', text, 'COLUMN=TARGET'))) {
    requireColumn(row, column)
    // What was guessed to go there makes room.
    if (!isShared(to))
      for (const [other, target] of Object.entries(mapping)) if (target.to === to) delete mapping[other]
    const guess = row.columns.find(({ name }) => name === column)!.guess
    mapping[column] = { to, type: to.startsWith('property:') ? guess.type : 'text' }
  }
  for (const [column, to] of type.map((text) => pair('--type', text, 'COLUMN=TYPE'))) {
    requireColumn(row, column)
    mapping[column] = {
      ...(mapping[column] ?? { to: `property:${column}` }),
      type: oneOf<ValueType>('--type', to, valueTypes),
    }
  }
  return mapping
}

function requireColumn(row: ImportRow, column: string): void {
  if (row.columns.some(({ name }) => name === column)) return
  const names = row.columns.map(({ name }) => JSON.stringify(name)).join(', ')
  throw new WrongArguments(`The file has no column ${JSON.stringify(column)}. It has ${names}.`)
}

function pair(option: string, text: string, shape: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new WrongArguments(`${option} ${text}: write ${shape}.`)
  return [text.slice(0, at), text.slice(at + 1)]
}

async function isWanted(
  row: ImportRow,
  mapping: Mapping,
  { yes, json, dryRun }: ImportOptions,
): Promise<boolean> {
  if (json) return true
  console.error(formatWords(row))
  console.error(
    table(
      ['column', 'goes to', 'type', 'for example'],
      row.columns.map(({ name, samples }) => [
        name,
        mapping[name]?.to ?? 'ignore',
        mapping[name]?.type ?? '',
        (samples[0] ?? '').slice(0, 30),
      ]),
    ),
  )
  for (const { name, guess, mayBeDates, warning } of row.columns)
    if (warning && mapping[name]?.to === guess.to && !(mayBeDates && mapping[name]?.type === 'date'))
      console.error(`${name}: ${warning}.`)
  if (row.options.dates)
    console.error(
      `Dates like 3/4/2026 are taken with the ${row.options.dates === 'day_first' ? 'day' : 'month'} first.`,
    )
  for (const { reason, rows } of row.unread)
    console.error(`Of the first rows, ${rows} can't be read: ${reason}.`)
  if (yes || dryRun || !process.stdin.isTTY || !process.stderr.isTTY) return true
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await prompt.question('Import it like this? [y/N] ')).trim())
  } finally {
    prompt.close()
  }
}

/** How the file was read: what looks wrong in the samples may be wrong here. */
function formatWords({ format, source }: ImportRow): string {
  const { type, delimiter, encoding, header } = format!
  const kind = type === 'csv' ? `CSV with ${JSON.stringify(delimiter)} between cells` : 'NDJSON'
  const whose = source ? `, known as an export of ${source}` : ''
  return `Read as ${kind}, ${encoding.toUpperCase()}${type === 'csv' && !header ? ', without a header' : ''}${whose}:`
}

async function tell(app: App, made: Import, options: ImportOptions): Promise<void> {
  const { project, rejects, dryRun } = options
  const { rejected } = made.counts
  if (rejects !== undefined && rejected > 0)
    await pipeline(
      Readable.from(rejectsCsv(app, await requireImport(app, project, made.id))),
      createWriteStream(rejects),
    )
  await print(made, options)
  if (made.state !== 'done' && !(dryRun && made.state === 'ready')) process.exitCode = 1
  else if (rejected > 0) process.exitCode = someRejected
}

async function print(made: Import, { json }: { json?: boolean }): Promise<void> {
  if (json) return console.log(JSON.stringify(made))
  const { id, name, state, counts, message } = made
  const { rows, created, updated, unchanged, optedOut, rejected, skipped } = Object.fromEntries(
    Object.entries(counts).map(([key, count]) => [key, count.toLocaleString('en')]),
  ) as Record<keyof typeof counts, string>
  console.log(printable(`Import ${id}, ${name}: ${state.replace('_', ' ')}${message ? `. ${message}` : ''}`))
  console.log(
    `${rows} rows: ${created} created, ${updated} updated, ${unchanged} unchanged, ${rejected} rejected; ${skipped} other lines (header, empty)`,
  )
  if (counts.optedOut > 0) console.log(optedOutWords(made, optedOut))
}

/** Of people whom the file says to want what they opted out of. */
function optedOutWords({ state, options }: Import, count: string): string {
  const isOne = count === '1'
  const people = isOne ? '1 person who opted out' : `${count} people who opted out`
  if (options.resubscribe)
    return state === 'ready'
      ? `${people} would be subscribed again.`
      : `${people} ${isOne ? 'was' : 'were'} subscribed again.`
  return `${people} ${state === 'ready' ? 'would stay' : isOne ? 'stays' : 'stay'} so, though the file says otherwise; --resubscribe subscribes them again.`
}

function oneOf<T extends string>(option: string, value: string, values: readonly T[]): T {
  const found = values.find((one) => one === value)
  if (!found) throw new WrongArguments(`${option} can't be ${value}; it is one of ${values.join(', ')}.`)
  return found
}

function numberOf(id: string): number {
  if (!/^[1-9]\d{0,14}$/.test(id)) throw new WrongArguments(`${id} is no number of an import.`)
  return Number(id)
}
