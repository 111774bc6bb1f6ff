import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'
import { Task } from './tasks.ts'

export const ImportKind = Type.Enum(['people', 'events', 'suppressions', 'unsubscribes', 'tags', 'segment'])
export type ImportKind = Static<typeof ImportKind>

export const ImportState = Type.Enum([
  'uploading',
  'fetching',
  'ready',
  'dry_run',
  'importing',
  'undoing',
  'undone',
  'failed',
  'done',
  'cancelled',
])
export type ImportState = Static<typeof ImportState>

/** Products whose exports are known. */
export const ImportSource = Type.Enum([
  'vero',
  'fairway',
  'customerio',
  'google',
  'outlook',
  'mailchimp',
  'klaviyo',
  'hubspot',
])
export type ImportSource = Static<typeof ImportSource>

export const ValueType = Type.Enum(['text', 'number', 'boolean', 'date', 'serial_date', 'json'])
export type ValueType = Static<typeof ValueType>

/** Where a column's values go. */
export const Target = Type.Object({
  to: Type.String({ description: '`id`, `property:plan`, `ignore`' }),
  type: Type.Optional(ValueType),
})
export type Target = Static<typeof Target>

export const Mapping = Type.Record(Type.String(), Target, { description: 'Column → where it goes' })
export type Mapping = Static<typeof Mapping>

export const ImportColumn = Type.Object({
  name: Type.String(),
  samples: Type.Array(Type.String()),
  guess: Target,
  mayBeDates: Type.Optional(
    Type.Literal(true, {
      description: 'Looks like dates of which nobody knows whether day or month comes first',
    }),
  ),
  warning: Type.Optional(Type.String({ description: 'Why the guess should be looked at' })),
})
export type ImportColumn = Static<typeof ImportColumn>

export const ImportOptions = Type.Object({
  updateOnly: Type.Optional(Type.Boolean()),
  createOnly: Type.Optional(Type.Boolean()),
  resubscribe: Type.Optional(
    Type.Boolean({ description: 'People who opted out may be subscribed by the file' }),
  ),
  overwriteEmpty: Type.Optional(Type.Boolean({ description: 'Empty cells remove what is there' })),
  tags: Type.Optional(Type.Array(Type.String())),
  tagAction: Type.Optional(Type.Enum(['add', 'remove'])),
  tagSeparator: Type.Optional(Type.String()),
  segment: Type.Optional(Type.Integer()),
  event: Type.Optional(Type.String()),
  trigger: Type.Optional(Type.Boolean({ description: 'Events start campaigns' })),
  dates: Type.Optional(Type.Enum(['day_first', 'month_first'])),
  decimalComma: Type.Optional(Type.Boolean()),
})
export type ImportOptions = Static<typeof ImportOptions>

export const ImportCounts = Type.Object({
  rows: Type.Integer(),
  created: Type.Integer(),
  updated: Type.Integer(),
  unchanged: Type.Integer(),
  optedOut: Type.Integer({ description: 'People who opted out of what a row says they want' }),
  rejected: Type.Integer(),
  skipped: Type.Integer({
    description: 'Lines of the file that are no rows: the header, and those that say nothing',
  }),
})
export type ImportCounts = Static<typeof ImportCounts>

const known = {
  type: Type.Enum(['csv', 'ndjson']),
  delimiter: Type.String(),
  quote: Type.String(),
  quoteEscape: Type.Enum(['doubled', 'backslash'], {
    description: 'How a quote inside of quotes is written',
  }),
  header: Type.Boolean({ description: 'Whether the first row names the columns' }),
  encoding: Type.String(),
}

/** How a file is written. */
export const FileFormat = Type.Object({
  ...known,
  compression: Type.Enum(['none', 'gzip', 'zip']),
  start: Type.Integer({ description: 'Bytes before the first row' }),
  linesBefore: Type.Integer({ description: 'Lines before the first row' }),
})
export type FileFormat = Static<typeof FileFormat>

/** What somebody said about a file; the rest is found out. */
export const GivenFormat = Type.Object({
  ...Type.Partial(Type.Object(known)).properties,
  file: Type.Optional(Type.String({ description: 'Which file of an archive' })),
})
export type GivenFormat = Static<typeof GivenFormat>

export const Import = Type.Object({
  id: Type.Integer(),
  kind: ImportKind,
  name: Type.String(),
  state: ImportState,
  from: nullable(ImportSource),
  url: nullable(Type.String(), 'Where it is fetched from, without what signs the address'),
  size: Type.Integer({ description: 'Bytes received' }),
  offset: Type.Integer({ description: 'Where the next bytes of an upload belong' }),
  format: nullable(FileFormat),
  files: Type.Array(Type.String(), {
    description: 'Of an archive that holds several, of which one has to be chosen by `format.file`',
  }),
  given: GivenFormat,
  columns: Type.Array(ImportColumn),
  preview: Type.Array(Type.Array(Type.String())),
  unread: Type.Array(Type.Object({ reason: Type.String(), rows: Type.Integer() }), {
    description: "How many of the first rows can't be read, and why",
  }),
  mapping: nullable(Mapping),
  options: ImportOptions,
  counts: ImportCounts,
  task: nullable(Task),
  message: nullable(Type.String(), 'Why it failed'),
  createdAt: Time,
  startedAt: nullable(Time),
  finishedAt: nullable(Time),
})
export type Import = Static<typeof Import>

/** A row that was not imported, and why. */
export const ImportReject = Type.Object({
  line: Type.Integer(),
  column: nullable(Type.String()),
  reason: Type.String(),
  row: Type.Array(Type.String(), { description: 'The cells; of a row that could not be read, its line' }),
})
export type ImportReject = Static<typeof ImportReject>
