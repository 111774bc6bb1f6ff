import { Skeleton, Stack } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { BusyNote } from './busy-note.tsx'
import { ErrorState } from './error-state.tsx'

interface QueryViewProps<Data> {
  query: UseQueryResult<Data, Error>
  /** Names the data in the error and for screen readers: "the overview". */
  what: string
  skeleton?: React.ReactNode
  children: (data: Data) => React.ReactNode
}

/** Loading, failed, or there: the three states of everything that is fetched. Data stays visible while it refreshes. */
export function QueryView<Data>({ query, what, skeleton, children }: QueryViewProps<Data>) {
  if (query.data !== undefined) return children(query.data)
  if (query.isError)
    return (
      <ErrorState
        title={`Could not load ${what}`}
        error={query.error}
        retrying={query.isFetching}
        onRetry={() => query.refetch()}
      />
    )
  return (
    <div aria-busy="true" role="status" aria-label={`Loading ${what}`}>
      {skeleton ?? <SkeletonLines />}
      <BusyNote query={query} />
    </div>
  )
}

export function SkeletonLines({ lines = 6, height = 16 }: { lines?: number; height?: number }) {
  return (
    <Stack gap="sm">
      {Array.from({ length: lines }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines have no identity
        <Skeleton key={index} height={height} width={`${95 - ((index * 17) % 40)}%`} />
      ))}
    </Stack>
  )
}
