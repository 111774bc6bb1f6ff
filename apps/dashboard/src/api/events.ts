import type { Event, Reject } from '@fairway/api'
import { projectPath } from './client.ts'
import { useKeyset } from './keyset.ts'

export const useEvents = (project: string, filter: { name?: string }) =>
  useKeyset<Event>([project, 'events'], projectPath(project, 'events'), filter, {
    refetchInterval: 10_000,
  })

export const useRejects = (project: string) =>
  useKeyset<Reject>([project, 'rejects'], projectPath(project, 'rejects'))
