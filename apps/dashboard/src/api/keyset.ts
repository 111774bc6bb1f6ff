import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
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
