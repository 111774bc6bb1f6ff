import type { ImportColumn } from '@fairway/api'
import { ScrollArea, Table, Text } from '@mantine/core'

const rowsShown = 8

/** The first rows as they stand in the file. */
export function PreviewTable({ columns, rows }: { columns: ImportColumn[]; rows: string[][] }) {
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0, role: 'group', 'aria-label': 'First rows' }}>
      <Table aria-label="First rows of the file" verticalSpacing={6} withColumnBorders>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ name }) => (
              <Table.Th key={name} style={{ whiteSpace: 'nowrap' }}>
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.slice(0, rowsShown).map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a file have no identity but their place
            <Table.Tr key={index}>
              {columns.map(({ name }, column) => (
                <Table.Td key={name}>
                  <Text size="sm" truncate maw={260} title={row[column]}>
                    {row[column] ?? ''}
                  </Text>
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}
