import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { useKeyset } from './keyset.ts'
import type { MailDetail, MailSummary, Message } from './types.ts'

export interface MessageFilter {
  state?: string
  campaign?: string
}

export const useMessages = (project: string, filter: MessageFilter) =>
  useKeyset<Message>([project, 'messages'], projectPath(project, 'messages'), { ...filter })

export const useMessage = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'messages', id],
    queryFn: ({ signal }) => request<Message>(projectPath(project, 'messages', id), { signal }),
  })

/** Settles a message in doubt: `sent` when somebody found that it arrived, `resend` when not. */
export function useResolveMessage(project: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (outcome: 'sent' | 'failed') =>
      request(projectPath(project, 'messages', id, 'resolve'), { method: 'POST', body: { state: outcome } }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project] }),
  })
}

export const useMailbox = (project: string) =>
  useKeyset<MailSummary>(
    [project, 'mailbox'],
    projectPath(project, 'mailbox'),
    {},
    { refetchInterval: 10_000 },
  )

export const useMail = (project: string, id: string | undefined) =>
  useQuery({
    queryKey: [project, 'mailbox', id],
    enabled: id !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => request<MailDetail>(projectPath(project, 'mailbox', id!), { signal }),
  })

/** A first mail to somebody who does not exist, through the path of every transactional message. */
export const useSendTestMail = (project: string) =>
  useMutation({
    mutationFn: () =>
      request<{ messageId: string }>(projectPath(project, 'messages', 'test'), { method: 'POST', body: {} }),
  })
