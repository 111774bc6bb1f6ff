import type { PendingChoice } from '@fairway/api'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'

export function useConfirmSending(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (pending: PendingChoice) =>
      request(projectPath(project, 'sending', 'confirm'), { method: 'POST', body: { pending } }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'overview'] }),
  })
}
