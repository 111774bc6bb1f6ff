import type { Event } from '@fairway/api'
import { Text } from '@mantine/core'
import { IconBolt, IconSearchOff } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useEvents } from '../../api/events.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { JsonPeek } from '../../components/json-peek.tsx'
import { AnchorLink, ButtonLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatValue } from '../../lib/format.ts'
import { personName } from '../people/person-name.ts'
import { EventTabs } from './event-tabs.tsx'

const route = getRouteApi('/signed-in/projects/$project/events')

export function EventsPage() {
  const { project } = route.useParams()
  const { name = '' } = route.useSearch()
  const navigate = useNavigate()
  const events = useEvents(project, { name })
  const search = (next: string) =>
    navigate({
      to: '/projects/$project/events',
      params: { project },
      search: next ? { name: next } : {},
      replace: true,
    })
  return (
    <>
      <PageHeader
        title="Events"
        description="What people did, newest first. The list refreshes by itself."
        actions={
          <SearchField label="Events by name" placeholder="Event name" value={name} onChange={search} />
        }
      />
      <EventTabs project={project} />
      <DataTable
        label="events"
        query={events}
        rowKey={(event) => event.id}
        columns={columns(project, search)}
        empty={name ? <NoneNamed name={name} /> : <NoneYet project={project} />}
      />
    </>
  )
}

const columns = (project: string, onName: (name: string) => void): Column<Event>[] => [
  {
    title: 'Event',
    render: (event) => (
      <Text
        component="button"
        type="button"
        size="sm"
        fw={600}
        ta="left"
        title="Show only these"
        onClick={() => onName(event.name)}
        style={{ background: 'none', border: 0, padding: 0, cursor: 'pointer', color: 'inherit' }}
      >
        {event.name}
      </Text>
    ),
  },
  {
    title: 'Person',
    render: (event) => (
      <AnchorLink
        to="/projects/$project/people/$person"
        params={{ project, person: String(event.personId) }}
        size="sm"
      >
        {event.person ? personName(event.person) : `person ${event.personId}`}
      </AnchorLink>
    ),
  },
  { title: 'Properties', visibleFrom: 'sm', render: (event) => <Properties event={event} /> },
  { title: 'Source', visibleFrom: 'lg', render: (event) => event.source?.replaceAll('_', ' ') ?? '—' },
  {
    title: 'When',
    align: 'right',
    width: 150,
    render: (event) => <TimeAgo at={event.occurredAt} c="dimmed" />,
  },
]

function Properties({ event }: { event: Event }) {
  const entries = Object.entries(event.properties)
  if (entries.length === 0)
    return (
      <Text size="sm" c="dimmed">
        none
      </Text>
    )
  const [first] = entries
  const rest = entries.length - 1
  return (
    <JsonPeek value={event.properties} label={`Properties of ${event.name}`}>
      {`${first![0]}: ${shorten(formatValue(first![1]))}`}
      {rest > 0 && ` +${rest}`}
    </JsonPeek>
  )
}

const shorten = (text: string) => (text.length > 32 ? `${text.slice(0, 32)}…` : text)

const NoneNamed = ({ name }: { name: string }) => (
  <EmptyState icon={IconSearchOff} title={`No event named “${name}”`}>
    Capitals, spaces, underscores and dashes make no difference in names.
  </EmptyState>
)

const NoneYet = ({ project }: { project: string }) => (
  <EmptyState
    icon={IconBolt}
    title="No events yet"
    actions={
      <ButtonLink to="/projects/$project/first-steps" params={{ project }}>
        Send the first event
      </ButtonLink>
    }
  >
    An event is something a person did: “Signed up”, “Purchased item”.
  </EmptyState>
)
