import { Card, Group, Text, Title } from '@mantine/core'
import { IconFlag3 } from '@tabler/icons-react'
import { ButtonLink } from '../../components/links.tsx'

export function Welcome({ project }: { project: string }) {
  return (
    <Card bg="var(--mantine-primary-color-light)" style={{ borderColor: 'transparent' }}>
      <Group justify="space-between" gap="md">
        <div>
          <Title order={2}>This project is waiting for its first event</Title>
          <Text size="sm" mt={2}>
            Two minutes: send an event, see the person appear, send a test mail and read it.
          </Text>
        </div>
        <ButtonLink
          to="/projects/$project/first-steps"
          params={{ project }}
          leftSection={<IconFlag3 size={16} aria-hidden />}
        >
          First steps
        </ButtonLink>
      </Group>
    </Card>
  )
}
