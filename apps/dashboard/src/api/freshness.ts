import { type Query, useQueryClient } from '@tanstack/react-query'
import { useCallback, useSyncExternalStore } from 'react'
import { ApiError, ConnectionError } from './client.ts'
import { isBusy, isSignedOut } from './query-client.ts'

export interface Stale {
  /** When the oldest of what is shown was read. */
  since: number
  /** False: it answers, with an error. */
  away: boolean
}

/** Whether what the project's pages show is old, because reading it anew fails; undefined while it does not. */
export function useStale(project: string): Stale | undefined {
  const cache = useQueryClient().getQueryCache()
  const oldest = () =>
    cache
      .findAll({ queryKey: [project], type: 'active', predicate: isStale })
      .reduce<Query | undefined>(
        (first, query) => (first && first.state.dataUpdatedAt <= query.state.dataUpdatedAt ? first : query),
        undefined,
      )
  const query = useSyncExternalStore(
    useCallback((changed) => cache.subscribe(changed), [cache]),
    oldest,
  )
  return query && { since: query.state.dataUpdatedAt, away: isAway(failureOf(query)) }
}

/** The first failure counts: trying again takes its time. While the next try runs, the last one's error stays. */
const failureOf = ({ state }: Query): Error | null => state.fetchFailureReason ?? state.error

function isStale(query: Query): boolean {
  const failure = failureOf(query)
  return query.state.data !== undefined && failure !== null && !isBusy(failure) && !isSignedOut(failure)
}

/** A proxy in front answers for a server that is gone. */
const isAway = (failure: Error | null) =>
  failure instanceof ConnectionError ||
  (failure instanceof ApiError && failure.status >= 502 && failure.status <= 504)
