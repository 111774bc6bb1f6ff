import type { Counted, WaitingMail as Waiting } from '@fairway/api'
import { Alert, Group, Text } from '@mantine/core'
import { IconMailPause, IconMailX } from '@tabler/icons-react'
import { formatNumber } from '../lib/format.ts'
import { ButtonLink } from './links.tsx'

interface WaitingMailProps {
  project: string
  waiting: Waiting | undefined
  /** Where the SMTP servers are not what this stands above. */
  linksToServer?: boolean
}

/** What keeps mail from leaving as the project is now, and how much waits for that. Nothing while it leaves. */
export function WaitingMail({ project, waiting, linksToServer }: WaitingMailProps) {
  if (!waiting) return null
  const { hindrance, live, server } = waiting
  if (hindrance === 'server')
    return (
      <Alert
        mb="md"
        color="red"
        icon={<IconMailX aria-hidden />}
        title="The project is live, but no SMTP server is in use"
      >
        <Text size="sm">
          {server.count === 0
            ? 'Mail waits until there is one.'
            : `${mailsWait(server)} until there is one, and ${server.count === 1 ? 'leaves' : 'leave'} then.`}
        </Text>
        <Links project={project} shows={server.count > 0} linksToServer={linksToServer} color="red" />
      </Alert>
    )
  if (live.count === 0) return null
  return (
    <Alert
      mb="md"
      color="gray"
      icon={<IconMailPause aria-hidden />}
      title={`${mailsWait(live)} until the project is live again`}
    >
      <Text size="sm">
        {live.count === 1 ? 'It was' : 'They were'} made while it was live, and{' '}
        {live.count === 1 ? 'leaves for its recipient' : 'leave for their recipients'} then.
      </Text>
      <Links project={project} shows color="gray" />
    </Alert>
  )
}

interface LinksProps {
  project: string
  shows: boolean
  linksToServer?: boolean
  color: string
}

function Links({ project, shows, linksToServer = false, color }: LinksProps) {
  const look = { size: 'compact-sm', variant: 'light', color } as const
  if (!shows && !linksToServer) return null
  return (
    <Group gap="xs" mt="xs">
      {shows && (
        <ButtonLink
          {...look}
          to="/projects/$project/messages"
          params={{ project }}
          search={{ state: 'waiting' }}
        >
          Show them
        </ButtonLink>
      )}
      {linksToServer && (
        <ButtonLink
          {...look}
          to="/projects/$project/settings"
          params={{ project }}
          search={{ tab: 'sending' }}
        >
          Choose an SMTP server
        </ButtonLink>
      )}
    </Group>
  )
}

/** "1 mail", "10,000+ mails" */
export const mails = ({ count, more }: Counted) =>
  `${formatNumber(count)}${more ? '+' : ''} ${count === 1 ? 'mail' : 'mails'}`

/** "1 mail waits", "7 mails wait" */
export const mailsWait = (counted: Counted) => `${mails(counted)} ${counted.count === 1 ? 'waits' : 'wait'}`
