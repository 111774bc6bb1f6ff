import type { CountedState, Message } from '@fairway/api'
import { Group, Select, Text } from '@mantine/core'
import { IconMail, IconMailOff } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMessages } from '../../api/messages.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { RowLink } from '../../components/links.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { countedStates, MessageStateBadge } from '../../components/state-badge.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { originOptions, originWord } from '../../lib/origin-words.ts'
import { explainReason } from './reasons.ts'
import { RetryFailed } from './retry-failed.tsx'

const route = getRouteApi('/signed-in/projects/$project/messages')

const stateOptions = [
  { value: '', label: 'Every state' },
  { value: 'retrying', label: 'Tried again' },
  { value: 'waiting', label: 'Held back' },
  ...(Object.keys(countedStates) as CountedState[]).map((state) => ({
    value: state,
    label: countedStates[state].label,
  })),
]

export function MessagesPage() {
  const { project } = route.useParams()
  const { state = '', origin = '', campaign } = route.useSearch()
  const navigate = useNavigate()
  const messages = useMessages(project, {
    ...filterOf(state),
    ...(campaign ? { origin: 'campaign', originId: campaign } : origin && { origin }),
  })
  const filter = (search: { state?: string; origin?: string; campaign?: string }) =>
    navigate({
      to: '/projects/$project/messages',
      params: { project },
      search: Object.fromEntries(Object.entries(search).filter(([, value]) => value)),
      replace: true,
    })
  return (
    <>
      <PageHeader
        title="Messages"
        description="Every send to one person, with its state and the reason for it. “Sent” means handed to the provider, “Kept in the mailbox” that it went no further."
        actions={
          <Group gap="xs">
            <Select
              aria-label="Made by"
              data={originOptions}
              value={campaign ? 'campaign' : origin}
              onChange={(next) => filter({ state, origin: next ?? '' })}
              w={190}
            />
            <Select
              aria-label="State"
              data={stateOptions}
              value={state}
              onChange={(next) => filter({ state: next ?? '', origin, campaign })}
              w={170}
            />
          </Group>
        }
      />
      {state === 'failed' && (
        <RetryFailed
          project={project}
          only={campaign !== undefined ? { campaign: Number(campaign) } : { ...(origin && { origin }) }}
        />
      )}
      <DataTable
        label="messages"
        query={messages}
        rowKey={(message) => message.id}
        columns={columns(project)}
        empty={state ? <NoneInState state={state} /> : origin ? <NoneFrom origin={origin} /> : <NoneYet />}
      />
    </>
  )
}

const filterOf = (state: string) => {
  if (state === 'retrying' || state === 'waiting' || state === 'kept') return { [state]: true }
  return state === 'sent' ? { state, kept: false } : { state }
}

const columns = (project: string): Column<Message>[] => [
  {
    title: 'Message',
    render: (message) => (
      <>
        <RowLink to="/projects/$project/messages/$message" params={{ project, message: message.id }}>
          {message.subject || '(no subject yet)'}
        </RowLink>
        <Text size="xs" c="dimmed">
          {originOf(message)}
        </Text>
      </>
    ),
  },
  {
    title: 'Person',
    width: 210,
    render: ({ person, personId, recipient }) => (
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {person?.name ?? person?.email ?? person?.externalId ?? recipient ?? nobody(personId)}
        {person?.name && (person.email ?? recipient) && (
          <Text span size="xs" c="dimmed" display="block">
            {person.email ?? recipient}
          </Text>
        )}
      </Text>
    ),
  },
  {
    title: 'State',
    render: ({ state, provider, nextTryAt, waitsFor }) => (
      <>
        <MessageStateBadge state={state} provider={provider} />
        {nextTryAt && (
          <Text size="xs" c="dimmed" mt={4}>
            next try <TimeAgo at={nextTryAt} />
          </Text>
        )}
        {waitsFor && (
          <Text size="xs" c="dimmed" mt={4}>
            {waitsFor === 'live' ? 'until the project is live' : 'until an SMTP server is in use'}
          </Text>
        )}
      </>
    ),
  },
  {
    title: 'Reason',
    visibleFrom: 'md',
    render: (message) => (
      <Text size="sm" c="dimmed" lineClamp={2}>
        {message.reason ? explainReason(message.reason) : ''}
      </Text>
    ),
  },
  {
    title: 'Created',
    align: 'right',
    width: 150,
    render: (message) => <TimeAgo at={message.createdAt} c="dimmed" />,
  },
]

/** What made it. */
const originOf = ({ origin, originId, originName, templateName }: Message) =>
  originId === null
    ? [originWord(origin), templateName].filter(Boolean).join(' · ')
    : `${originWord(origin)} ${originName ?? 'that was deleted'}`

const nobody = (personId: number | null) => (personId === null ? 'no address' : 'erased')

const titles: Record<string, string> = {
  retrying: 'No mail waits for another try',
  waiting: 'No mail is held back',
  kept: 'No mail is kept in the mailbox',
}

const NoneInState = ({ state }: { state: string }) => {
  const words = countedStates[state as CountedState]
  return (
    <EmptyState icon={IconMailOff} title={titles[state] ?? `No ${words?.label.toLowerCase()} messages`}>
      {words?.meaning ?? 'Mail that could not leave yet is shown here, with the reason.'}
    </EmptyState>
  )
}

const NoneFrom = ({ origin }: { origin: string }) => (
  <EmptyState icon={IconMailOff} title="No messages from there">
    {origin === 'campaign'
      ? 'A message appears when a campaign is triggered.'
      : origin === 'api'
        ? 'A message appears when your product sends one through the API.'
        : 'A message appears here when one is made.'}
  </EmptyState>
)

const NoneYet = () => (
  <EmptyState icon={IconMail} title="No messages yet">
    A message appears when a campaign is triggered or your product sends one through the API.
  </EmptyState>
)
