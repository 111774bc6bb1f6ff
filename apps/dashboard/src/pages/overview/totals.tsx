import { Card, SimpleGrid, Text } from '@mantine/core'
import type { Overview } from '../../api/types.ts'
import { formatCount, formatDuration } from '../../lib/format.ts'

export function Totals({ overview }: { overview: Overview }) {
  const waiting = overview.queue.reduce((sum, lane) => sum + lane.waiting, 0)
  const oldest = Math.max(0, ...overview.queue.map((lane) => lane.oldestAgeMs))
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing={{ base: 'sm', sm: 'lg' }}>
      <Figure label="People" value={formatCount(overview.totals.people)} />
      <Figure label="Events" value={formatCount(overview.totals.events)} note="in this range" />
      <Figure
        label="Messages sent"
        value={formatCount(overview.totals.sent)}
        note="to the provider or the mailbox"
      />
      <Figure
        label="Waiting in the queue"
        value={formatCount(waiting)}
        note={waiting > 0 ? `oldest ${formatDuration(oldest)}` : emptyWords(overview.retrying)}
      />
    </SimpleGrid>
  )
}

/** Nothing waits for its turn; mail that failed for now waits for its next try. */
const emptyWords = ({ count, more }: Overview['retrying']) =>
  count === 0
    ? 'nothing waits'
    : `${formatCount(count)}${more ? '+' : ''} ${count === 1 ? 'mail is' : 'mails are'} tried again`

function Figure({ label, value, note }: { label: string; value: string; note?: string }) {
  return (
    <Card padding="md">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz={28} fw={650} lh={1.25} style={{ letterSpacing: '-0.02em' }}>
        {value}
      </Text>
      <Text size="xs" c="dimmed" mih={18}>
        {note}
      </Text>
    </Card>
  )
}
