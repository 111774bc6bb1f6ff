import { Alert, Button, Group, Text } from '@mantine/core'
import { IconMailPause } from '@tabler/icons-react'
import { useTryNow } from '../api/messages.ts'
import type { Retrying } from '../api/types.ts'
import { formatNumber } from '../lib/format.ts'
import { notifyError, notifySuccess } from '../lib/notify.tsx'
import { ButtonLink } from './links.tsx'
import { NeedsRight } from './needs-right.tsx'
import { TimeAgo } from './time-ago.tsx'

interface RetryingMailProps {
  project: string
  retrying: Retrying | null | undefined
  /** Whose mail it is; undefined: all of the project. */
  provider?: number
  /** Where the SMTP server is not what this stands in. */
  linksToServer?: boolean
}

/** What could not be sent yet, why, and when it is tried again. Nothing while all goes out. */
export function RetryingMail({ project, retrying, provider, linksToServer }: RetryingMailProps) {
  if (!retrying || retrying.count === 0) return null
  return (
    <Alert
      mb="md"
      color="buoy"
      icon={<IconMailPause aria-hidden />}
      title={`${mails(retrying.count, retrying.more)} could not be sent yet`}
    >
      <Text size="sm">
        They are kept and tried again by themselves. What the last try of each said, before anything that was
        changed since:
      </Text>
      <ul style={{ margin: '8px 0', paddingInlineStart: 20 }}>
        {retrying.reasons.map(({ reason, provider, count, nextTryAt }) => (
          <li key={`${provider} ${reason}`}>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {reason.replace(/^will be tried again: /, '')} ({mails(count, false)}, next try{' '}
              <TimeAgo at={nextTryAt} />)
            </Text>
          </li>
        ))}
      </ul>
      <Group gap="xs">
        <TryNow project={project} provider={provider} />
        <ButtonLink
          size="compact-sm"
          variant="light"
          color="buoy"
          to="/projects/$project/messages"
          params={{ project }}
          search={{ state: 'retrying' }}
        >
          Show them
        </ButtonLink>
        {linksToServer && (
          <ButtonLink
            size="compact-sm"
            variant="light"
            color="buoy"
            to="/projects/$project/settings"
            params={{ project }}
            search={{ tab: 'sending' }}
          >
            Look at the SMTP server
          </ButtonLink>
        )}
      </Group>
    </Alert>
  )
}

/** For after the server was repaired: nobody has to wait for the next try. */
function TryNow({ project, provider }: { project: string; provider: number | undefined }) {
  const attempt = useTryNow(project)
  const tryNow = () =>
    attempt.mutate(provider, {
      onSuccess: ({ count, more }) =>
        notifySuccess(
          count === 0 ? 'Nothing to try just now' : `${mails(count, more)} being tried now`,
          count === 0
            ? 'What was tried in the last two minutes, or is about to be, is left alone.'
            : 'What fails again is tried when it was due.',
        ),
      onError: (error) => notifyError('Could not try them', error),
    })
  return (
    <NeedsRight right="messages.send">
      <Button size="compact-sm" variant="light" color="buoy" loading={attempt.isPending} onClick={tryNow}>
        Try now
      </Button>
    </NeedsRight>
  )
}

const mails = (count: number, more: boolean) =>
  `${formatNumber(count)}${more ? '+' : ''} ${count === 1 ? 'mail' : 'mails'}`
