import { useQuery } from '@tanstack/react-query'
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
