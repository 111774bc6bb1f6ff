import { AreaChart, BarChart } from '@mantine/charts'
import '@mantine/charts/styles.layer.css'
import { SimpleGrid, useComputedColorScheme, VisuallyHidden } from '@mantine/core'
import type { Overview } from '../../api/types.ts'
import { Section } from '../../components/section.tsx'
import { formatCount } from '../../lib/format.ts'
import { toBuckets } from './buckets.ts'

type Series = Overview['series']

export default function ActivityCharts({ series }: { series: Series }) {
  const shade = useComputedColorScheme('light') === 'dark' ? 4 : 6
  const shared = {
    h: 230,
    data: toBuckets(series),
    dataKey: 'label',
    valueFormatter: formatCount,
    gridAxis: 'x' as const,
    tickLine: 'none' as const,
    xAxisProps: { minTickGap: 40 },
    yAxisProps: { width: 44, allowDecimals: false },
  }
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Section title="Events" description="Accepted and processed.">
        <AreaChart
          {...shared}
          aria-hidden
          series={[{ name: 'events', label: 'Events', color: `lagoon.${shade}` }]}
          areaChartProps={notFocusable}
          curveType="monotone"
          withDots={false}
          withGradient
        />
        <Summary words={`${formatCount(total(series, 'events'))} events in this range.`} />
      </Section>
      <Section title="Messages" description="Handed to the provider, or failed for good.">
        <BarChart
          {...shared}
          aria-hidden
          type="stacked"
          barChartProps={notFocusable}
          withLegend
          legendProps={{ verticalAlign: 'top', height: 32 }}
          series={[
            { name: 'sent', label: 'Sent', color: `lagoon.${shade}` },
            { name: 'failed', label: 'Failed', color: `buoy.${shade}` },
          ]}
        />
        <Summary
          words={`${formatCount(total(series, 'sent'))} messages sent and ${formatCount(total(series, 'failed'))} failed in this range.`}
        />
      </Section>
    </SimpleGrid>
  )
}

/** The picture is hidden from assistive technology, which gets the summary: then nothing in it may take the focus. */
const notFocusable = { accessibilityLayer: false }

/** What the picture says, for those who do not see it. */
const Summary = ({ words }: { words: string }) => <VisuallyHidden>{words}</VisuallyHidden>

const total = (series: Series, name: 'events' | 'sent' | 'failed') =>
  series.reduce((sum, point) => sum + point[name], 0)
