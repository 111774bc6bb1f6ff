import type { Erasure, Json, Person, PersonDetail, SearchedPage, Task, TimelineEntry } from '@fairway/api'
import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import type { Condition } from '../conditions/language.ts'
import { projectPath, request } from './client.ts'
import { forgetLists, useKeyset } from './keyset.ts'
import { retryWhileBusy } from './query-client.ts'

export const usePeople = (project: string, search: string, enabled = true) =>
  useKeyset<Person>([project, 'people'], projectPath(project, 'people'), { search }, { enabled })

/** How many there are, or a search finds: up to 10,000. */
export const usePeopleCount = (project: string, search: string, enabled: boolean) =>
  useQuery({
    queryKey: [project, 'people-count', search],
    queryFn: ({ signal }) =>
      request<{ count: number; more: boolean }>(projectPath(project, 'people', 'count'), {
        query: { search },
        signal,
      }),
    enabled,
    retry: retryWhileBusy,
  })

export interface PeopleFilter {
  segment?: number
  conditions?: Condition
}

export const useFilteredPeople = (project: string, filter: PeopleFilter) =>
  useInfiniteQuery({
    queryKey: [project, 'people', 'filtered', filter],
    queryFn: ({ pageParam, signal }) =>
      request<SearchedPage<Person>>(projectPath(project, 'people', 'search'), {
        method: 'POST',
        body: { ...filter, ...(pageParam && { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    enabled: filter.segment !== undefined || filter.conditions !== undefined,
    placeholderData: keepPreviousData,
    retry: retryWhileBusy,
  })

/** Whom a bulk action is about. */
export type BulkPeople =
  | { ids: number[] }
  | { segment: number }
  | { conditions: Condition }
  | { everybody: true }

export type BulkAction =
  | { kind: 'add_tag' | 'remove_tag'; tag: string }
  | { kind: 'subscribe' | 'unsubscribe' | 'suppress' | 'erase' }
  | { kind: 'add_to_segment' | 'remove_from_segment'; segment: number }
  | { kind: 'set_property'; name: string; value: string | number | boolean }
  | { kind: 'set_topic'; topic: string; wanted: boolean }

export const useBulkAction = (project: string) =>
  useMutation({
    mutationFn: (body: { people: BulkPeople; action: BulkAction }) =>
      request<Task>(projectPath(project, 'people', 'bulk'), { method: 'POST', body }),
  })

export const usePerson = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'people', id],
    queryFn: ({ signal }) => request<PersonDetail>(projectPath(project, 'people', id), { signal }),
  })

export const useTimeline = (project: string, id: string) =>
  useKeyset<TimelineEntry>(
    [project, 'people', id, 'timeline'],
    projectPath(project, 'people', id, 'timeline'),
  )

/** Of one person; what is empty stays. */
export interface PersonChanges {
  /** `email`, `phone`, `timezone`, `language`; null removes one. */
  contact: Record<string, string | null>
  /** Null removes a property. */
  properties: Record<string, Json>
  topics: Record<string, boolean>
  tags: { add: string[]; remove: string[] }
  /** Ids of segments made by hand. */
  lists: { add: string[]; remove: string[] }
}

/** Each part by itself: what fails can be saved again, and what was saved does no harm a second time. */
export function useEditPerson(project: string, id: string) {
  const client = useQueryClient()
  const post = (path: string, body: object, method: 'POST' | 'PATCH' = 'POST') =>
    request(path, { method, body })
  return useMutation({
    mutationFn: async ({ contact, properties, topics, tags, lists }: PersonChanges) => {
      const person = projectPath(project, 'people', id)
      const facts = {
        ...contact,
        ...(Object.keys(properties).length > 0 && { properties }),
        ...(Object.keys(topics).length > 0 && { topics }),
      }
      if (Object.keys(facts).length > 0) await post(person, facts, 'PATCH')
      if (tags.add.length + tags.remove.length > 0) await post(`${person}/tags`, tags)
      for (const list of lists.add)
        await post(projectPath(project, 'segments', list, 'members'), { add: [id] })
      for (const list of lists.remove)
        await post(projectPath(project, 'segments', list, 'members'), { remove: [id] })
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: [project, 'people'] }),
        client.invalidateQueries({ queryKey: [project, 'segments'] }),
      ]),
  })
}

export type PersonSwitch = 'subscribe' | 'unsubscribe' | 'suppress' | 'unsuppress'

export function useSwitchPerson(project: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: PersonSwitch) =>
      request<PersonDetail>(projectPath(project, 'people', id, change), { method: 'POST' }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'people'] }),
  })
}

export function useErasePerson(project: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request<Erasure>(projectPath(project, 'people', id), { method: 'DELETE' }),
    onSuccess: () => forgetLists(client, [project, 'people']),
  })
}

export const useErasures = (project: string) =>
  useKeyset<Erasure>([project, 'erasures'], projectPath(project, 'erasures'))

/** Everything held about a person, as a file. */
export const personExportPath = (project: string, id: string) => projectPath(project, 'people', id, 'export')
