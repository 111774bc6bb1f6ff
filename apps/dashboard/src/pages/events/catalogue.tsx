import type { CatalogueEvent } from '@fairway/api'
import { SegmentedControl, Stack } from '@mantine/core'
import { IconBolt } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCatalogEvents, useCatalogProperties, useEventProperties } from '../../api/catalog.ts'
import { EmptyState } from '../../components/empty-state.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { formatNumber } from '../../lib/format.ts'
import { CatalogueTable } from './catalogue-table.tsx'
import { EventTabs } from './event-tabs.tsx'
import { EventsOverTime } from './events-over-time.tsx'
import { PropertyTypes } from './property-types.tsx'

const route = getRouteApi('/signed-in/projects/$project/events/catalogue')

/** What the project's data are made of: names of events, how often they come, and the types of their properties. */
export function CataloguePage() {
  const { project } = route.useParams()
  const { name, of = 'events' } = route.useSearch()
  const navigate = useNavigate()
  const go = (search: { name?: string; of?: string }) =>
    navigate({
      to: '/projects/$project/events/catalogue',
      params: { project },
      search,
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      <PageHeader
        title="Catalogue"
        description="Learned from what arrives: event names and how often they come, properties and their types."
      />
      <EventTabs project={project} />
      <Stack gap="lg">
        <div>
          <SegmentedControl
            aria-label="Catalogue of"
            data={[
              { value: 'events', label: 'Events' },
              { value: 'people', label: 'Properties of people' },
            ]}
            value={of}
            onChange={(next) => go(next === 'events' ? {} : { of: next })}
          />
        </div>
        {of === 'events' ? (
          <Events project={project} name={name} onName={(next) => go({ name: next })} />
        ) : (
          <PeopleProperties project={project} />
        )}
      </Stack>
    </>
  )
}

interface EventsProps {
  project: string
  name: string | undefined
  onName: (name: string) => void
}

function Events({ project, name, onName }: EventsProps) {
  const events = useCatalogEvents(project)
  return (
    <QueryView query={events} what="the catalogue">
      {(items) =>
        items.length === 0 ? (
          <EmptyState icon={IconBolt} title="No events yet">
            A name appears here with its first event.
          </EmptyState>
        ) : (
          <>
            <EventsOverTime
              project={project}
              name={name}
              names={items.map((item) => item.name)}
              onName={onName}
            />
            {name && <EventDetail project={project} name={name} />}
            <CatalogueTable<CatalogueEvent>
              label="Event names"
              rows={items}
              rowKey={(item) => item.foldedName}
              chosen={(item) => item.name === name}
              onChoose={(item) => onName(item.name)}
              name={(item) => item.name}
              columns={[
                {
                  title: 'Last 30 days',
                  render: (item) => formatNumber(item.last30Days),
                  sort: (item) => item.last30Days,
                },
              ]}
            />
          </>
        )
      }
    </QueryView>
  )
}

function EventDetail({ project, name }: { project: string; name: string }) {
  const properties = useEventProperties(project, name)
  return (
    <Section title={`Properties of “${name}”`}>
      <QueryView query={properties} what="its properties">
        {(items) => <PropertyTypes properties={items} label={`Properties of ${name}`} />}
      </QueryView>
    </Section>
  )
}

function PeopleProperties({ project }: { project: string }) {
  const properties = useCatalogProperties(project)
  return (
    <Section
      title="Properties of people"
      description="A property marked “mixed” had values of types that do not go together: conditions on it may miss people."
    >
      <QueryView query={properties} what="the properties">
        {(items) => <PropertyTypes properties={items} label="Properties of people" />}
      </QueryView>
    </Section>
  )
}
