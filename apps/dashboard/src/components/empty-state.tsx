import { Group, EmptyState as MantineEmptyState } from '@mantine/core'
import type { TablerIcon } from '@tabler/icons-react'

interface EmptyStateProps {
  icon: TablerIcon
  title: string
  /** What would be here, and how it gets here. */
  children?: React.ReactNode
  actions?: React.ReactNode
}

export function EmptyState({ icon: Icon, title, children, actions }: EmptyStateProps) {
  return (
    <MantineEmptyState
      py={48}
      px="md"
      maw={520}
      mx="auto"
      variant="light"
      icon={<Icon aria-hidden stroke={1.6} />}
      title={title}
      description={children}
    >
      {actions && (
        <Group justify="center" mt="md">
          {actions}
        </Group>
      )}
    </MantineEmptyState>
  )
}
