import { Text } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { isBusy } from '../api/query-client.ts'

type Asked = Pick<UseQueryResult, 'isFetching' | 'failureReason'>

export const busyWords = 'Busy counting for this project; trying again…'

/** Under what loads: why it takes longer, when the project reads as much at once as it may. */
export function BusyNote({ query }: { query: Asked }) {
  if (!query.isFetching || !isBusy(query.failureReason)) return null
  return (
    <Text size="sm" c="dimmed" mt="xs">
      {busyWords}
    </Text>
  )
}
