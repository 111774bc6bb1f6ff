import type { TimelineEntry } from '@fairway/api'
import { Badge, Box, Button, Chip, Group, Stack, Text, ThemeIcon, Timeline, Tooltip } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import {
  IconArrowMerge,
  IconBolt,
  IconChartPie,
  IconHistory,
  IconMail,
  IconPencil,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLivePerson } from '../../api/live.ts'
import { useTimeline } from '../../api/people.ts'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { JsonView } from '../../components/json-view.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { SkeletonLines } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { MessageStateBadge } from '../../components/state-badge.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatValue } from '../../lib/format.ts'
import { explainReason } from '../messages/reasons.ts'
import { describeChange } from './describe-change.ts'

type Shown = 'all' | 'event' | 'message' | 'segment' | 'change' | 'merge'

const kinds: { value: Shown; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'event', label: 'Events' },
  { value: 'message', label: 'Messages' },
  { value: 'segment', label: 'Segments' },
  { value: 'change', label: 'Changes' },
  { value: 'merge', label: 'Merges' },
]

/** Coming and going of segments are events of the product's kind; merges are changes. Both are looked for by themselves. */
export function shownAs(entry: TimelineEntry): Exclude<Shown, 'all'> {
  if (entry.kind === 'event') return 'segmentId' in entry.properties ? 'segment' : 'event'
  if (entry.kind === 'change') return entry.change === 'merged' ? 'merge' : 'change'
  return 'message'
}

interface PersonTimelineProps {
  project: string
  person: string
}

/** The history, and whether what happens now is added as it does. */
export function PersonTimelineSection({ project, person }: PersonTimelineProps) {
  const client = useQueryClient()
  const refresh = useDebouncedCallback(
    () => client.invalidateQueries({ queryKey: [project, 'people', person] }),
    { delay: 500, maxWait: 2000 },
  )
  const live = useLivePerson(project, person, refresh)
  return (
    <Section
      title="Timeline"
      description="What they did, what was sent or not sent and why, and what changed; newest first."
      actions={live === 'open' && <LiveBadge />}
    >
      <PersonTimeline project={project} person={person} />
    </Section>
  )
}

const LiveBadge = () => (
  <Tooltip label="What happens now is added by itself.">
    <Badge variant="dot" color="lagoon" tt="none">
      Live
    </Badge>
  </Tooltip>
)

