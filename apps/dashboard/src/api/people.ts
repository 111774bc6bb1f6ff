import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { useKeyset } from './keyset.ts'
import type { Person, PersonDetail, TimelineEntry } from './types.ts'

export const usePeople = (project: string, search: string) =>
  useKeyset<Person>([project, 'people'], projectPath(project, 'people'), { search })

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
    mutationFn: () => request(projectPath(project, 'people', id), { method: 'DELETE' }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'people'], exact: true }),
  })
}
