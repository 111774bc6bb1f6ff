import type { Person } from '@fairway/api'
import { Badge, Checkbox, Group, Text } from '@mantine/core'
import type { Column } from '../../components/data-table.tsx'
import { RowLink } from '../../components/links.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { personName, shownName } from './person-name.ts'
import { Reachability } from './reachability.tsx'

export const peopleColumns = (
  project: string,
  selected: ReadonlySet<number>,
  toggle: (id: number) => void,
): Column<Person>[] => [
  {
    title: 'Person',
    render: (person) => (
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Checkbox
          mt={2}
          style={{ position: 'relative', zIndex: 1 }}
          aria-label={`Select ${personName(person)}`}
          checked={selected.has(person.id)}
          onChange={() => toggle(person.id)}
        />
        <Text size="sm" component="div" miw={0}>
          <RowLink to="/projects/$project/people/$person" params={{ project, person: String(person.id) }}>
            {personName(person)}
          </RowLink>
          {secondLine(person) && (
            <Text size="xs" c="dimmed">
              {secondLine(person)}
            </Text>
          )}
        </Text>
      </Group>
    ),
  },
  { title: 'Tags', visibleFrom: 'md', render: (person) => <Tags tags={person.tags} /> },
  {
    title: 'Marketing mail',
    visibleFrom: 'sm',
    // What is usual needs no colour.
    render: (person) =>
      person.subscribed && !person.suppressed ? 'Subscribed' : <Reachability person={person} />,
  },
  {
    title: 'Last change',
    align: 'right',
    width: 150,
    render: (person) => <TimeAgo at={person.updatedAt} c="dimmed" />,
  },
]

/** What a search may have found them by, and is not their first line. */
const secondLine = ({ properties, email, externalId, phone }: Person): string =>
  [shownName(properties), email && externalId, phone]
    .filter((part): part is string => typeof part === 'string' && part !== '')
    .join(' · ')

function Tags({ tags }: { tags: string[] }) {
  const shown = tags.slice(0, 3)
  return (
    <Group gap={4}>
      {shown.map((tag) => (
        <Badge key={tag} variant="default" tt="none" fw={500}>
          {tag}
        </Badge>
      ))}
      {tags.length > shown.length && (
        <Text size="xs" c="dimmed">
          +{tags.length - shown.length}
        </Text>
      )}
    </Group>
  )
}
