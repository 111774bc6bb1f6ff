import { Alert, Code, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { Attention } from '../../api/types.ts'
import { ButtonLink } from '../../components/links.tsx'

/** What asks for a person: nothing is shown when nothing does. */
export function AttentionList({ project, items }: { project: string; items: Attention[] }) {
  if (items.length === 0) return null
  return (
    <Stack gap="xs" component="section" aria-label="Needs attention">
      {items.map((item) => (
        <Alert key={item.kind} color="buoy" variant="light" p="sm" icon={<IconAlertTriangle aria-hidden />}>
          <Group justify="space-between" gap="sm">
            <span>{item.title}</span>
            <Remedy project={project} kind={item.kind} />
          </Group>
        </Alert>
      ))}
    </Stack>
  )
}

/** Where to see it and do something about it. */
function Remedy({ project, kind }: { project: string; kind: Attention['kind'] }) {
  const look = { size: 'compact-sm', variant: 'light', color: 'buoy' } as const
  if (kind === 'messages_failed' || kind === 'messages_unknown')
    return (
      <ButtonLink
        {...look}
        to="/projects/$project/messages"
        params={{ project }}
        search={{ state: kind === 'messages_failed' ? 'failed' : 'unknown' }}
      >
        Show them
      </ButtonLink>
    )
  if (kind === 'items_rejected')
    return (
      <ButtonLink {...look} to="/projects/$project/rejects" params={{ project }}>
        See why
      </ButtonLink>
    )
  return (
    <Text span size="sm" c="dimmed">
      On the server: <Code>npx fairway queue stats</Code>
    </Text>
  )
}
