import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'

export type TaskState = 'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled'
export type TaskKind =
  | 'import'
  | 'undo_import'
  | 'export'
  | 'bulk_action'
  | 'segment_build'
  | 'retry_messages'

/** Long work, done step by step; a restart of the server does not end it. */
export interface Task {
  id: string | number
  kind: TaskKind
  state: TaskState
  title: string
  done: number
  /** Null while nobody knows. */
  total: number | null
  /** Rows that were refused. */
  failed: number
  perSecond: number | null
  etaSeconds: number | null
  /** Why it failed or was paused. */
  message: string | null
  createdAt: string
  startedAt: string | null
  finishedAt: string | null
  detail: Record<string, unknown>
}

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
