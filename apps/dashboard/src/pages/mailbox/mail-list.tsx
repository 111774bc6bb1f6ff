import type { Mail } from '@fairway/api'
import { Button, Center, Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { useMailbox } from '../../api/messages.ts'
import { TimeAgo } from '../../components/time-ago.tsx'
import classes from './mailbox.module.css'

interface MailListProps {
  project: string
  mails: Mail[]
  openId: string | undefined
  query: ReturnType<typeof useMailbox>
}

export function MailList({ project, mails, openId, query }: MailListProps) {
  return (
    <nav aria-label="Mails">
      {mails.map((mail) => (
        <Link
          key={mail.id}
          to="/projects/$project/mailbox"
          params={{ project }}
          search={{ mail: String(mail.id) }}
          className={classes.mail}
          aria-current={String(mail.id) === openId ? 'true' : undefined}
          activeProps={{}}
        >
          <Group justify="space-between" wrap="nowrap" gap="xs">
            <Text size="sm" fw={600} truncate>
              {mail.envelopeTo.join(', ')}
            </Text>
            <TimeAgo at={mail.receivedAt} size="xs" c="dimmed" />
          </Group>
          <Text size="sm" c="dimmed" lineClamp={2}>
            {mail.subject || '(no subject)'}
          </Text>
        </Link>
      ))}
      {query.hasNextPage && (
        <Center p="md">
          <Button
            variant="default"
            size="xs"
            loading={query.isFetchingNextPage}
            onClick={() => query.fetchNextPage()}
          >
            Show more mails
          </Button>
        </Center>
      )}
    </nav>
  )
}
