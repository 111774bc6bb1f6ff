import { BarChart } from '@mantine/charts'
import '@mantine/charts/styles.layer.css'
import { useComputedColorScheme, VisuallyHidden } from '@mantine/core'
import type { TimeUnit } from '../../api/catalog.ts'
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

export default function EventsChart({ points, unit }: EventsChartProps) {
  const shade = useComputedColorScheme('light') === 'dark' ? 4 : 6
  const total = points.reduce((sum, { count }) => sum + count, 0)
  return (
    <>
      <BarChart
        aria-hidden
        h={220}
        data={points.map(({ at, count }) => ({ label: formats[unit].format(new Date(at)), count }))}
        dataKey="label"
        series={[{ name: 'count', label: 'Events', color: `lagoon.${shade}` }]}
        valueFormatter={formatCount}
        gridAxis="x"
        tickLine="none"
        xAxisProps={{ minTickGap: 40 }}
        yAxisProps={{ width: 44, allowDecimals: false }}
        barChartProps={{ accessibilityLayer: false }}
      />
      <VisuallyHidden>{formatCount(total)} events in this range.</VisuallyHidden>
    </>
  )
}
