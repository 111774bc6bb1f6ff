import type { Properties, Template, TemplatePreview, TemplateUser } from '@fairway/api'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiError, projectPath, request } from './client.ts'
import { forgetLists, useKeyset, useWhole } from './keyset.ts'

export type TemplateInput = Pick<
  Template,
  'name' | 'key' | 'fromAddress' | 'replyTo' | 'subject' | 'preheader' | 'html' | 'text'
>

export const useTemplates = (project: string) =>
  useKeyset<Template>([project, 'templates'], projectPath(project, 'templates'))

/** All of them, to choose from. */
export const useEveryTemplate = (project: string) =>
  useWhole<Template>([project, 'templates'], projectPath(project, 'templates'))

export const readTemplate = (project: string, id: string | number, signal?: AbortSignal) =>
  request<Template>(projectPath(project, 'templates', id), { signal })

export const useTemplate = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'templates', id],
    queryFn: ({ signal }) => readTemplate(project, id, signal),
  })

export const useTemplateUsers = (project: string, id: number | string) =>
  useQuery({
    queryKey: [project, 'templates', String(id), 'used-by'],
    queryFn: async ({ signal }) =>
      (await request<{ items: TemplateUser[] }>(projectPath(project, 'templates', id, 'used-by'), { signal }))
        .items,
  })

/** Creates without an id, changes with one. */
export function useSaveTemplate(project: string, id?: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: TemplateInput & { updatedAt?: string }) =>
      id === undefined
        ? request<Template>(projectPath(project, 'templates'), { method: 'POST', body })
        : request<Template>(projectPath(project, 'templates', id), { method: 'PATCH', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'templates'] }),
  })
}

export function useDeleteTemplate(project: string, id: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request(projectPath(project, 'templates', id), { method: 'DELETE' }),
    onSuccess: () => forgetLists(client, [project, 'templates']),
  })
}

/** The unsaved draft as it would be sent to the sample person. */
export const usePreview = (project: string, draft: TemplateInput, eventProperties: Properties) =>
  useQuery({
    queryKey: [project, 'preview', draft, eventProperties],
    queryFn: ({ signal }) =>
      request<TemplatePreview>(projectPath(project, 'templates', 'preview'), {
        method: 'POST',
        body: { ...draft, event: { properties: eventProperties } },
        signal,
      }),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })

/** What keeps mails of the template from being made, as far as one person shows; null: nothing. */
export async function findMailProblem(project: string, id: number): Promise<string | null> {
  try {
    const path = projectPath(project, 'templates', id, 'preview')
    return (await request<TemplatePreview>(path, { method: 'POST', body: {} })).senderProblem
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return error.message
    throw error
  }
}
