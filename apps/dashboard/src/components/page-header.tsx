import { Box, Group, Text, Title } from '@mantine/core'
import { usePageTitle } from '../lib/use-page-title.ts'

interface PageHeaderProps {
  title: string
  /** One sentence that says what the page is for. */
  description?: React.ReactNode
  /** Shown before the title: a way back, a badge. */
  before?: React.ReactNode
  after?: React.ReactNode
  actions?: React.ReactNode
}

export function PageHeader({ title, description, before, after, actions }: PageHeaderProps) {
  usePageTitle(title)
  return (
    <Group component="header" justify="space-between" align="flex-start" gap="md" mb="lg">
      <Box maw={720} miw={0}>
        {before}
        <Group gap="sm" wrap="wrap">
          <Title order={1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {after}
        </Group>
        {description && (
          <Text c="dimmed" mt={4} size="sm">
            {description}
          </Text>
        )}
      </Box>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  )
}
