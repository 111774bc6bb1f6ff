import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { forgetLists, useKeyset } from './keyset.ts'
import { isUnderWay, type Task, workRefreshMs } from './tasks.ts'

export const importKinds = ['people', 'events', 'suppressions', 'unsubscribes', 'tags', 'segment'] as const
export type ImportKind = (typeof importKinds)[number]

export type ImportState =
  | 'uploading'
  | 'fetching'
  | 'ready'
  | 'dry_run'
  | 'importing'
  | 'undoing'
  | 'undone'
  | 'failed'
  | 'done'
  | 'cancelled'

export type ValueType = 'text' | 'number' | 'boolean' | 'date' | 'serial_date' | 'json'

/** Where a column's values go: `id`, `property:plan`, `ignore`. */
export interface Target {
  to: string
  type?: ValueType
}

export interface ImportColumn {
  name: string
  samples: string[]
  guess: Target
  /** Looks like dates of which nobody knows whether day or month comes first. */
  mayBeDates?: boolean
  /** Why the guess should be looked at. */
  warning?: string
}

export interface ImportOptions {
  updateOnly?: boolean
  createOnly?: boolean
  /** People who opted out may be subscribed by the file. */
  resubscribe?: boolean
  overwriteEmpty?: boolean
  tags?: string[]
  tagAction?: 'add' | 'remove'
  tagSeparator?: string
  segment?: number
  event?: string
  trigger?: boolean
  dates?: 'day_first' | 'month_first'
  decimalComma?: boolean
}

export interface ImportCounts {
  rows: number
  created: number
  updated: number
  unchanged: number
  /** People who opted out of what a row says they want. */
  optedOut: number
  rejected: number
  /** Lines of the file that are no rows: the header, and those that say nothing. */
  skipped: number
}

/** Products whose exports are known. */
export type ImportSource =
  | 'vero'
  | 'fairway'
  | 'customerio'
  | 'google'
  | 'outlook'
  | 'mailchimp'
  | 'klaviyo'
  | 'hubspot'

/** How a file is written. */
export interface FileFormat {
  type: 'csv' | 'ndjson'
  delimiter: string
  quote: string
  /** How a quote inside of quotes is written. */
  quoteEscape: 'doubled' | 'backslash'
  /** Whether the first row names the columns. */
  header: boolean
  encoding: string
  compression: 'none' | 'gzip' | 'zip'
}

/** What people say about a file; the rest is found out. */
export type GivenFormat = Partial<Omit<FileFormat, 'compression'>> & {
  /** Which file of an archive. */
  file?: string
}

export interface Import {
  id: number
  kind: ImportKind
  name: string
  state: ImportState
  from: ImportSource | null
  url: string | null
  /** Bytes received. */
  size: number
  /** Where the next bytes of an upload belong. */
  offset: number
  format: FileFormat | null
  /** Of an archive that holds several, of which one has to be chosen. */
  files: string[]
  given: GivenFormat
  columns: ImportColumn[]
  preview: string[][]
  /** How many of the first rows can't be read, and why. */
  unread: { reason: string; rows: number }[]
  mapping: Record<string, Target> | null
  options: ImportOptions
  counts: ImportCounts
  task: Task | null
  /** Why it failed. */
  message: string | null
  createdAt: string
  startedAt: string | null
  finishedAt: string | null
}

export interface Reject {
  line: number
  column: string | null
  reason: string
  /** The cells; of a row that could not be read, its line. */
  row: string[]
}

const working: ImportState[] = ['fetching', 'dry_run', 'importing', 'undoing']

export const isWorking = ({ state, task }: Import): boolean => working.includes(state) || isUnderWay(task)

export const useImports = (project: string) =>
  useKeyset<Import>(
    [project, 'imports', 'list'],
    projectPath(project, 'imports'),
    {},
    { refetchWhile: (imports) => imports.some(isWorking) },
  )

export const useImport = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'imports', id],
    queryFn: ({ signal }) => request<Import>(projectPath(project, 'imports', id), { signal }),
    refetchInterval: ({ state }) => (state.data && isWorking(state.data) ? workRefreshMs : false),
  })

export interface NewImport {
  kind: ImportKind
  name?: string
  url?: string
  from?: ImportSource
}

export function useCreateImport(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: NewImport) =>
      request<Import>(projectPath(project, 'imports'), { method: 'POST', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'imports', 'list'] }),
  })
}

export interface StartInput {
  mapping: Record<string, Target>
  options: ImportOptions
  dryRun?: boolean
}

export type ImportCommand = 'pause' | 'resume' | 'cancel' | 'undo'

/** Every command answers how the import is then. */
export function useImportCommand(project: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (command: ImportCommand | StartInput) =>
      typeof command === 'string'
        ? request<Import>(projectPath(project, 'imports', id, command), { method: 'POST' })
        : request<Import>(projectPath(project, 'imports', id, 'start'), { method: 'POST', body: command }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'imports'] }),
  })
}

/** Has the file looked at again, with what people know of it. */
export function useReadAgain(project: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (format: GivenFormat) =>
      request<Import>(projectPath(project, 'imports', id), { method: 'PATCH', body: { format } }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'imports'] }),
  })
}

export function useDeleteImport(project: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request(projectPath(project, 'imports', id), { method: 'DELETE' }),
    onSuccess: () => forgetLists(client, [project, 'imports']),
  })
}

/**
 * Read anew by each task and with each further row: what was read while a dry run gave way to the import, of which no row
 * was rejected yet, would otherwise stay on the screen.
 */
export const useImportRejects = (project: string, { id, task, counts }: Import) =>
  useKeyset<Reject>(
    [project, 'imports', String(id), 'rejects', task?.id, counts.rejected],
    projectPath(project, 'imports', String(id), 'rejects'),
  )

export const rejectsFilePath = (project: string, id: string) =>
  projectPath(project, 'imports', id, 'rejects.csv')
