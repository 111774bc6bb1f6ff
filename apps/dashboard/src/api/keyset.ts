import type { Page } from '@fairway/api'
import { keepPreviousData, type QueryClient, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { type QueryValue, request } from './client.ts'
import { workRefreshMs } from './tasks.ts'

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

const rowsAtOnce = 100
/** Somebody who has more of them looks for names by other means. */
const maxRows = 1000

/** A short list at once, for choosing from it and for what its ids are called. */
export const useWhole = <Item>(key: readonly unknown[], path: string) =>
  useQuery({
    queryKey: [...key, 'whole'],
    queryFn: async ({ signal }) => {
      const items: Item[] = []
      let cursor: string | null | undefined
      while (cursor !== null && items.length < maxRows) {
        const page: Page<Item> = await request(path, { query: { limit: rowsAtOnce, cursor }, signal })
        items.push(...page.items)
        cursor = page.nextCursor
      }
      return items
    },
    staleTime: 30_000,
  })

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
