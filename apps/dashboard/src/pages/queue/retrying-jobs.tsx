import type { RetryingJobs as Jobs } from '@fairway/api'
import { Alert, Text } from '@mantine/core'
import { IconRefreshAlert } from '@tabler/icons-react'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatNumber } from '../../lib/format.ts'
import { describeJob } from '../../lib/lanes.ts'

const shown = 5

/** Work other than mail that failed, why, and when it is tried again. Nothing while all goes well. */
export function RetryingJobs({ jobs: { count, more, latest } }: { jobs: Jobs }) {
  if (count === 0) return null
  const listed = latest.slice(0, shown)
  return (
    <Alert
      mb="md"
      color="buoy"
      icon={<IconRefreshAlert aria-hidden />}
      title={`${formatNumber(count)}${more ? '+' : ''} ${count === 1 ? 'job failed and is' : 'jobs failed and are'} tried again`}
    >
      <Text size="sm">
        By themselves, ten times in all; what fails for good becomes a dead letter.{' '}
        {count > listed.length ? `The latest ${listed.length}:` : ''}
      </Text>
      <ul style={{ margin: '8px 0 0', paddingInlineStart: 20 }}>
        {listed.map(({ lane, name, id, attempts, reason, nextTryAt }) => (
          <li key={`${lane} ${id}`}>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {describeJob(name)}, in {lane}: {reason} (tried {attempts === 1 ? 'once' : `${attempts} times`},
              next try <TimeAgo at={nextTryAt} />)
            </Text>
          </li>
        ))}
      </ul>
    </Alert>
  )
}
