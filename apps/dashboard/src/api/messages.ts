import type { FailedMessages, Mail, MailDetail, Message, MessageDetail, Task } from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { useKeyset } from './keyset.ts'

export interface MessageFilter {
  state?: string
  retrying?: boolean
  waiting?: boolean
  kept?: boolean
  origin?: string
  originId?: string
}

export const useMessages = (project: string, filter: MessageFilter) =>
  useKeyset<Message>([project, 'messages'], projectPath(project, 'messages'), { ...filter })

export const useMessage = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'messages', id],
    queryFn: ({ signal }) => request<MessageDetail>(projectPath(project, 'messages', id), { signal }),
  })

export type Resolution = 'sent' | 'failed' | 'resend'

/** Settles a message in doubt: records what somebody found out, or sends it again. */
export const useResolveMessage = (project: string, id: string) =>
  useDecision(project, (state: Resolution) =>
    request<MessageDetail>(projectPath(project, 'messages', id, 'resolve'), {
      method: 'POST',
      body: { state },
    }),
  )

/** Puts a failed message back into the queue. */
export const useRetryMessage = (project: string, id: string) =>
  useDecision(project, () =>
    request<MessageDetail>(projectPath(project, 'messages', id, 'retry'), { method: 'POST' }),
  )

function useDecision<Input>(project: string, decide: (input: Input) => Promise<MessageDetail>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: decide,
    onSuccess: (message) => {
      client.setQueryData([project, 'messages', message.id], message)
      return client.invalidateQueries({ queryKey: [project] })
    },
  })
}

export const useMailbox = (project: string) =>
  useKeyset<Mail>([project, 'mailbox'], projectPath(project, 'mailbox'), {}, { refetchInterval: 10_000 })

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

/** What could not be sent yet is tried at once: of one SMTP server, one message, or all. Answers how many. */
export function useTryNow(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (only: { provider?: number; message?: string }) =>
      request<{ count: number; more: boolean }>(projectPath(project, 'messages', 'try-now'), {
        method: 'POST',
        body: only,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project] }),
  })
}

/** Which failed messages are meant; without anything, all. */
export interface FailedFilter {
  reason?: string
  origin?: string
  campaign?: number
}

/** How many failed, and why. */
export const useFailedMessages = (project: string, filter: FailedFilter, enabled: boolean) =>
  useQuery({
    queryKey: [project, 'failed-messages', filter],
    enabled,
    queryFn: ({ signal }) =>
      request<FailedMessages>(projectPath(project, 'messages', 'failed'), { query: { ...filter }, signal }),
  })

/** Puts all that are meant back into the queue: a task. */
export function useRetryFailed(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (filter: FailedFilter) =>
      request<Task>(projectPath(project, 'messages', 'retry'), { method: 'POST', body: filter }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project] }),
  })
}

export function useEmptyMailbox(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request(projectPath(project, 'mailbox'), { method: 'DELETE' }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'mailbox'] }),
  })
}
