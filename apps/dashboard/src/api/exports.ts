import type { Export, ExportFormat, ExportKind } from '@fairway/api'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Condition } from '../conditions/language.ts'
import { projectPath, request } from './client.ts'
import { useKeyset } from './keyset.ts'
import { isUnderWay } from './tasks.ts'

export interface NewExport {
  kind: ExportKind
  format: ExportFormat
  segment?: number
  /** Only people for whom they hold. */
  conditions?: Condition
  event?: string
  from?: string
  to?: string
  bom?: boolean
}

export const useExports = (project: string) =>
  useKeyset<Export>(
    [project, 'exports'],
    projectPath(project, 'exports'),
    {},
    { refetchWhile: (exports) => exports.some(({ task }) => isUnderWay(task)) },
  )

export function useStartExport(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: NewExport) =>
      request<Export>(projectPath(project, 'exports'), { method: 'POST', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'exports'] }),
  })
}

export function useDeleteExport(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: number) => request(projectPath(project, 'exports', id), { method: 'DELETE' }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'exports'] }),
  })
}

export const exportFilePath = (project: string, id: number) => projectPath(project, 'exports', id, 'file')
