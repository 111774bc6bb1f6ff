import { Alert, Box } from '@mantine/core'
import { IconCloudOff } from '@tabler/icons-react'
import { useStale } from '../api/freshness.ts'
import { useHeartbeat } from '../api/session.ts'
import { formatTime } from '../lib/format.ts'
import classes from './shell.module.css'

/** Pages refresh by themselves. When that fails, what they show is old, and says so until it no longer does. */
export function StaleNote({ project }: { project: string }) {
  useHeartbeat(project)
  const stale = useStale(project)
  return (
    <Box role="status" aria-label="Freshness">
      {stale && (
        <Alert color="red" mb="md" icon={<IconCloudOff aria-hidden />} className={classes.note}>
          {stale.away ? 'Fairway does not answer.' : 'Fairway could not read this page anew.'} This page is
          not up to date since {formatTime(stale.since)}.
        </Alert>
      )}
    </Box>
  )
}
