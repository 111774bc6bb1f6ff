import type { Attention, Retrying, WaitingMail } from '@fairway/api'
import { Card, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { ButtonLink } from '../../components/links.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import classes from './attention.module.css'
import { ConfirmSending } from './confirm-sending.tsx'

/** What asks for a person: nothing is shown when nothing does. */
export function AttentionList({
  project,
  items,
  retrying,
  waiting,
}: {
  project: string
  items: Attention[]
  retrying: Retrying
  waiting: WaitingMail
}) {
  if (items.length === 0) return null
  return (
    <Card component="section" aria-label="Needs attention" p={0} className={classes.attention}>
      <ul className={classes.list}>
        {items.map((item) => (
          <li key={item.kind} className={classes.item}>
            <IconAlertTriangle size={18} aria-hidden className={classes.icon} />
            <Text size="sm" flex={1}>
              {item.title}
              {item.kind === 'messages_retrying' && retrying.nextTryAt && (
                <>
                  {' '}
                  Next try <TimeAgo at={retrying.nextTryAt} />.
                </>
              )}
            </Text>
            {item.kind === 'messages_waiting' && waiting.hindrance === 'server' && (
              <ButtonLink
                {...look}
                to="/projects/$project/settings"
                params={{ project }}
                search={{ tab: 'sending' }}
              >
                Choose an SMTP server
              </ButtonLink>
            )}
            <Remedy project={project} kind={item.kind} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

const stateShown: Partial<Record<Attention['kind'], string>> = {
  messages_waiting: 'waiting',
  messages_retrying: 'retrying',
  messages_failed: 'failed',
  messages_unknown: 'unknown',
}

const look = { size: 'compact-sm', variant: 'light', color: 'buoy' } as const

/** Where to see it and do something about it. */
function Remedy({ project, kind }: { project: string; kind: Attention['kind'] }) {
  const state = stateShown[kind]
  if (state)
    return (
      <ButtonLink {...look} to="/projects/$project/messages" params={{ project }} search={{ state }}>
        Show them
      </ButtonLink>
    )
  if (kind === 'sending_held') return <ConfirmSending project={project} />
  if (kind === 'items_rejected')
    return (
      <ButtonLink {...look} to="/projects/$project/rejects" params={{ project }}>
        See why
      </ButtonLink>
    )
  return (
    <ButtonLink
      {...look}
      to="/projects/$project/queue"
      params={{ project }}
      hash={kind === 'jobs_dead' ? 'dead-letters' : undefined}
    >
      {kind === 'jobs_dead' ? 'Show them' : 'Open the queue'}
    </ButtonLink>
  )
}
