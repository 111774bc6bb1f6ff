import type { CountedState } from '@fairway/api'
import { Group, Progress, Stack, Text } from '@mantine/core'
import { formatCount } from '../lib/format.ts'
import { RowLink } from './links.tsx'
import { countedStates } from './state-badge.tsx'
import classes from './state-bars.module.css'

const order: CountedState[] = ['sent', 'kept', 'pending', 'claimed', 'skipped', 'failed', 'unknown']

interface StateBarsProps {
  project: string
  states: Partial<Record<CountedState, number>>
  /** Narrows the lists behind the bars to this campaign. */
  campaign?: string
}

/** How many messages are in each state; every bar leads to the list of them. */
export function StateBars({ project, states, campaign }: StateBarsProps) {
  const most = Math.max(1, ...order.map((state) => states[state] ?? 0))
  return (
    <Stack gap={4}>
      {order.map((state) => {
        const { label, color } = countedStates[state]
        const count = states[state] ?? 0
        return (
          <div key={state} className={classes.bar}>
            <Group justify="space-between" mb={4}>
              <Text size="sm" component="span">
                <RowLink
                  to="/projects/$project/messages"
                  params={{ project }}
                  search={{ state, ...(campaign && { campaign }) }}
                >
                  {label}
                </RowLink>
              </Text>
              <Text size="sm" fw={550}>
                {formatCount(count)}
              </Text>
            </Group>
            <Progress value={(count / most) * 100} color={color} size="sm" aria-hidden />
          </div>
        )
      })}
    </Stack>
  )
}
