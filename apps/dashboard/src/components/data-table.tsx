import type { Page } from '@fairway/api'
import { Box, Button, Card, Skeleton, Stack, Table, Text } from '@mantine/core'
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { BusyNote } from './busy-note.tsx'
import classes from './data-table.module.css'
import { ErrorState } from './error-state.tsx'

export interface Column<Row> {
  title: string
  render: (row: Row) => React.ReactNode
  align?: 'right'
  width?: string | number
  /** Narrower screens leave this column out. */
  visibleFrom?: 'xs' | 'sm' | 'md' | 'lg'
}

interface DataTableProps<Row> {
  /** Names the table for screen readers, and the rows in messages: "people". */
  label: string
  columns: Column<Row>[]
  query: UseInfiniteQueryResult<InfiniteData<Page<Row>>, Error>
  rowKey: (row: Row) => string | number
  /** Shown instead of the table when there is nothing. */
  empty: React.ReactNode
  /** In the place of "Show more", for a list that has more to say about how it goes on. */
  more?: React.ReactNode
}

/**
 * A table over keyset pages: skeleton rows first, "Show more" at the end, an error with a retry in its place. On phones
 * a row's cells stand below each other; the roles are written out because that takes them from the elements.
 */
export function DataTable<Row>({ label, columns, query, rowKey, empty, more }: DataTableProps<Row>) {
  const rows = query.data?.pages.flatMap((page) => page.items)
  if (!rows && query.isError)
    return (
      <ErrorState
        title={`Could not load the ${label}`}
        error={query.error}
        retrying={query.isFetching}
        onRetry={() => query.refetch()}
      />
    )
  // A page may be empty although the list goes on: then it has looked at many, and none was right.
  if (rows?.length === 0 && !query.hasNextPage) return <Card p={0}>{empty}</Card>

  if (rows?.length === 0)
    return (
      <>
        <Card>
          <Text size="sm" c="dimmed" ta="center">
            No {label} among those that were looked at so far.
          </Text>
        </Card>
        <NextPage label={label} query={query} more={more} />
      </>
    )
  return (
    <>
      <Card p={0} aria-busy={!rows}>
        <Box className={classes.scroll}>
          <Table role="table" highlightOnHover={Boolean(rows)} aria-label={label} className={classes.table}>
            <Table.Thead role="rowgroup" className={classes.heads}>
              <Table.Tr role="row">
                {columns.map((column) => (
                  <Table.Th
                    role="columnheader"
                    key={column.title}
                    w={column.width}
                    ta={column.align}
                    visibleFrom={column.visibleFrom}
                    className={classes.head}
                  >
                    {column.title}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody role="rowgroup">
              {rows
                ? rows.map((row) => <Row key={rowKey(row)} row={row} columns={columns} />)
                : Array.from({ length: 8 }, (_, index) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: the placeholders have no identity
                    <SkeletonRow key={index} columns={columns} />
                  ))}
            </Table.Tbody>
          </Table>
        </Box>
      </Card>
      <BusyNote query={query} />
      {rows && <NextPage label={label} query={query} more={more} />}
    </>
  )
}

function Row<R>({ row, columns }: { row: R; columns: Column<R>[] }) {
  return (
    <Table.Tr role="row" className={classes.row}>
      {columns.map((column) => (
        <Table.Td
          role="cell"
          key={column.title}
          ta={column.align}
          visibleFrom={column.visibleFrom}
          className={classes.cell}
        >
          {column.render(row)}
        </Table.Td>
      ))}
    </Table.Tr>
  )
}

function SkeletonRow<R>({ columns }: { columns: Column<R>[] }) {
  return (
    <Table.Tr role="row" className={classes.row}>
      {columns.map((column, index) => (
        <Table.Td role="cell" key={column.title} visibleFrom={column.visibleFrom} className={classes.cell}>
          <Skeleton height={14} my={4} width={index === 0 ? '70%' : '50%'} />
        </Table.Td>
      ))}
    </Table.Tr>
  )
}

function NextPage<R>({ label, query, more }: Pick<DataTableProps<R>, 'label' | 'query' | 'more'>) {
  if (query.isFetchNextPageError)
    return (
      <Box mt="md">
        <ErrorState
          title={`Could not load more ${label}`}
          error={query.error}
          retrying={query.isFetchingNextPage}
          onRetry={() => query.fetchNextPage()}
        />
      </Box>
    )
  if (more) return more
  if (!query.hasNextPage) return null
  const pages = query.data?.pages ?? []
  return (
    <Stack mt="md" gap="xs" align="center">
      {pages.length > 1 && pages.at(-1)?.items.length === 0 && (
        <Text size="sm" c="dimmed" role="status">
          None were added by the last look. There may be others further on.
        </Text>
      )}
      <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
        Show more {label}
      </Button>
    </Stack>
  )
}
