import type {
  ApiKey,
  ChangedProvider,
  CreatedKey,
  KeyKind,
  ListedProvider,
  Project,
  ProjectSettings,
  Provider,
  RemovedProvider,
  SendingDomain,
} from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'

const items = <T>(path: string, signal?: AbortSignal) =>
  request<{ items: T[] }>(path, { signal }).then((page) => page.items)

/** A change of something of the project: `send` does it, and everything under `key` is read again. */
function useChange<Input, Output>(project: string, key: string, send: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: send,
    onSuccess: () => client.invalidateQueries({ queryKey: [project, key] }),
  })
}

/** Of where mail goes: what waits is woken. */
function useChangeSending<Input, Output>(project: string, send: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({ mutationFn: send, onSuccess: () => client.invalidateQueries({ queryKey: [project] }) })
}

export const readSettings = (project: string, signal?: AbortSignal) =>
  request<ProjectSettings>(projectPath(project, 'settings'), { signal })

export const useSettings = (project: string) =>
  useQuery({
    queryKey: [project, 'settings'],
    queryFn: ({ signal }) => readSettings(project, signal),
  })

export function useChangeSettings(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (
      body: Partial<
        Pick<Project, 'name' | 'mode' | 'testAddress' | 'timezone' | 'eventRetentionDays' | 'updatedAt'>
      >,
    ) => request<Project>(projectPath(project, 'settings'), { method: 'PATCH', body }),
    onSuccess: () =>
      Promise.all([
        // Another mode is another way for all mail.
        client.invalidateQueries({ queryKey: [project] }),
        client.invalidateQueries({ queryKey: ['projects'] }),
      ]),
  })
}

export const useKeys = (project: string) =>
  useQuery({
    queryKey: [project, 'keys'],
    queryFn: ({ signal }) => items<ApiKey>(projectPath(project, 'keys'), signal),
  })

export const useCreateKey = (project: string) =>
  useChange(project, 'keys', (body: { kind: KeyKind; name: string }) =>
    request<CreatedKey>(projectPath(project, 'keys'), { method: 'POST', body }),
  )

export const useRevokeKey = (project: string) =>
  useChange(project, 'keys', (id: number) => request(projectPath(project, 'keys', id), { method: 'DELETE' }))

const readProviders = (project: string, signal?: AbortSignal) =>
  items<ListedProvider>(projectPath(project, 'providers'), signal)

/** @throws {Error} when it is gone */
export async function readProvider(project: string, id: number): Promise<Provider> {
  const provider = (await readProviders(project)).find((each) => each.id === id)
  if (!provider) throw new Error('This SMTP server was removed.')
  return provider
}

export const useProviders = (project: string) =>
  useQuery({
    queryKey: [project, 'providers'],
    queryFn: ({ signal }) => readProviders(project, signal),
    // What could not be sent through them changes by itself.
    refetchInterval: ({ state }) => (state.data?.some(({ retrying }) => retrying?.count) ? 2_000 : 10_000),
  })

export interface ProviderInput {
  name: string
  config: { host: string; port: number; secure: boolean; user?: string; password?: string }
  limits: { perSecond?: number; connections?: number }
}

/** Without an id: adds one. */
export const useSaveProvider = (project: string, id: number | undefined) =>
  useChangeSending(project, (body: ProviderInput & { updatedAt?: string }) =>
    id === undefined
      ? request<Provider>(projectPath(project, 'providers'), { method: 'POST', body })
      : request<Provider>(projectPath(project, 'providers', id), { method: 'PATCH', body }),
  )

export const useChangeProvider = (project: string) =>
  useChangeSending(project, ({ id, ...body }: { id: number; active: boolean }) =>
    request<ChangedProvider>(projectPath(project, 'providers', id), {
      method: 'PATCH',
      body,
    }),
  )

export const useDeleteProvider = (project: string) =>
  useChangeSending(project, (id: number) =>
    request<RemovedProvider>(projectPath(project, 'providers', id), { method: 'DELETE' }),
  )

export function useTestProvider(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, to, from }: { id: number; to: string; from: string }) =>
      request(projectPath(project, 'providers', id, 'test'), {
        method: 'POST',
        body: { to, ...(from && { from }) },
      }),
    // A failure is kept as well.
    onSettled: () => client.invalidateQueries({ queryKey: [project, 'providers'] }),
  })
}

export const useDomains = (project: string) =>
  useQuery({
    queryKey: [project, 'domains'],
    queryFn: ({ signal }) => items<SendingDomain>(projectPath(project, 'domains'), signal),
  })

export const useAddDomain = (project: string) =>
  useChange(project, 'domains', (domain: string) =>
    request<SendingDomain>(projectPath(project, 'domains'), { method: 'POST', body: { domain } }),
  )

export const useRemoveDomain = (project: string) =>
  useChange(project, 'domains', (domain: string) =>
    request(projectPath(project, 'domains', domain), { method: 'DELETE' }),
  )
