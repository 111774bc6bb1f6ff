import type { CreatedProject, ListedProject, Session } from '@fairway/api'
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiError, request } from './client.ts'

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await request<Session>('/api/v1/session', { signal })
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
})

export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  staleTime: 60_000,
  queryFn: ({ signal }) =>
    request<{ items: ListedProject[] }>('/api/v1/projects', { signal }).then(({ items }) => items),
})

const heartbeatMs = 10_000

/** Pages that read nothing by themselves notice by this that the server is gone. */
export const useHeartbeat = (project: string) =>
  useQuery({
    queryKey: [project, 'heartbeat'],
    queryFn: ({ signal }) => request<unknown>('/heartbeat', { signal }).then(() => true),
    refetchInterval: heartbeatMs,
  })

export const useProjects = () => useQuery(projectsQuery)

export function useCreateProject() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: { name: string; organizationId?: string; timezone?: string }) =>
      request<CreatedProject>('/api/v1/projects', { method: 'POST', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: projectsQuery.queryKey }),
  })
}

export function useSignIn() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: { email: string; password: string }) =>
      request('/api/auth/sign-in/email', { method: 'POST', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  })
}

export function useSignOut() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request('/api/auth/sign-out', { method: 'POST', body: {} }),
    onSuccess: () => {
      client.clear()
      client.setQueryData(sessionQuery.queryKey, null)
    },
  })
}

export function useSetPassword() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: { newPassword: string; currentPassword?: string }) =>
      request('/api/v1/session/password', { method: 'PUT', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  })
}

export function useChangeAccount() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: { name?: string; email?: string }) =>
      request('/api/v1/session', { method: 'PATCH', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  })
}
