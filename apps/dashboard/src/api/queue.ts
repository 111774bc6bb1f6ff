import type { DeadLetter, DeadLetterDetail, ProjectQueue } from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { useKeyset } from './keyset.ts'

const refreshMs = 5_000
/** The server takes as many refs at once. */
const refsAtOnce = 100

export const useProjectQueue = (project: string) =>
  useQuery({
    queryKey: [project, 'queue'],
    queryFn: ({ signal }) => request<ProjectQueue>(projectPath(project, 'queue'), { signal }),
    refetchInterval: refreshMs,
  })

export function usePauseQueue(project: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (paused: boolean) =>
      request<ProjectQueue>(projectPath(project, 'queue', paused ? 'pause' : 'resume'), { method: 'POST' }),
    onSuccess: (queue) => {
      client.setQueryData([project, 'queue'], queue)
      return client.invalidateQueries({ queryKey: [project, 'overview'] })
    },
  })
}

export interface DeadLetterFilter {
  lane?: string
  name?: string
  reason?: string
}

export const useDeadLetters = (project: string, filter: DeadLetterFilter) =>
  useKeyset<DeadLetter>([project, 'dead-letters'], projectPath(project, 'queue', 'dead-letters'), {
    ...filter,
  })

export const useDeadLetter = (project: string, ref: string) =>
  useQuery({
    queryKey: [project, 'dead-letters', ref],
    queryFn: ({ signal }) =>
      request<DeadLetterDetail>(projectPath(project, 'queue', 'dead-letters', ref), { signal }),
  })

/** The ones named, or all that match. */
export type WhichDeadLetters = { refs: string[] } | { matching: DeadLetterFilter & { before?: string } }

/** Answers how many run again. */
export const useRedrive = (project: string) =>
  useDecision(project, async ({ which, perSecond }: { which: WhichDeadLetters; perSecond?: number }) => {
    let count = 0
    const parts = inParts(which)
    for (const part of parts) {
      // Each part is spread from now on: together they keep to the rate.
      const body = { ...part, ...(perSecond && { perSecond: perSecond / parts.length }) }
      count += (await post<{ redriven: number }>(project, 'redrive', body)).redriven
    }
    return count
  })

/** Answers how many are gone. */
export const useDiscard = (project: string) =>
  useDecision(project, async (which: WhichDeadLetters) => {
    let count = 0
    for (const part of inParts(which))
      count += (await post<{ discarded: number }>(project, 'discard', { ...part, confirm: true })).discarded
    return count
  })

const post = <Reply>(project: string, action: string, body: object) =>
  request<Reply>(projectPath(project, 'queue', 'dead-letters', action), { method: 'POST', body })

function inParts(which: WhichDeadLetters): WhichDeadLetters[] {
  if (!('refs' in which)) return [which]
  const parts: WhichDeadLetters[] = []
  for (let from = 0; from < which.refs.length; from += refsAtOnce)
    parts.push({ refs: which.refs.slice(from, from + refsAtOnce) })
  return parts
}

function useDecision<Input>(project: string, decide: (input: Input) => Promise<number>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: decide,
    // Also after a failure: some of it may have been done.
    onSettled: () => {
      for (const key of ['dead-letters', 'queue', 'overview'])
        void client.invalidateQueries({ queryKey: [project, key] })
    },
  })
}
