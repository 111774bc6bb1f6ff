import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconHelpCircle } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useMessage, useResolveMessage } from '../../api/messages.ts'
import type { Message } from '../../api/types.ts'
import { BackLink } from '../../components/back-link.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PropertyList } from '../../components/property-list.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { MessageStateBadge, messageStates } from '../../components/state-badge.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.ts'
import { explainReason } from './reasons.ts'

const route = getRouteApi('/signed-in/projects/$project/messages/$message')

export function MessagePage() {
  const { project, message: id } = route.useParams()
  const message = useMessage(project, id)
  return (
    <>
      <BackLink to="/projects/$project/messages" params={{ project }}>
        Messages
      </BackLink>
      <QueryView query={message} what="this message">
        {(data) => <MessageView project={project} message={data} />}
      </QueryView>
    </>
  )
}

function MessageView({ project, message }: { project: string; message: Message }) {
  return (
    <>
      <PageHeader title={message.subject || 'Message'} after={<MessageStateBadge state={message.state} />} />
      <Stack gap="lg">
        {message.state === 'unknown' && <InDoubt project={project} id={message.id} />}
        <Section title="What happened" description={messageStates[message.state].meaning}>
          <PropertyList label="What happened" entries={outcome(message)} />
        </Section>
        <Section title="What it is">
          <PropertyList label="What it is" entries={origin(project, message)} />
        </Section>
      </Stack>
    </>
  )
}

const outcome = (message: Message): [string, React.ReactNode][] => [
  ['Recipient', message.recipient ?? '—'],
  ['Reason', message.reason ? `${explainReason(message.reason)}` : '—'],
  ['Created', <TimeAgo key="created" at={message.createdAt} />],
  ['Due', <TimeAgo key="due" at={message.dueAt} />],
  ['Claimed', <TimeAgo key="claimed" at={message.claimedAt} />],
  ['Settled', <TimeAgo key="settled" at={message.settledAt} />],
  ['Attempts', message.attempts],
  ['Provider', message.provider ?? '—'],
  ['Provider’s id', message.providerMessageId ?? '—'],
]

const origin = (project: string, message: Message): [string, React.ReactNode][] => [
  ['Kind', message.class === 'transactional' ? 'Transactional' : 'Behavioral campaign'],
  [
    'Person',
    message.personId === null ? (
      '—'
    ) : (
      <AnchorLink
        key="person"
        size="sm"
        to="/projects/$project/people/$person"
        params={{ project, person: String(message.personId) }}
      >
        Open the person
      </AnchorLink>
    ),
  ],
  [
    'Campaign',
    message.campaignId === null ? (
      '—'
    ) : (
      <AnchorLink
        key="campaign"
        size="sm"
        to="/projects/$project/campaigns/$campaign"
        params={{ project, campaign: String(message.campaignId) }}
      >
        Open the campaign
      </AnchorLink>
    ),
  ],
  [
    'Template',
    message.templateId === null ? (
      '—'
    ) : (
      <AnchorLink
        key="template"
        size="sm"
        to="/projects/$project/templates/$template"
        params={{ project, template: String(message.templateId) }}
      >
        Open the template
      </AnchorLink>
    ),
  ],
  ['Message id', message.id],
]

/** The server stopped between handing the mail over and hearing the answer; only a person can know. */
function InDoubt({ project, id }: { project: string; id: string }) {
  const resolve = useResolveMessage(project, id)
  const settle = (outcome: 'sent' | 'failed') =>
    resolve.mutate(outcome, {
      onSuccess: () => notifySuccess('Settled', `The message is now recorded as ${outcome}.`),
      onError: (error) => notifyError('Could not settle the message', error),
    })
  return (
    <Alert color="buoy" icon={<IconHelpCircle aria-hidden />} title="Nobody knows whether this left">
      <Text size="sm">
        The server stopped while it handed this message to the provider. It is not sent again by itself, so
        that nobody gets it twice. Look into your provider’s log, then record what you found.
      </Text>
      <Group mt="md" gap="xs">
        <Button size="xs" loading={resolve.isPending} onClick={() => settle('sent')}>
          It left: record as sent
        </Button>
        <Button size="xs" variant="default" loading={resolve.isPending} onClick={() => settle('failed')}>
          It did not: record as failed
        </Button>
      </Group>
    </Alert>
  )
}
