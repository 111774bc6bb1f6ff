import { Box, Card, Center, Text } from '@mantine/core'
import { IconInbox, IconMailOpened } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useEmptyMailbox, useMailbox } from '../../api/messages.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { ButtonLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { SkeletonLines } from '../../components/query-view.tsx'
import { notifyError } from '../../lib/notify.tsx'
import { MailList } from './mail-list.tsx'
import classes from './mailbox.module.css'
import { ReadingPane } from './reading-pane.tsx'

const route = getRouteApi('/signed-in/projects/$project/mailbox')

export function MailboxPage() {
  const { project } = route.useParams()
  return (
    <>
      <PageHeader
        title="Mailbox"
        description="Mail that Fairway kept instead of sending: everything without a provider, and test mail without a test address."
        actions={<EmptyMailbox project={project} />}
      />
      <Mailbox project={project} />
    </>
  )
}

function EmptyMailbox({ project }: { project: string }) {
  const mailbox = useMailbox(project)
  const empty = useEmptyMailbox(project)
  const navigate = useNavigate()
  if (!mailbox.data?.pages[0]?.items.length) return null
  const confirm = async () => {
    try {
      await empty.mutateAsync()
    } catch (error) {
      notifyError('Could not empty the mailbox', error)
      throw error
    }
    await navigate({ to: '/projects/$project/mailbox', params: { project }, search: {} })
  }
  return (
    <ConfirmButton
      needs="content.delete"
      variant="default"
      title="Empty the mailbox?"
      message="All mails in it are deleted. The messages that they belong to stay."
      confirmLabel="Empty the mailbox"
      onConfirm={confirm}
    >
      Empty
    </ConfirmButton>
  )
}

function Mailbox({ project }: { project: string }) {
  const { mail: openId } = route.useSearch()
  const mailbox = useMailbox(project)
  const mails = mailbox.data?.pages.flatMap((page) => page.items)
  if (!mails && mailbox.isError)
    return (
      <ErrorState
        title="Could not load the mailbox"
        error={mailbox.error}
        onRetry={() => mailbox.refetch()}
      />
    )
  if (!mails)
    return (
      <Card>
        <SkeletonLines lines={8} />
      </Card>
    )
  if (mails.length === 0) return <NoMail project={project} />
  return (
    <Card p={0} className={classes.panes} data-reading={openId !== undefined || undefined}>
      <Box className={classes.list}>
        <MailList project={project} mails={mails} openId={openId} query={mailbox} />
      </Box>
      <Box className={classes.reading}>
        {openId ? <ReadingPane key={openId} project={project} id={openId} /> : <NothingOpen />}
      </Box>
    </Card>
  )
}

const NothingOpen = () => (
  <Center h="100%" mih={320}>
    <Text c="dimmed" size="sm">
      <IconMailOpened size={18} aria-hidden style={{ verticalAlign: '-4px', marginRight: 6 }} />
      Choose a mail to read it.
    </Text>
  </Center>
)

const NoMail = ({ project }: { project: string }) => (
  <Card p={0}>
    <EmptyState
      icon={IconInbox}
      title="No mail yet"
      actions={
        <ButtonLink to="/projects/$project/first-steps" params={{ project }}>
          Send a test mail
        </ButtonLink>
      }
    >
      Until a provider is set up, every email lands here, so that you see it before anybody else does.
    </EmptyState>
  </Card>
)
