import type { Event } from '@fairway/api'
import { Box, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useEvents } from '../../api/events.ts'
import { useLiveEvents } from '../../api/live.ts'
import { AnchorLink } from '../../components/links.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import classes from './first-steps.module.css'
import { Step } from './step.tsx'

/** Waits for the first event and shows it the moment it is processed. */
export function FirstEventStep({ project }: { project: string }) {
  const [live, setLive] = useState<Event>()
  const connection = useLiveEvents(project, setLive)
  const stored = useEvents(project, {}).data?.pages[0]?.items[0]
  const latest = live ?? stored
  return (
    <Step
      number={3}
      title={latest ? 'It has arrived' : 'Watch it arrive'}
      description="Accepted means written to disk. A moment later it is processed, and shows here."
      done={latest !== undefined}
    >
      <div aria-live="polite">
        {latest ? (
          <Arrived key={latest.id} project={project} event={latest} />
        ) : (
          <Box className={classes.waiting}>
            <span className={classes.light} data-lost={connection === 'lost' || undefined} aria-hidden />
            <Text size="sm">
              {connection === 'lost'
                ? 'The live connection is interrupted; trying again…'
                : 'Waiting for the first event…'}
            </Text>
          </Box>
        )}
      </div>
    </Step>
  )
}

function Arrived({ project, event }: { project: string; event: Event }) {
  return (
    <Box className={classes.arrived}>
      <Group justify="space-between" gap="xs">
        <Text fw={650}>{event.name}</Text>
        <TimeAgo at={event.receivedAt} size="sm" />
      </Group>
      <Text size="sm" mt={2}>
        Stored and processed.{' '}
        <AnchorLink
          c="inherit"
          underline="always"
          to="/projects/$project/people/$person"
          params={{ project, person: String(event.personId) }}
        >
          See the person it created or updated
        </AnchorLink>
        .
      </Text>
    </Box>
  )
}
