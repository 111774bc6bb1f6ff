import type { Overview } from '@fairway/api'
import { Grid, SegmentedControl, SimpleGrid, Skeleton, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useOverview } from '../../api/overview.ts'
import { ButtonLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { StateBars } from '../../components/state-bars.tsx'
import { ActivityCharts } from './activity-charts.tsx'
import { AttentionList } from './attention.tsx'
import { QueueLanes } from './queue-lanes.tsx'
import { Totals } from './totals.tsx'
import { Welcome } from './welcome.tsx'

const route = getRouteApi('/signed-in/projects/$project/overview')

const ranges = [
  { value: '24', label: '24 hours' },
  { value: '168', label: '7 days' },
  { value: '720', label: '30 days' },
]

export function OverviewPage() {
  const { project } = route.useParams()
  const [hours, setHours] = useState('24')
  const overview = useOverview(project, Number(hours))
  return (
    <>
      <PageHeader
        title="Overview"
        actions={
          <SegmentedControl
            data={ranges}
            value={hours}
            onChange={setHours}
            aria-label="Time range"
            size="sm"
          />
        }
      />
      <QueryView query={overview} what="the overview" skeleton={<OverviewSkeleton />}>
        {(data) => <OverviewContent project={project} overview={data} />}
      </QueryView>
    </>
  )
}

function OverviewContent({ project, overview }: { project: string; overview: Overview }) {
  const nothingYet = overview.totals.events === 0 && overview.totals.people === 0
  return (
    <Stack gap="lg">
      {nothingYet && <Welcome project={project} />}
      <AttentionList
        project={project}
        items={overview.attention}
        retrying={overview.retrying}
        waiting={overview.waiting}
      />
      <Totals overview={overview} />
      <ActivityCharts series={overview.series} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Section
            title="Messages by state"
            description="“Sent” means handed to the provider, “Kept in the mailbox” that it went no further."
          >
            <StateBars project={project} states={overview.messageStates} />
          </Section>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Section
            title="Queue"
            description="Work of this project that waits, and how long the oldest has waited."
            actions={
              <ButtonLink
                size="compact-sm"
                variant="default"
                to="/projects/$project/queue"
                params={{ project }}
              >
                Open the queue
              </ButtonLink>
            }
          >
            <QueueLanes lanes={overview.queue} />
          </Section>
        </Grid.Col>
      </Grid>
    </Stack>
  )
}

const OverviewSkeleton = () => (
  <Stack gap="lg">
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      {['a', 'b', 'c', 'd'].map((key) => (
        <Skeleton key={key} height={96} radius="md" />
      ))}
    </SimpleGrid>
    <ChartsSkeleton />
  </Stack>
)

const ChartsSkeleton = () => (
  <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" aria-busy="true">
    <Skeleton height={322} radius="md" />
    <Skeleton height={322} radius="md" />
  </SimpleGrid>
)
