import { Box, Card, Table, Text, UnstyledButton } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { useState } from 'react'
import classes from '../../components/data-table.module.css'
import { TimeAgo } from '../../components/time-ago.tsx'

interface Seen {
  firstSeen: string
  lastSeen: string
}

interface SortColumn<Row> {
  title: string
  render: (row: Row) => React.ReactNode
  sort: (row: Row) => number | string
}

interface CatalogueTableProps<Row> {
  label: string
  rows: Row[]
  rowKey: (row: Row) => string
  name: (row: Row) => string
  columns: SortColumn<Row>[]
  chosen: (row: Row) => boolean
  onChoose: (row: Row) => void
}

/** Names with when they were seen; short enough to come whole, so it is sorted here. */
export function CatalogueTable<Row extends Seen>({
  label,
  rows,
  rowKey,
  name,
  columns,
  chosen,
  onChoose,
}: CatalogueTableProps<Row>) {
  // Dimmed words on the colour of the chosen row could not be read.
  const quiet = (row: Row) => (chosen(row) ? {} : { c: 'dimmed' })
  const all: SortColumn<Row>[] = [
    {
      title: 'Name',
      render: (row) => (
        <UnstyledButton fz="sm" fw={600} aria-pressed={chosen(row)} onClick={() => onChoose(row)}>
          {name(row)}
        </UnstyledButton>
      ),
      sort: (row) => name(row).toLowerCase(),
    },
    ...columns,
    {
      title: 'First seen',
      render: (row) => <TimeAgo at={row.firstSeen} {...quiet(row)} />,
      sort: (row) => row.firstSeen,
    },
    {
      title: 'Last seen',
      render: (row) => <TimeAgo at={row.lastSeen} {...quiet(row)} />,
      sort: (row) => row.lastSeen,
    },
  ]
  const [order, setOrder] = useState({ title: columns[0]?.title ?? 'Name', down: true })
  const by = all.find(({ title }) => title === order.title)!
  const sorted = rows.toSorted((a, b) => compare(by.sort(a), by.sort(b)) * (order.down ? -1 : 1))
  const sortBy = (title: string) =>
    setOrder({ title, down: order.title === title ? !order.down : title !== 'Name' })
  return (
    <Card p={0}>
      <Box className={classes.scroll} tabIndex={0} role="group" aria-label={label}>
        <Table aria-label={label}>
          <Table.Thead>
            <Table.Tr>
              {all.map(({ title }, index) => (
                <Table.Th
                  key={title}
                  ta={index === 0 ? undefined : 'right'}
                  className={classes.head}
                  aria-sort={order.title === title ? (order.down ? 'descending' : 'ascending') : 'none'}
                >
                  <UnstyledButton fz="xs" fw={600} onClick={() => sortBy(title)}>
                    {title} {order.title === title && <Arrow down={order.down} />}
                  </UnstyledButton>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {sorted.map((row) => (
              <Table.Tr key={rowKey(row)} bg={chosen(row) ? 'var(--mantine-primary-color-light)' : undefined}>
                {all.map(({ title, render }, index) => (
                  <Table.Td key={title} ta={index === 0 ? undefined : 'right'} className={classes.cell}>
                    <Text size="sm" component="div">
                      {render(row)}
                    </Text>
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Box>
    </Card>
  )
}

const Arrow = ({ down }: { down: boolean }) =>
  down ? <IconArrowDown size={12} aria-hidden /> : <IconArrowUp size={12} aria-hidden />

const compare = (a: number | string, b: number | string) => (a < b ? -1 : a > b ? 1 : 0)
