import { Badge, Group, Text } from '@mantine/core'
import type { SourceRun } from '../../api/sources.ts'
import { TimeAgo } from '../../components/time-ago.tsx'
import { plural } from '../../lib/format.ts'

const colors: Record<string, string> = { done: 'lagoon', failed: 'red', running: 'blue', waiting: 'gray' }

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
        <Badge color={colors[run.state] ?? 'gray'} variant="dot" tt="none" fw={550}>
          {run.state.charAt(0).toUpperCase() + run.state.slice(1).replaceAll('_', ' ')}
        </Badge>
        <TimeAgo at={run.at} size="sm" c="dimmed" />
      </Group>
      <Text size="xs" c={run.error ? 'red' : 'dimmed'} mt={4} style={{ overflowWrap: 'anywhere' }}>
        {run.error ?? plural(run.rows, 'row')}
      </Text>
    </div>
  )
}
