import { keepPreviousData, type QueryClient, useInfiniteQuery } from '@tanstack/react-query'
import { type QueryValue, request } from './client.ts'
import { workRefreshMs } from './tasks.ts'
import type { Page } from './types.ts'

/** A list read page by page along its cursor. The rows of the last search stay until those of the new one are there. */
export function useKeyset<Item>(
  key: readonly unknown[],
  path: string,
  query: Record<string, QueryValue> = {},
  { refetchInterval, refetchWhile, enabled }: KeysetOptions<Item> = {},
) {
  return useInfiniteQuery({
    queryKey: [...key, query],
    queryFn: ({ pageParam, signal }) =>
      request<Page<Item>>(path, { query: { ...query, cursor: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
    enabled,
    refetchInterval: ({ state }) => {
      const rows = state.data?.pages.flatMap((page) => page.items) ?? []
      return refetchWhile?.(rows) ? workRefreshMs : (refetchInterval ?? false)
    },
  })
}

interface KeysetOptions<Item> {
  enabled?: boolean
  refetchInterval?: number
  /** Asks every second while one of the rows is being worked on. */
  refetchWhile?: (rows: Item[]) => boolean
}

/**
 * After a deletion: the lists of a kind, not those of one of its things, are read anew, and do not show for a moment what
 * is gone.
 */
export function forgetLists(client: QueryClient, key: readonly unknown[]): void {
  const lists = {
    queryKey: key,
    predicate: ({ queryKey }: { queryKey: readonly unknown[] }) =>
      queryKey.length <= key.length + 2 && typeof queryKey.at(-1) === 'object',
  }
  client.removeQueries({ ...lists, type: 'inactive' })
  void client.invalidateQueries(lists)
}
