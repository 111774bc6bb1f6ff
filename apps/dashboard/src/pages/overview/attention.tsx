import { Card, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { Attention } from '../../api/types.ts'
import { ButtonLink } from '../../components/links.tsx'
import classes from './attention.module.css'
import { ConfirmSending } from './confirm-sending.tsx'

/** What asks for a person: nothing is shown when nothing does. */
export function AttentionList({ project, items }: { project: string; items: Attention[] }) {
  if (items.length === 0) return null
  return (
    <Card component="section" aria-label="Needs attention" p={0} className={classes.attention}>
      <ul className={classes.list}>
        {items.map((item) => (
          <li key={item.kind} className={classes.item}>
            <IconAlertTriangle size={18} aria-hidden className={classes.icon} />
            <Text size="sm" flex={1}>
              {item.title}
            </Text>
            <Remedy project={project} kind={item.kind} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** Where to see it and do something about it. */
function Remedy({ project, kind }: { project: string; kind: Attention['kind'] }) {
  const look = { size: 'compact-sm', variant: 'light', color: 'buoy' } as const
  if (kind === 'messages_failed' || kind === 'messages_unknown')
    return (
      <ButtonLink
        {...look}
        to="/projects/$project/messages"
        params={{ project }}
        search={{ state: kind === 'messages_failed' ? 'failed' : 'unknown' }}
      >
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
