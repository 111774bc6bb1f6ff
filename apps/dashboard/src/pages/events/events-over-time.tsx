import { Group, SegmentedControl, Select, Skeleton } from '@mantine/core'
import { useState } from 'react'
import { type TimeUnit, useEventsOverTime } from '../../api/catalog.ts'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { EventsChart } from './events-chart.tsx'

const ranges: { value: string; label: string; hours: number; unit: TimeUnit }[] = [
  { value: 'day', label: '24 hours', hours: 24, unit: 'hour' },
  { value: 'week', label: '7 days', hours: 7 * 24, unit: 'hour' },
  { value: 'month', label: '30 days', hours: 30 * 24, unit: 'day' },
  { value: 'quarter', label: '90 days', hours: 90 * 24, unit: 'day' },
]

const hourMs = 3_600_000

interface EventsOverTimeProps {
  project: string
  name: string | undefined
  names: string[]
  onName: (name: string) => void
}

/** How often an event came, or all of them. */
export function EventsOverTime({ project, name, names, onName }: EventsOverTimeProps) {
  const [range, setRange] = useState('month')
  const { hours, unit } = ranges.find(({ value }) => value === range)!
  // To the next full hour: the same question for an hour, so that its answer is kept.
  const to = Math.ceil(Date.now() / hourMs) * hourMs
  const series = useEventsOverTime(project, {
    name,
    from: new Date(to - hours * hourMs).toISOString(),
    to: new Date(to).toISOString(),
    unit,
  })
  return (
    <Section
      title={name ? `“${name}” over time` : 'Events over time'}
      actions={
        <Group gap="xs">
          <Select
            aria-label="Event"
            size="xs"
            w={220}
            searchable
            data={[
              { value: '', label: 'Every event' },
              ...names.map((each) => ({ value: each, label: each })),
            ]}
            value={name ?? ''}
            onChange={(next) => onName(next ?? '')}
          />
          <SegmentedControl
            size="xs"
            aria-label="Range"
            data={ranges.map(({ value, label }) => ({ value, label }))}
            value={range}
            onChange={setRange}
          />
        </Group>
      }
    >
      <QueryView query={series} what="the chart" skeleton={<Skeleton h={220} />}>
        {(points) => <EventsChart points={points} unit={unit} />}
      </QueryView>
    </Section>
  )
}
