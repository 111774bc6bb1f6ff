import type { Person, SearchedPage } from '@fairway/api'
import { Button, Group, Text } from '@mantine/core'
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { useOverview } from '../../api/overview.ts'
import { formatNumber } from '../../lib/format.ts'

interface ScannedProps {
  project: string
  query: UseInfiniteQueryResult<InfiniteData<SearchedPage<Person>>, Error>
}

/** How far a search by conditions has looked: it stops after so many people, and goes on when it is asked to. */
export function Scanned({ project, query }: ScannedProps) {
  const total = useOverview(project, 24).data?.totals.people
  const examined = query.data?.pages.reduce((sum, page) => sum + page.examined, 0) ?? 0
  const found = query.data?.pages.reduce((sum, page) => sum + page.items.length, 0) ?? 0
  const of = total !== undefined && total >= examined ? ` of ${formatNumber(total)}` : ''
  return (
    <Group justify="center" mt="md" gap="sm">
      <Text size="sm" c="dimmed" role="status">
        {query.hasNextPage
          ? `Looked at ${formatNumber(examined)}${of} people, found ${formatNumber(found)} so far.`
          : `Everybody was looked at: ${formatNumber(found)} found.`}
      </Text>
      {query.hasNextPage && (
        <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
          Go on
        </Button>
      )}
    </Group>
  )
}
