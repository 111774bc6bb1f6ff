import type { SegmentUser } from '@fairway/api'
import { Stack, Text } from '@mantine/core'
import { useSegmentUsers } from '../../api/segments.ts'
import { AnchorLink } from '../../components/links.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'

/** What would break without the segment. */
export function UsedBySection({ project, id }: { project: string; id: string }) {
  const users = useSegmentUsers(project, id)
  return (
    <Section title="Used by">
      <QueryView query={users} what="what uses it">
        {(items) =>
          items.length === 0 ? (
            <Text size="sm" c="dimmed">
              Nothing yet. Campaigns and other segments can ask who is in it.
            </Text>
          ) : (
            <UsedByList project={project} items={items} />
          )
        }
      </QueryView>
    </Section>
  )
}

export const UsedByList = ({ project, items }: { project: string; items: SegmentUser[] }) => (
  <Stack gap={4} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
    {items.map((item) => (
      <li key={`${item.kind} ${item.id}`}>
        <User project={project} item={item} />
      </li>
    ))}
  </Stack>
)

function User({ project, item: { kind, id, name } }: { project: string; item: SegmentUser }) {
  if (kind === 'segment')
    return (
      <AnchorLink
        to="/projects/$project/segments/$segment"
        params={{ project, segment: String(id) }}
        size="sm"
      >
        Segment “{name}”
      </AnchorLink>
    )
  return (
    <AnchorLink
      to="/projects/$project/campaigns/$campaign"
      params={{ project, campaign: String(id) }}
      size="sm"
    >
      Campaign “{name}”
    </AnchorLink>
  )
}
