import type { Overview } from '@fairway/api'
import { SimpleGrid } from '@mantine/core'
import { Section } from '../../components/section.tsx'
import { TimeBars } from '../../components/time-bars.tsx'
import { formatCount } from '../../lib/format.ts'
import { toBuckets } from './buckets.ts'

type Series = Overview['series']

export function ActivityCharts({ series }: { series: Series }) {
  const points = toBuckets(series)
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Section title="Events" description="Accepted and processed.">
        <TimeBars
          points={points}
          series={[{ name: 'events', label: 'Events', color: 'lagoon' }]}
          words={`${formatCount(total(series, 'events'))} events in this range.`}
        />
      </Section>
      <Section
        title="Messages"
        description="Handed to the provider, kept in the mailbox, or failed for good."
      >
        <TimeBars
          points={points}
          series={[
            { name: 'sent', label: 'Sent', color: 'lagoon' },
            { name: 'kept', label: 'Kept in the mailbox', color: 'indigo' },
            { name: 'failed', label: 'Failed', color: 'buoy' },
          ]}
          words={`${formatCount(total(series, 'sent'))} messages sent, ${formatCount(total(series, 'kept'))} kept in the mailbox and ${formatCount(total(series, 'failed'))} failed in this range.`}
        />
      </Section>
    </SimpleGrid>
  )
}

const total = (series: Series, name: 'events' | 'sent' | 'kept' | 'failed') =>
  series.reduce((sum, point) => sum + point[name], 0)
