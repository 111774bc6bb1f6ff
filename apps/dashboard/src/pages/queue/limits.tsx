import type { ProjectQueue } from '@fairway/api'
import { Code, Text } from '@mantine/core'
import { PropertyList } from '../../components/property-list.tsx'
import { Section } from '../../components/section.tsx'
import { formatBytes, formatNumber } from '../../lib/format.ts'

type QueueLimits = ProjectQueue['limits']

/** How the project is treated, in each lane; the operator sets it. */
export function Limits({ project, limits }: { project: string; limits: QueueLimits }) {
  return (
    <Section title="Limits" description="How this project is treated in each lane.">
      <PropertyList label="Limits" entries={entries(limits)} />
      <Text size="sm" c="dimmed" mt="md">
        They are changed on the server: <Code>npx fairway queue limits {project} --help</Code>
      </Text>
    </Section>
  )
}

const orNone = (value: number | null, words: (value: number) => string) =>
  value === null ? 'no limit' : words(value)

const entries = ({ weight, maxInFlight, rate, maxJobs, maxBytes }: QueueLimits): [string, string][] => [
  ['Share against other projects', weight === 1 ? '1, as every project' : formatNumber(weight)],
  ['Jobs at once', orNone(maxInFlight, formatNumber)],
  ['Jobs started a second', orNone(rate, formatNumber)],
  ['Jobs that may wait', orNone(maxJobs, formatNumber)],
  ['Bytes that may wait', orNone(maxBytes, formatBytes)],
]
