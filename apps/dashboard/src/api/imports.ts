import type {
  GivenFormat,
  Import,
  ImportKind,
  ImportOptions,
  ImportReject,
  ImportSource,
  ImportState,
  Target,
} from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { forgetLists, useKeyset } from './keyset.ts'
import { isUnderWay, workRefreshMs } from './tasks.ts'

export const importKinds = [
  'people',
  'events',
  'suppressions',
  'unsubscribes',
  'tags',
  'segment',
] as const satisfies readonly ImportKind[]

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
  useKeyset<ImportReject>(
    [project, 'imports', String(id), 'rejects', task?.id, counts.rejected],
    projectPath(project, 'imports', String(id), 'rejects'),
  )

export const rejectsFilePath = (project: string, id: string) =>
  projectPath(project, 'imports', id, 'rejects.csv')
