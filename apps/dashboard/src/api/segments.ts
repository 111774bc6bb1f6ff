import type { Segment as AnySegment, SegmentMember, SegmentPreview, SegmentUser } from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Condition } from '../conditions/language.ts'
import { projectPath, request } from './client.ts'
import { forgetLists, useKeyset, useWhole } from './keyset.ts'
import { isBusy, retryWhileBusy } from './query-client.ts'
import { isUnderWay, workRefreshMs } from './tasks.ts'
import type { WithConditions } from './types.ts'

/** People who match conditions, or a list kept by hand. */
export type Segment = WithConditions<AnySegment>

const isBuilding = ({ state, task }: Segment) => state === 'building' || isUnderWay(task)

export const useSegments = (project: string) =>
  useKeyset<Segment>(
    [project, 'segments', 'list'],
    projectPath(project, 'segments'),
    {},
    {
      refetchWhile: (segments) => segments.some(isBuilding),
    },
  )

/** All of them, for their names. */
export const useEverySegment = (project: string) =>
  useWhole<Segment>([project, 'segments'], projectPath(project, 'segments'))

export const readSegment = (project: string, id: string | number, signal?: AbortSignal) =>
  request<Segment>(projectPath(project, 'segments', id), { signal })

export const useSegment = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'segments', id],
    queryFn: ({ signal }) => readSegment(project, id, signal),
    refetchInterval: ({ state }) => (state.data && isBuilding(state.data) ? workRefreshMs : false),
  })

/** Read anew when the segment was built anew. */
export const useSegmentMembers = (project: string, { id, builtAt }: Pick<Segment, 'id' | 'builtAt'>) =>
  useKeyset<SegmentMember>(
    [project, 'segments', String(id), 'members', builtAt],
    projectPath(project, 'segments', id, 'members'),
  )

export const useSegmentUsers = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'segments', id, 'used-by'],
    queryFn: ({ signal }) =>
      request<{ items: SegmentUser[] }>(projectPath(project, 'segments', id, 'used-by'), { signal }).then(
        ({ items }) => items,
      ),
  })

export type SegmentInput =
  | { name: string; conditions: Condition }
  | { name: string; manual: true }
  | { name: string }

/** Creates without an id, changes with one. */
export function useSaveSegment(project: string, id?: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: SegmentInput & { updatedAt?: string }) =>
      id === undefined
        ? request<Segment>(projectPath(project, 'segments'), { method: 'POST', body })
        : request<Segment>(projectPath(project, 'segments', id), { method: 'PATCH', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'segments'] }),
  })
}

export function useDeleteSegment(project: string, id: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request(projectPath(project, 'segments', id), { method: 'DELETE' }),
    onSuccess: () => forgetLists(client, [project, 'segments']),
  })
}

/** By hand, of manual segments alone. People are named as in paths: our number, or `id:` and theirs. */
export function useChangeMembers(project: string, id: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: { add?: string[]; remove?: string[] }) =>
      request(projectPath(project, 'segments', id, 'members'), { method: 'POST', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'segments'] }),
  })
}

/** An estimate is there soon, the exact number follows. Nothing is asked without conditions. */
export function useSegmentPreview(project: string, conditions: Condition | null) {
  const ask = (exact: boolean, enabled: boolean) =>
    ({
      queryKey: [project, 'segment-preview', exact, conditions],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        request<SegmentPreview>(projectPath(project, 'segments', 'preview'), {
          method: 'POST',
          body: { conditions, exact },
          signal,
        }),
      enabled,
      retry: retryWhileBusy,
      staleTime: 30_000,
    }) as const
  const estimate = useQuery(ask(false, conditions !== null))
  const exact = useQuery(ask(true, estimate.data !== undefined && !estimate.data.exact))
  return {
    preview: exact.data ?? estimate.data,
    error: estimate.error ?? exact.error,
    /** The number may still change. */
    counting: estimate.isFetching || exact.isFetching,
    /** It waits for its turn. */
    busy: isBusy(estimate.failureReason) || isBusy(exact.failureReason),
  }
}
