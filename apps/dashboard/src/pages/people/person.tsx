import type { PersonDetail } from '@fairway/api'
import { Alert, Badge, Box, Grid, Group, Stack, Text } from '@mantine/core'
import { IconBan } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { usePerson } from '../../api/people.ts'
import { BackLink } from '../../components/back-link.tsx'
import { CopyButton } from '../../components/copy-button.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PropertyList, propertyEntries } from '../../components/property-list.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { EditPerson } from './edit-person.tsx'
import { PersonActions } from './person-actions.tsx'
import { personName } from './person-name.ts'
import { Aliases, Devices, Segments, Topics } from './person-sections.tsx'
import { PersonTimelineSection } from './person-timeline.tsx'
import { Reachability } from './reachability.tsx'
import { suppressionWords } from './suppression-words.ts'

const route = getRouteApi('/signed-in/projects/$project/people/$person')

export function PersonPage() {
  const { project, person: id } = route.useParams()
  const person = usePerson(project, id)
  return (
    <>
      <BackLink to="/projects/$project/people" params={{ project }}>
        People
      </BackLink>
      <QueryView query={person} what="this person">
        {(data) => <PersonView project={project} id={id} person={data} />}
      </QueryView>
    </>
  )
}

function PersonView({ project, id, person }: { project: string; id: string; person: PersonDetail }) {
  return (
    <>
      <PageHeader
        title={personName(person)}
        after={<Reachability person={person} />}
        actions={
          <>
            <EditPerson project={project} id={id} person={person} />
            <PersonActions project={project} id={id} person={person} />
          </>
        }
      />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 7 }} order={{ base: 2, md: 1 }}>
          <PersonTimelineSection project={project} person={id} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }} order={{ base: 1, md: 2 }}>
          <Stack gap="lg">
            {person.suppressed && <Suppressed {...person.suppressed} />}
            <Section title="Profile">
              <PropertyList label="Profile" entries={profile(person)} />
            </Section>
            <Section title="Properties">
              <Properties properties={person.properties} />
            </Section>
            <Segments project={project} segments={person.segments ?? []} />
            {Object.keys(person.topics).length > 0 && <Topics topics={person.topics} />}
            {person.channels.length > 0 && <Devices devices={person.channels} />}
            {person.aliases.length > 0 && <Aliases aliases={person.aliases} />}
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  )
}

const Suppressed = (suppressed: NonNullable<PersonDetail['suppressed']>) => (
  <Alert color="red" icon={<IconBan aria-hidden />} title="Never sent to">
    This address is suppressed ({suppressionWords(suppressed)}) since <TimeAgo at={suppressed.createdAt} />.
    No message of any kind leaves for it.
  </Alert>
)

const profile = (person: PersonDetail): [string, React.ReactNode][] => [
  ['Id', person.externalId ? <Copyable key="id" value={person.externalId} what="the id" /> : '—'],
  ['Email', person.email ? <Copyable key="email" value={person.email} what="the email" /> : '—'],
  ...(person.phone ? [['Phone', person.phone] as [string, React.ReactNode]] : []),
  ...(person.timezone ? [['Time zone', person.timezone] as [string, React.ReactNode]] : []),
  ...(person.language ? [['Language', person.language] as [string, React.ReactNode]] : []),
  ['Tags', <Tags key="tags" tags={person.tags} />],
  ['First seen', <TimeAgo key="created" at={person.createdAt} />],
  ['Last change', <TimeAgo key="updated" at={person.updatedAt} />],
]

function Copyable({ value, what }: { value: string; what: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Text span inherit style={{ overflowWrap: 'anywhere' }}>
        {value}
      </Text>
      <CopyButton value={value} label={`Copy ${what}`} />
    </Group>
  )
}

function Tags({ tags }: { tags: string[] }) {
  if (tags.length === 0) return '—'
  return (
    <Group gap={4}>
      {tags.map((tag) => (
        <Badge key={tag} variant="default" tt="none" fw={500}>
          {tag}
        </Badge>
      ))}
    </Group>
  )
}

function Properties({ properties }: { properties: PersonDetail['properties'] }) {
  const entries = propertyEntries(properties)
  if (entries.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No properties yet. An identify call adds them, or “Edit” above.
      </Text>
    )
  return (
    <Box mah={420} style={{ overflowY: 'auto' }}>
      <PropertyList label="Properties" entries={entries} />
    </Box>
  )
}
