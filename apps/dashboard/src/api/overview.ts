import type { Overview } from '@fairway/api'
import { useQuery } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'

export const useOverview = (project: string, hours: number) =>
  useQuery({
    queryKey: [project, 'overview', hours],
    queryFn: ({ signal }) =>
      request<Overview>(projectPath(project, 'overview'), { query: { hours }, signal }),
    refetchInterval: 10_000,
    placeholderData: (previous) => previous,
  })
