import type { Overview } from '@fairway/api'
import { Card, SimpleGrid, Text } from '@mantine/core'
import { mails } from '../../components/waiting-mail.tsx'
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
        note={keptWords(overview.totals.kept)}
      />
      <Figure
        label="Work that waits its turn"
        value={formatCount(waiting)}
        note={waiting > 0 ? `oldest ${formatDuration(oldest)}` : besidesWords(overview)}
      />
    </SimpleGrid>
  )
}

const keptWords = (kept: number) =>
  kept === 0 ? 'to the provider' : `and ${formatCount(kept)} kept in the mailbox`

/** Its turn is not what mail waits for that failed for now, or can't leave as the project is. */
function besidesWords({ retrying, waiting: { live, server } }: Overview): string {
  const count = retrying.count + live.count + server.count
  if (count === 0) return 'nothing waits'
  const more = retrying.more || live.more || server.more
  return `besides ${mails({ count, more })} for later`
}

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
