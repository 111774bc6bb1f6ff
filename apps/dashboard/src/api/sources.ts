import type { Source, SourceImport, SourceKind, SourceTest } from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { forgetLists, useKeyset } from './keyset.ts'

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
