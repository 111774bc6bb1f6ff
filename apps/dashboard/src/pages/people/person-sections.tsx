import type { PersonDetail } from '@fairway/api'
import { Badge, Group, Stack, Text } from '@mantine/core'
import { IconCheck, IconDeviceMobile, IconX } from '@tabler/icons-react'
import { AnchorLink } from '../../components/links.tsx'
import { PropertyList } from '../../components/property-list.tsx'
import { Section } from '../../components/section.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'

interface SegmentsProps {
  project: string
  segments: NonNullable<PersonDetail['segments']>
}

export function Segments({ project, segments }: SegmentsProps) {
  return (
    <Section title="Segments">
      {segments.length === 0 ? (
        <Text size="sm" c="dimmed">
          In none.
        </Text>
      ) : (
        <Stack gap={4} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
          {segments.map(({ id, name }) => (
            <li key={id}>
              <AnchorLink
                to="/projects/$project/segments/$segment"
                params={{ project, segment: String(id) }}
                size="sm"
              >
                {name}
              </AnchorLink>
            </li>
          ))}
        </Stack>
      )}
    </Section>
  )
}

export const Topics = ({ topics }: { topics: PersonDetail['topics'] }) => (
  <Section title="Topics" description="What they want to hear of.">
    <PropertyList
      label="Topics"
      entries={Object.entries(topics).map(([name, wanted]) => [
        name,
        <Group key={name} gap={6} wrap="nowrap">
          {wanted ? <IconCheck size={15} aria-hidden /> : <IconX size={15} aria-hidden />}
          {wanted ? 'wanted' : 'not wanted'}
        </Group>,
      ])}
    />
  </Section>
)

export const Devices = ({ devices }: { devices: PersonDetail['channels'] }) => (
  <Section title="Devices" description="Where push messages reach them.">
    <Stack gap={6}>
      {devices.map(({ address, platform }) => (
        <Group key={address} gap="xs" wrap="nowrap" align="flex-start">
          <IconDeviceMobile size={16} aria-hidden style={{ flex: 'none', marginTop: 2 }} />
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {platform ? `${platform}: ` : ''}
            {address}
          </Text>
        </Group>
      ))}
    </Stack>
  </Section>
)

export function Aliases({ aliases }: { aliases: PersonDetail['aliases'] }) {
  return (
    <Section
      title="Also known as"
      description="Ids of people who were merged into this one, and anonymous ones from before they were known."
    >
      <Stack gap={6}>
        {aliases.map(({ alias, kind, createdAt }) => (
          <Group key={`${kind}:${alias}`} justify="space-between" wrap="nowrap" gap="sm">
            <Group gap={6} miw={0}>
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {alias}
              </Text>
              {kind === 'anonymous' && (
                <Badge variant="default" size="xs" tt="none" fw={500}>
                  anonymous
                </Badge>
              )}
            </Group>
            <TimeAgo at={createdAt} size="xs" c="dimmed" />
          </Group>
        ))}
      </Stack>
    </Section>
  )
}
