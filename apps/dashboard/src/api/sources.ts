import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import type { ImportKind, ImportOptions, Target } from './imports.ts'
import { forgetLists, useKeyset } from './keyset.ts'
import type { Json } from './types.ts'

export type SourceKind = 'postgres' | 'mysql'

/** A database that is asked again and again; what it answers is imported. */
export interface Source {
  id: number
  name: string
  kind: SourceKind
  /** The address of the database without what signs in. */
  host: string
  query: string
  /** The column that says how far was read; null reads everything every time. */
  cursorColumn: string | null
  /** The last value that is imported. */
  cursor: string | null
  /** Null: only by hand. */
  everyMinutes: number | null
  import: SourceImport
  nextRunAt: string | null
  lastRun: SourceRun | null
  updatedAt: string
}

/** What becomes of the rows. */
export interface SourceImport {
  kind: ImportKind
  mapping?: Record<string, Target>
  options?: ImportOptions
}

export interface SourceRun {
  at: string
  state: 'fetching' | 'importing' | 'done' | 'failed'
  rows: number | null
  error: string | null
  /** Its import's number. */
  import: number | null
}

export interface SourceInput {
  name: string
  kind: SourceKind
  /** Left out: the one that is stored. */
  url?: string
  query: string
  cursorColumn: string | null
  everyMinutes: number | null
  import: SourceImport
}

/** What the database answered to a trial: its columns and first rows. */
export interface SourceTest {
  columns: { name: string }[]
  rows: Record<string, Json>[]
}

export interface SourceTrial {
  kind: SourceKind
  url?: string
  query: string
  cursorColumn: string | null
  /** The stored source whose address is asked, when none is given. */
  source?: number
}

export const useSources = (project: string) =>
  useKeyset<Source>(
    [project, 'sources', 'list'],
    projectPath(project, 'sources'),
    {},
    {
      refetchInterval: 10_000,
    },
  )

export const readSource = (project: string, id: string | number, signal?: AbortSignal) =>
  request<Source>(projectPath(project, 'sources', id), { signal })

export const useSource = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'sources', id],
    queryFn: ({ signal }) => readSource(project, id, signal),
    refetchInterval: 5_000,
  })

function useChange<Input, Output>(project: string, send: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: send,
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'sources'] }),
  })
}

/** Creates without an id, changes with one. */
export const useSaveSource = (project: string, id?: number) =>
  useChange(project, (body: SourceInput & { updatedAt?: string }) =>
    id === undefined
      ? request<Source>(projectPath(project, 'sources'), { method: 'POST', body })
      : request<Source>(projectPath(project, 'sources', id), { method: 'PATCH', body }),
  )

export const useRunSource = (project: string, id: number) =>
  useChange(project, () => request<Source>(projectPath(project, 'sources', id, 'run'), { method: 'POST' }))

export function useDeleteSource(project: string, id: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request(projectPath(project, 'sources', id), { method: 'DELETE' }),
    onSuccess: () => forgetLists(client, [project, 'sources']),
  })
}

export const useTestSource = (project: string) =>
  useMutation({
    mutationFn: (body: SourceTrial) =>
      request<SourceTest>(projectPath(project, 'sources', 'test'), { method: 'POST', body }),
  })
