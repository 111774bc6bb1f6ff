import type { ProjectLane, ProjectQueue } from '@fairway/api'
import { Alert, Box } from '@mantine/core'
import { IconHourglass, IconPlayerPause, IconRefreshAlert, IconShieldX } from '@tabler/icons-react'
import { RetryingMail } from '../../components/retrying-mail.tsx'
import { WaitingMail } from '../../components/waiting-mail.tsx'
import { formatDuration, plural } from '../../lib/format.ts'
import { listWords } from '../../lib/lanes.ts'
import { RetryingJobs } from './retrying-jobs.tsx'

/** What an operator must not overlook. Announced when it appears; nothing is shown when all is as it should be. */
export function Warnings({ project, queue }: { project: string; queue: ProjectQueue }) {
  const delayed = queue.lanes.filter((lane) => lane.delayed)
  const stopped = queue.paused ? [] : queue.lanes.filter((lane) => lane.lanePaused)
  const full = queue.lanes.filter(({ quota }) => quota?.state === 'full')
  const refused = queue.lanes.reduce((sum, lane) => sum + lane.refused, 0)
  return (
    <Box role="status" aria-label="Warnings">
      {queue.paused && (
        <Alert mb="md" color="buoy" icon={<IconPlayerPause aria-hidden />} title="This project is paused">
          What arrives is accepted and kept, and nothing of it runs: no event is processed and no mail leaves,
          transactional mail included.
        </Alert>
      )}
      {queue.worker?.state === 'restarting' && (
        <Alert
          mb="md"
          color="red"
          icon={<IconRefreshAlert aria-hidden />}
          title="The worker is being restarted"
        >
          The process that does the work hung or died. What waits is kept, and goes on in a few seconds.
        </Alert>
      )}
      {queue.worker?.state === 'running' && queue.worker.replaced > 0 && (
        <Alert
          mb="md"
          color="yellow"
          icon={<IconRefreshAlert aria-hidden />}
          title={`The worker was restarted ${plural(queue.worker.replaced, 'time')} since Fairway started`}
        >
          It hung or died; the server's log says why. Jobs that take it along five times become dead letters.
        </Alert>
      )}
      {queue.api && queue.api.replaced > 0 && (
        <Alert
          mb="md"
          color="yellow"
          icon={<IconRefreshAlert aria-hidden />}
          title={`The process that takes requests was restarted ${plural(queue.api.replaced, 'time')} since Fairway started`}
        >
          It hung or died; the server's log says why. Clients that got no answer meanwhile have to ask again.
        </Alert>
      )}
      {stopped.length > 0 && (
        <Alert
          mb="md"
          color="buoy"
          icon={<IconPlayerPause aria-hidden />}
          title={`The operator paused ${listWords(names(stopped))}`}
        >
          For every project of this installation. What waits there is kept.
        </Alert>
      )}
      {delayed.length > 0 && (
        <Alert
          mb="md"
          color="yellow"
          icon={<IconHourglass aria-hidden />}
          title={`Work in ${listWords(names(delayed))} waits longer than it should`}
        >
          The oldest has waited for {formatDuration(Math.max(...delayed.map((lane) => lane.oldestAgeMs)))}.
          More workers, a higher limit or fewer new jobs make it shorter.
        </Alert>
      )}
      <WaitingMail project={project} waiting={queue.waiting} linksToServer />
      <RetryingMail project={project} retrying={queue.retrying} linksToServer />
      <RetryingJobs jobs={queue.retryingJobs} />
      {(full.length > 0 || refused > 0) && (
        <Alert mb="md" color="red" icon={<IconShieldX aria-hidden />} title="New items are refused">
          {full.length > 0
            ? `As much waits in ${listWords(names(full))} as this project may have.`
            : 'The queue was full.'}{' '}
          {refused > 0 && `${plural(refused, 'item')} refused in the last minute. `}
          Clients get 429 and try again later.
        </Alert>
      )}
    </Box>
  )
}

const names = (lanes: ProjectLane[]) => lanes.map(({ lane }) => lane)
