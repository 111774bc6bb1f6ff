import type { SourceRun } from '@fairway/api'
import { Badge, Group, Text } from '@mantine/core'
import { TimeAgo } from '../../components/time-ago.tsx'
import { plural } from '../../lib/format.ts'

const states: Record<SourceRun['state'], { label: string; color: string }> = {
  fetching: { label: 'Being read', color: 'blue' },
  importing: { label: 'Importing', color: 'blue' },
  done: { label: 'Done', color: 'lagoon' },
  failed: { label: 'Failed', color: 'red' },
}

/** When it last ran, what came of it, and why it failed. */
export function LastRun({ run }: { run: SourceRun | null }) {
  if (!run)
    return (
      <Text size="sm" c="dimmed">
        Never ran
      </Text>
    )
  return (
    <div>
      <Group gap="xs">
        <Badge color={states[run.state].color} variant="dot" tt="none" fw={550}>
          {states[run.state].label}
        </Badge>
        <TimeAgo at={run.at} size="sm" c="dimmed" />
      </Group>
      <Text size="xs" c={run.error ? 'red' : 'dimmed'} mt={4} style={{ overflowWrap: 'anywhere' }}>
        {run.error ?? (run.rows === null ? '' : plural(run.rows, 'row'))}
      </Text>
    </div>
  )
}
