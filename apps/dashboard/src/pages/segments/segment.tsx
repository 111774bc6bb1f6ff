import { Button, Grid, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPencil } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { type Segment, useSegment } from '../../api/segments.ts'
import { isUnderWay } from '../../api/tasks.ts'
import { BackLink } from '../../components/back-link.tsx'
import { JsonView } from '../../components/json-view.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PropertyList } from '../../components/property-list.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { TaskProgress } from '../../components/task-progress.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { useNames } from '../../conditions/use-names.ts'
import { describeConditions } from '../../conditions/words.ts'
import { formatNumber } from '../../lib/format.ts'
import { notifySuccess } from '../../lib/notify.tsx'
import { ExportPeople } from '../exports/new-export.tsx'
import { DeleteSegment } from './delete-segment.tsx'
import { KindBadge } from './kind-badge.tsx'
import { RenameSegment } from './rename-segment.tsx'
import { SegmentForm } from './segment-form.tsx'
import { Members } from './segment-members.tsx'
import { UsedBySection } from './used-by.tsx'

const route = getRouteApi('/signed-in/projects/$project/segments/$segment')

export function SegmentPage() {
  const { project, segment: id } = route.useParams()
  const segment = useSegment(project, id)
  return (
    <>
      <BackLink to="/projects/$project/segments" params={{ project }}>
        Segments
      </BackLink>
      <QueryView query={segment} what="this segment">
        {(data) => <SegmentView key={data.id} project={project} segment={data} />}
      </QueryView>
    </>
  )
}

function SegmentView({ project, segment }: { project: string; segment: Segment }) {
  const [editing, edit] = useDisclosure(false)
  const saved = () => {
    notifySuccess('Segment saved')
    edit.close()
  }
  return (
    <>
      <PageHeader
        title={segment.name}
        after={<KindBadge kind={segment.kind} />}
        actions={
          <>
            {!editing && (
              <ExportPeople project={project} filter={{ segment: segment.id }}>
                Export
              </ExportPeople>
            )}
            {segment.kind === 'manual' ? (
              <RenameSegment project={project} segment={segment} />
            ) : (
              !editing && (
                <Button
                  variant="default"
                  leftSection={<IconPencil size={16} aria-hidden />}
                  onClick={edit.open}
                >
                  Edit
                </Button>
              )
            )}
            <DeleteSegment project={project} segment={segment} />
          </>
        }
      />
      {editing ? (
        <SegmentForm project={project} segment={segment} onSaved={saved} onCancel={edit.close} />
      ) : (
        <Grid gap="lg" align="flex-start">
          <Grid.Col span={{ base: 12, md: 7, lg: 8 }}>
            <Members project={project} segment={segment} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 5, lg: 4 }}>
            <Stack gap="lg">
              <Building project={project} segment={segment} />
              <About segment={segment} />
              {segment.conditions && <Conditions project={project} conditions={segment.conditions} />}
              <UsedBySection project={project} id={String(segment.id)} />
            </Stack>
          </Grid.Col>
        </Grid>
      )}
    </>
  )
}

function Building({ project, segment: { task } }: { project: string; segment: Segment }) {
  if (!task || !(isUnderWay(task) || task.state === 'paused' || task.state === 'failed')) return null
  return (
    <Section
      title="Being built"
      description="Everybody is looked at. The people shown are complete as far as this has come."
    >
      <TaskProgress project={project} task={task} unit="people looked at" />
    </Section>
  )
}

const About = ({ segment }: { segment: Segment }) => (
  <Section title="About">
    <PropertyList
      label="About"
      entries={[
        ['People', segment.size === null ? 'not known yet' : formatNumber(segment.size)],
        ...(segment.kind === 'dynamic'
          ? [['Last built', <TimeAgo key="built" at={segment.builtAt} />] as [string, React.ReactNode]]
          : []),
        ['Created', <TimeAgo key="created" at={segment.createdAt} />],
        ['Last change', <TimeAgo key="updated" at={segment.updatedAt} />],
      ]}
    />
  </Section>
)

function Conditions({
  project,
  conditions,
}: {
  project: string
  conditions: NonNullable<Segment['conditions']>
}) {
  const names = useNames(project)
  return (
    <Section title="Conditions">
      <Text size="sm" mb="sm" style={{ overflowWrap: 'anywhere' }}>
        {describeConditions(conditions, names)}
      </Text>
      <JsonView value={conditions} label="the conditions" maxHeight={260} />
    </Section>
  )
}
