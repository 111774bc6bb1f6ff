import { Badge, Group, Text } from '@mantine/core'
import { IconUserSearch, IconUsers } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { usePeople } from '../../api/people.ts'
import type { Person } from '../../api/types.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ButtonLink, RowLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { personName } from './person-name.ts'

const route = getRouteApi('/signed-in/projects/$project/people')

export function PeoplePage() {
  const { project } = route.useParams()
  const { q = '' } = route.useSearch()
  const navigate = useNavigate()
  const people = usePeople(project, q)
  const search = (next: string) =>
    navigate({
      to: '/projects/$project/people',
      params: { project },
      search: next ? { q: next } : {},
      replace: true,
    })

  return (
    <>
      <PageHeader
        title="People"
        description="Everybody your product has told Fairway about."
        actions={<SearchField label="Search people" placeholder="Email or id" value={q} onChange={search} />}
      />
      <DataTable
        label="people"
        query={people}
        rowKey={(person) => person.id}
        columns={columns(project)}
        empty={q ? <NobodyFound /> : <NobodyYet project={project} />}
      />
    </>
  )
}

const columns = (project: string): Column<Person>[] => [
  {
    title: 'Person',
    render: (person) => (
      <>
        <RowLink to="/projects/$project/people/$person" params={{ project, person: String(person.id) }}>
          {personName(person)}
        </RowLink>
        {person.externalId && person.email && (
          <Text size="xs" c="dimmed">
            {person.externalId}
          </Text>
        )}
      </>
    ),
  },
  { title: 'Tags', visibleFrom: 'md', render: (person) => <Tags tags={person.tags} /> },
  {
    title: 'Marketing mail',
    visibleFrom: 'sm',
    render: (person) =>
      person.subscribed ? (
        'Subscribed'
      ) : (
        <Badge variant="light" color="yellow" tt="none">
          Unsubscribed
        </Badge>
      ),
  },
  {
    title: 'Last change',
    align: 'right',
    width: 150,
    render: (person) => <TimeAgo at={person.updatedAt} c="dimmed" />,
  },
]

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

const NobodyFound = () => (
  <EmptyState icon={IconUserSearch} title="Nobody matches">
    The search looks at the beginning of emails and ids.
  </EmptyState>
)

const NobodyYet = ({ project }: { project: string }) => (
  <EmptyState
    icon={IconUsers}
    title="Nobody is here yet"
    actions={
      <ButtonLink to="/projects/$project/first-steps" params={{ project }}>
        Send the first event
      </ButtonLink>
    }
  >
    People appear with the first event or identify call that names them.
  </EmptyState>
)