function PersonTimeline({ project, person }: PersonTimelineProps) {
  const [kind, setKind] = useState<Shown>('all')
  const timeline = useTimeline(project, person)
  const entries = timeline.data?.pages.flatMap((page) => page.items)
  if (!entries && timeline.isError)
    return (
      <ErrorState
        title="Could not load the timeline"
        error={timeline.error}
        onRetry={() => timeline.refetch()}
      />
    )
  if (!entries) return <SkeletonLines lines={8} />
  if (entries.length === 0)
    return (
      <EmptyState icon={IconHistory} title="Nothing happened yet">
        Events, messages and changes of this person will be listed here.
      </EmptyState>
    )

  const shown = entries.filter((entry) => kind === 'all' || shownAs(entry) === kind)
  return (
    <Stack gap="lg">
      <Chip.Group value={kind} onChange={(value) => setKind(value as Shown)}>
        <Group gap={6} role="group" aria-label="Kinds shown">
          {kinds.map(({ value, label }) => (
            <Chip key={value} size="xs" value={value}>
              {label}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {shown.length === 0 && (
        <Text size="sm" c="dimmed">
          None among the entries loaded so far.
        </Text>
      )}
      <Timeline bulletSize={28} lineWidth={2}>
        {shown.map((entry) => (
          <Timeline.Item key={`${entry.kind}:${entry.id}`} bullet={<Bullet kind={shownAs(entry)} />}>
            <Entry project={project} entry={entry} />
          </Timeline.Item>
        ))}
      </Timeline>
      {timeline.hasNextPage && (
        <Box>
          <Button
            variant="default"
            size="xs"
            loading={timeline.isFetchingNextPage}
            onClick={() => timeline.fetchNextPage()}
          >
            Show earlier
          </Button>
        </Box>
      )}
    </Stack>
  )
}

const bullets = {
  event: { icon: IconBolt, color: 'lagoon' },
  message: { icon: IconMail, color: 'blue' },
  segment: { icon: IconChartPie, color: 'lagoon' },
  change: { icon: IconPencil, color: 'gray' },
  merge: { icon: IconArrowMerge, color: 'buoy' },
}

function Bullet({ kind }: { kind: Exclude<Shown, 'all'> }) {
  const { icon: Icon, color } = bullets[kind]
  return (
    <ThemeIcon size={28} radius="xl" variant="light" color={color}>
      <Icon size={15} aria-hidden />
    </ThemeIcon>
  )
}

function Entry({ project, entry }: { project: string; entry: TimelineEntry }) {
  if (shownAs(entry) === 'segment') return <SegmentEntry project={project} entry={entry as EventLine} />
  if (entry.kind === 'event') return <EventEntry entry={entry} />
  if (entry.kind === 'message') return <MessageEntry project={project} entry={entry} />
  return (
    <EntryHead at={entry.at}>
      <Text size="sm">{describeChange(entry.change, entry.detail)}</Text>
    </EntryHead>
  )
}

function EntryHead({ at, children }: { at: string; children: React.ReactNode }) {
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm">
      <Box miw={0}>{children}</Box>
      <TimeAgo at={at} size="xs" c="dimmed" />
    </Group>
  )
}

type EventLine = Extract<TimelineEntry, { kind: 'event' }>

function SegmentEntry({ project, entry }: { project: string; entry: EventLine }) {
  const { segmentId, segment } = entry.properties
  return (
    <EntryHead at={entry.at}>
      <Text size="sm">
        {entry.name.startsWith('Left') ? 'Left' : 'Entered'} the segment{' '}
        <AnchorLink
          to="/projects/$project/segments/$segment"
          params={{ project, segment: String(segmentId) }}
          inherit
        >
          {formatValue(segment)}
        </AnchorLink>
      </Text>
    </EntryHead>
  )
}

function EventEntry({ entry }: { entry: EventLine }) {
  const [open, setOpen] = useState(false)
  const names = Object.keys(entry.properties)
  return (
    <>
      <EntryHead at={entry.at}>
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {entry.name}
        </Text>
        {names.length > 0 && !open && <Preview properties={entry.properties} />}
      </EntryHead>
      {open && (
        <Box mt={6}>
          <JsonView value={entry.properties} label={`the properties of ${entry.name}`} maxHeight={280} />
        </Box>
      )}
      {tellsMore(entry.properties) && (
        <Button
          variant="transparent"
          size="compact-xs"
          px={0}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? 'Hide properties' : 'Show properties'}
        </Button>
      )}
    </>
  )
}

const previewed = 4

/** Whether the preview leaves something out: more properties, or values that are not plain. */
const tellsMore = (properties: Record<string, unknown>) =>
  Object.keys(properties).length > previewed ||
  Object.values(properties).some((value) => typeof value === 'object' && value !== null)

function Preview({ properties }: { properties: Record<string, unknown> }) {
  return (
    <Text size="xs" c="dimmed" lineClamp={1}>
      {Object.entries(properties)
        .slice(0, previewed)
        .map(([name, value]) => `${name}: ${formatValue(value)}`)
        .join(' · ')}
    </Text>
  )
}

function MessageEntry({
  project,
  entry,
}: {
  project: string
  entry: Extract<TimelineEntry, { kind: 'message' }>
}) {
  return (
    <>
      <EntryHead at={entry.at}>
        <Group gap="xs">
          <AnchorLink
            to="/projects/$project/messages/$message"
            params={{ project, message: entry.id }}
            size="sm"
            fw={600}
          >
            {entry.subject || (entry.origin === 'campaign' ? 'Campaign email' : 'Transactional email')}
          </AnchorLink>
          <MessageStateBadge state={entry.state} />
        </Group>
      </EntryHead>
      {entry.reason && (
        <Text size="xs" c="dimmed" mt={2}>
          {entry.state === 'skipped' || entry.state === 'failed' ? 'Why not sent: ' : ''}
          {explainReason(entry.reason)}
        </Text>
      )}
    </>
  )
}
