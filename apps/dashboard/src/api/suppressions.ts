import type { Suppression } from '@fairway/api'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { forgetLists, useKeyset } from './keyset.ts'

export const useSuppressions = (project: string, search: string) =>
  useKeyset<Suppression>([project, 'suppressions'], projectPath(project, 'suppressions'), { search })

export function useAddSuppression(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: { address: string; reason?: string }) =>
      request<Suppression>(projectPath(project, 'suppressions'), { method: 'POST', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'suppressions'] }),
  })
}

export function useRemoveSuppression(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (address: string) =>
      request(projectPath(project, 'suppressions', address), { method: 'DELETE' }),
    onSuccess: () => forgetLists(client, [project, 'suppressions']),
  })
}
