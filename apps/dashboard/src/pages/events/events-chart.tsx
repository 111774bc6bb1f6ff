import type { TimeUnit } from '../../api/catalog.ts'
import { TimeBars } from '../../components/time-bars.tsx'
import { formatCount } from '../../lib/format.ts'

interface EventsChartProps {
  points: { at: string; count: number }[]
  unit: TimeUnit
}

const formats: Record<TimeUnit, Intl.DateTimeFormat> = {
  hour: new Intl.DateTimeFormat(undefined, {
    day: 'numeric',
    month: 'short',
    hour: 'numeric',
    minute: '2-digit',
  }),
  day: new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' }),
}

export function EventsChart({ points, unit }: EventsChartProps) {
  const total = points.reduce((sum, { count }) => sum + count, 0)
  return (
    <TimeBars
      points={points.map(({ at, count }) => ({ label: formats[unit].format(new Date(at)), count }))}
      series={[{ name: 'count', label: 'Events', color: 'lagoon' }]}
      words={`${formatCount(total)} events in this range.`}
    />
  )
}
