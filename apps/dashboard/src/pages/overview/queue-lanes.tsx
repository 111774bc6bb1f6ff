import type { LaneStatus } from '@fairway/api'
import { Table, Text } from '@mantine/core'
import { formatCount, formatDuration } from '../../lib/format.ts'
import { laneWords } from '../../lib/lanes.ts'

export function QueueLanes({ lanes }: { lanes: LaneStatus[] }) {
  return (
    <Table verticalSpacing={10} horizontalSpacing={0} aria-label="Queue lanes">
      <Table.Thead>
        <Table.Tr>
          <Table.Th fz="xs" c="dimmed">
            Lane
          </Table.Th>
          <Table.Th fz="xs" c="dimmed" ta="right">
            Waiting
          </Table.Th>
          <Table.Th fz="xs" c="dimmed" ta="right">
            Oldest
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lanes.map((lane) => (
          <Table.Tr key={lane.lane}>
            <Table.Td>
              <Text size="sm" fw={550}>
                {lane.lane}
              </Text>
              <Text size="xs" c="dimmed">
                {laneWords[lane.lane]}
              </Text>
            </Table.Td>
            <Table.Td ta="right">{formatCount(lane.waiting)}</Table.Td>
            <Table.Td ta="right">{lane.waiting === 0 ? '—' : formatDuration(lane.oldestAgeMs)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
