import type { CatalogueProperty } from '@fairway/api'
import { Badge, Box, Group, Table, Text, Tooltip } from '@mantine/core'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatRelative } from '../../lib/format.ts'
import { useNow } from '../../lib/use-now.ts'

interface PropertyTypesProps {
  properties: CatalogueProperty[]
  label: string
}

/** Properties and the types that their values had; several types under one name are marked. */
export function PropertyTypes({ properties, label }: PropertyTypesProps) {
  const now = useNow()
  if (properties.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None yet.
      </Text>
    )
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="group" aria-label={label}>
      <Table aria-label={label} verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Property</Table.Th>
            <Table.Th>Types</Table.Th>
            <Table.Th ta="right">Last seen</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {properties.map(({ name, types, conflict, lastSeen }) => (
            <Table.Tr key={name}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
              <Table.Td>
                <Group gap={6}>
                  {types.map(({ type, lastSeen: at }) => (
                    <Tooltip key={type} label={`Last seen ${formatRelative(Date.parse(at), now)}`}>
                      <Badge variant="default" tt="none" fw={500}>
                        {type}
                      </Badge>
                    </Tooltip>
                  ))}
                  {conflict && (
                    <Badge color="yellow" variant="light" tt="none">
                      mixed
                    </Badge>
                  )}
                </Group>
              </Table.Td>
              <Table.Td ta="right">
                <TimeAgo at={lastSeen} c="dimmed" />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}
