import type { ProjectQueue } from '@fairway/api'
import { SimpleGrid, Skeleton, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useProjectQueue } from '../../api/queue.ts'
import { PageHeader } from '../../components/page-header.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { ReadOnlyNote } from '../../components/read-only-note.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { LaneCard } from './lane-card.tsx'
import { Limits } from './limits.tsx'
import { PauseButton } from './pause-button.tsx'
import { useReadings } from './use-readings.ts'
import { Warnings } from './warnings.tsx'

const route = getRouteApi('/signed-in/projects/$project/queue')

export function QueuePage() {
  const { project } = route.useParams()
  const queue = useProjectQueue(project)
  return (
    <>
      <PageHeader
        title="Queue"
        description="Everything this project sends or receives passes here: what waits, for how long, and what failed for good. The numbers refresh by themselves."
        actions={queue.data && <PauseButton project={project} paused={queue.data.paused} />}
      />
      <ReadOnlyNote right="queue.manage" what="the queue’s numbers" />
      <Stack gap="lg">
        <QueryView query={queue} what="the queue" skeleton={<LanesSkeleton />}>
          {(data) => <Lanes project={project} queue={data} readAt={queue.dataUpdatedAt} />}
        </QueryView>
        <DeadLetters project={project} />
        {queue.data && <Limits project={project} limits={queue.data.limits} />}
      </Stack>
    </>
  )
}

function Lanes({ project, queue, readAt }: { project: string; queue: ProjectQueue; readAt: number }) {
  const readings = useReadings(project, queue, readAt)
  return (
    <div>
      <Warnings project={project} queue={queue} />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
        {queue.lanes.map((lane) => (
          <LaneCard
            key={lane.lane}
            lane={lane}
            paused={queue.paused || lane.lanePaused}
            waiting={readings.map((reading) => reading[lane.lane] ?? 0)}
          />
        ))}
      </SimpleGrid>
    </div>
  )
}

const LanesSkeleton = () => (
  <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
    {['a', 'b', 'c', 'd', 'e'].map((key) => (
      <Skeleton key={key} height={264} radius="md" />
    ))}
  </SimpleGrid>
)
