import { Text } from '@mantine/core'
import { IconChartPie, IconPlus } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { type Segment, useSegments } from '../../api/segments.ts'
import { isUnderWay } from '../../api/tasks.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ButtonLink, RowLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { type Names, useNames } from '../../conditions/use-names.ts'
import { describeConditions } from '../../conditions/words.ts'
import { formatCount, formatNumber } from '../../lib/format.ts'
import { KindBadge } from './kind-badge.tsx'
import { NewManualSegment } from './new-manual-segment.tsx'
import { useUsers } from './users.ts'

const route = getRouteApi('/signed-in/projects/$project/segments')

export function SegmentsPage() {
  const { project } = route.useParams()
  const segments = useSegments(project)
  const names = useNames(project)
  const users = useUsers(project, segments.data?.pages.flatMap((page) => page.items) ?? [])
  return (
    <>
      <PageHeader
        title="Segments"
        description="Groups of people, by conditions that are kept up to date as data arrives, or by hand."
        actions={<Actions project={project} />}
      />
      <DataTable
        label="segments"
        query={segments}
        rowKey={(segment) => segment.id}
        columns={columns(project, names, users)}
        empty={
          <EmptyState icon={IconChartPie} title="No segments yet" actions={<Actions project={project} />}>
            “Paying, and not seen for two weeks”: people enter and leave it by themselves, and a campaign can
            start when they do.
          </EmptyState>
        }
      />
    </>
  )
}

const Actions = ({ project }: { project: string }) => (
  <>
    <NewManualSegment project={project} />
    <ButtonLink
      to="/projects/$project/segments/new"
      params={{ project }}
      leftSection={<IconPlus size={16} aria-hidden />}
    >
      New segment
    </ButtonLink>
  </>
)

const columns = (project: string, names: Names, users: (segment: Segment) => string): Column<Segment>[] => [
  {
    title: 'Segment',
    render: (segment) => (
      <>
        <RowLink to="/projects/$project/segments/$segment" params={{ project, segment: String(segment.id) }}>
          {segment.name}
        </RowLink>
        {segment.conditions && (
          <Text size="xs" c="dimmed" lineClamp={1}>
            {describeConditions(segment.conditions, names)}
          </Text>
        )}
      </>
    ),
  },
  { title: 'Kind', visibleFrom: 'sm', width: 160, render: ({ kind }) => <KindBadge kind={kind} /> },
  { title: 'Used by', visibleFrom: 'md', render: (segment) => users(segment) || '—' },
  { title: 'People', align: 'right', width: 170, render: (segment) => <Size segment={segment} /> },
  {
    title: 'Last change',
    align: 'right',
    width: 150,
    visibleFrom: 'sm',
    render: (segment) => <TimeAgo at={segment.updatedAt} c="dimmed" />,
  },
]

function Size({ segment: { size, task, state } }: { segment: Segment }) {
  const building = state === 'building' || isUnderWay(task)
  return (
    <>
      {size === null ? '—' : <span title={formatNumber(size)}>{formatCount(size)}</span>}
      {building && (
        <Text size="xs" c="dimmed">
          {task?.total ? `Being built: ${Math.floor((task.done / task.total) * 100)} %` : 'Being built'}
        </Text>
      )}
    </>
  )
}
