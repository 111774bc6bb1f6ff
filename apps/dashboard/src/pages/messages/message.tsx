import type { Message, MessageDetail } from '@fairway/api'
import { Alert, Badge, Group, Stack, Text } from '@mantine/core'
import { IconInbox, IconMailPause } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useMessage } from '../../api/messages.ts'
import { useProviders } from '../../api/settings.ts'
import { BackLink } from '../../components/back-link.tsx'
import { AnchorLink, ButtonLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PropertyList } from '../../components/property-list.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { MessageStateBadge } from '../../components/state-badge.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { TryNow } from '../../components/try-now.tsx'
import { describeConsent, meaningOfConsent } from '../../lib/consent-words.ts'
import { formatDateTime } from '../../lib/format.ts'
import { originWord } from '../../lib/origin-words.ts'
import { Failed, InDoubt } from './decisions.tsx'
import { explainReason, meaningOf } from './reasons.ts'

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

function MessageView({ project, message }: { project: string; message: MessageDetail }) {
  const providers = useProviders(project).data ?? []
  const provider = providers.find(({ id }) => message.provider === `provider ${id}`)
  const providerName = provider ? provider.name || provider.config.host : message.provider
  return (
    <>
      <PageHeader
        title={message.subject || 'Message'}
        after={
          <>
            <MessageStateBadge state={message.state} provider={message.provider} />
            {message.test && (
              <Badge variant="light" color="yellow" tt="none">
                Test
              </Badge>
            )}
          </>
        }
        actions={
          message.mailboxId !== null && (
            <ButtonLink
              variant="default"
              leftSection={<IconInbox size={16} aria-hidden />}
              to="/projects/$project/mailbox"
              params={{ project }}
              search={{ mail: String(message.mailboxId) }}
            >
              Read it in the mailbox
            </ButtonLink>
          )
        }
      />
      <Stack gap="lg" maw={900}>
        {message.state === 'unknown' && <InDoubt project={project} id={message.id} />}
        {message.waitsFor && <HeldBack project={project} waitsFor={message.waitsFor} />}
        {message.nextTryAt && <TriedAgain project={project} message={message} at={message.nextTryAt} />}
        {message.state === 'failed' && <Failed project={project} id={message.id} />}
        <Section title="What happened" description={meaningOf(message)}>
          <PropertyList label="What happened" entries={outcome(message, providerName)} />
        </Section>
        {message.history.length > 0 && (
          <Section title="History" description="Earlier states and their reasons, oldest first.">
            <PropertyList label="History" entries={history(message)} />
          </Section>
        )}
        <Section title="What it is">
          <PropertyList label="What it is" entries={origin(project, message)} />
        </Section>
      </Stack>
    </>
  )
}

interface TriedAgainProps {
  project: string
  message: MessageDetail
  at: string
}

const TriedAgain = ({ project, message: { id, reason, triable }, at }: TriedAgainProps) => (
  <Alert color="buoy" icon={<IconMailPause aria-hidden />} title="This could not be sent yet">
    <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
      It is tried again by itself, next <TimeAgo at={at} />
      {reason && `. The reason: ${reason.replace(/^will be tried again: /, '')}`}
    </Text>
    <Group mt="sm">
      <TryNow project={project} message={id} disabled={!triable} />
    </Group>
  </Alert>
)

function HeldBack({ project, waitsFor }: { project: string; waitsFor: 'live' | 'server' }) {
  const isServer = waitsFor === 'server'
  return (
    <Alert
      color={isServer ? 'red' : 'gray'}
      icon={<IconMailPause aria-hidden />}
      title={isServer ? 'This waits for an SMTP server' : 'This waits until the project is live again'}
    >
      <Text size="sm">
        {isServer
          ? 'The project is live, but no SMTP server is in use. It leaves by itself when there is one.'
          : 'It was made while the project was live, and leaves for its recipient then.'}
      </Text>
      {isServer && (
        <ButtonLink
          mt="sm"
          size="compact-sm"
          variant="light"
          color="red"
          to="/projects/$project/settings"
          params={{ project }}
          search={{ tab: 'sending' }}
        >
          Choose an SMTP server
        </ButtonLink>
      )}
    </Alert>
  )
}

const history = (message: MessageDetail): [string, React.ReactNode][] =>
  message.history.map(({ at, state, reason }, index) => [
    `${index + 1}. ${formatDateTime(at)}`,
    <Group key={at} gap="xs">
      <MessageStateBadge state={state} />
      {reason && <span>{explainReason(reason)}</span>}
    </Group>,
  ])

/** What its end is called. */
const settledWords: Partial<Record<Message['state'], string>> = {
  sent: 'Sent',
  failed: 'Failed',
  skipped: 'Skipped',
  unknown: 'In doubt since',
}

/** Without what does not apply: a mail that could not be made was never claimed, and has no provider. */
const outcome = (message: Message, providerName: string | null): [string, React.ReactNode][] => {
  const entries: [string, React.ReactNode][] = [
    ['Recipient', message.recipient],
    ['Reason', message.reason && explainReason(message.reason)],
    ['Created', <TimeAgo key="created" at={message.createdAt} />],
    ['Due', <TimeAgo key="due" at={message.dueAt} />],
    ['Next try', message.nextTryAt && <TimeAgo key="next" at={message.nextTryAt} />],
    ['Last tried', message.claimedAt && <TimeAgo key="tried" at={message.claimedAt} />],
    [
      settledWords[message.state] ?? 'Ended',
      message.settledAt && <TimeAgo key="ended" at={message.settledAt} />,
    ],
    ['Tries so far', message.attempts || null],
    ['Provider', message.provider === 'sandbox' ? null : providerName],
    ['Provider’s id', message.providerMessageId],
  ]
  return entries.filter(([, value]) => value !== null)
}

function MadeBy({
  project,
  message: { origin, originId, originName },
}: {
  project: string
  message: Message
}) {
  if (origin !== 'campaign' || originId === null)
    return [originWord(origin), originName].filter(Boolean).join(' ')
  if (originName === null) return 'A campaign that was deleted'
  return (
    <>
      Campaign{' '}
      <AnchorLink
        size="sm"
        to="/projects/$project/campaigns/$campaign"
        params={{ project, campaign: String(originId) }}
      >
        {originName}
      </AnchorLink>
    </>
  )
}

const origin = (project: string, message: Message): [string, React.ReactNode][] => [
  [
    'Why it may be sent',
    <div key="consent" style={{ overflowWrap: 'anywhere' }}>
      {describeConsent(message.consent)}
      {message.consent && (
        <Text size="xs" c="dimmed">
          {meaningOfConsent(message.consent)}
        </Text>
      )}
    </div>,
  ],
  ['Made by', <MadeBy key="origin" project={project} message={message} />],
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
        {message.person
          ? (message.person.name ?? message.person.email ?? message.person.externalId)
          : 'Erased'}
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
        {message.templateName ?? 'Deleted'}
      </AnchorLink>
    ),
  ],
  ['Message id', message.id],
]
