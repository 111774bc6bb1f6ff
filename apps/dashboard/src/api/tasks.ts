import type { Task } from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'

/** How often something that is being worked on is asked for, ms. */
export const workRefreshMs = 1000

export const isUnderWay = (task: Task | null | undefined): boolean =>
  task?.state === 'waiting' || task?.state === 'running'

export const useTask = (project: string, id: string | number | undefined) =>
  useQuery({
    queryKey: [project, 'tasks', String(id)],
    queryFn: ({ signal }) => request<Task>(projectPath(project, 'tasks', id!), { signal }),
    enabled: id !== undefined,
    refetchInterval: ({ state }) => (isUnderWay(state.data) ? workRefreshMs : false),
  })

export type TaskSwitch = 'pause' | 'resume' | 'cancel'

/** Whatever shows the task is read again afterwards. */
export function useSwitchTask(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, to }: { id: string | number; to: TaskSwitch }) =>
      request<Task>(projectPath(project, 'tasks', id, to), { method: 'POST' }),
    onSettled: () => client.invalidateQueries({ queryKey: [project] }),
  })
}
