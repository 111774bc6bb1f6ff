import type { Retrying } from '@fairway/api'
import { Alert, Group, Text } from '@mantine/core'
import { IconMailPause } from '@tabler/icons-react'
import { ButtonLink } from './links.tsx'
import { TimeAgo } from './time-ago.tsx'
import { TryNow } from './try-now.tsx'
import { mails } from './waiting-mail.tsx'

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
      title={`${mails(retrying)} could not be sent yet`}
    >
      <Text size="sm">
        They are kept and tried again by themselves. What the last try of each said, before anything that was
        changed since:
      </Text>
      <ul style={{ margin: '8px 0', paddingInlineStart: 20 }}>
        {retrying.reasons.map(({ reason, provider, count, nextTryAt }) => (
          <li key={`${provider} ${reason}`}>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {reason.replace(/^will be tried again: /, '')} ({mails({ count, more: false })}, next try{' '}
              <TimeAgo at={nextTryAt} />)
            </Text>
          </li>
        ))}
      </ul>
      <Group gap="xs">
        <TryNow project={project} provider={provider} disabled={retrying.triable === 0} />
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
