import type { ProjectLane } from '@fairway/api'
import { Badge, Card, Group, Progress, Text, Title } from '@mantine/core'
import { useId } from 'react'
import { formatBytes, formatCount, formatDuration } from '../../lib/format.ts'
import { drainWords, laneWords } from '../../lib/lanes.ts'
import classes from './lane-card.module.css'
import { Sparkline } from './sparkline.tsx'
import { WaitBar } from './wait-bar.tsx'

interface LaneCardProps {
  lane: ProjectLane
  paused: boolean
  /** What waited at each refresh, oldest first. */
  waiting: number[]
}

/** What waits in a lane, and what becomes of it. The pictures repeat the words beside them. */
export function LaneCard({ lane, paused, waiting }: LaneCardProps) {
  const id = useId()
  return (
    <Card component="section" aria-labelledby={id} padding="md" className={classes.card}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Title order={2} id={id} fz="md">
          {lane.lane}
        </Title>
        <LaneBadge lane={lane} paused={paused} />
      </Group>
      <Text size="xs" c="dimmed">
        {laneWords[lane.lane]}
      </Text>
      <Group justify="space-between" align="flex-end" wrap="nowrap" mt="sm">
        <Text component="p" m={0}>
          <span className={classes.figure}>{formatCount(lane.waiting)}</span>{' '}
          <Text span size="sm" c="dimmed">
            waiting{lane.waiting > 0 && `, ${formatBytes(lane.waitingBytes)}`}
          </Text>
        </Text>
        <Sparkline values={waiting} />
      </Group>
      <Text size="sm" mt={4}>
        {drainWords(lane.drain)}
        {lane.waiting > 0 && ` The oldest has waited for ${formatDuration(lane.oldestAgeMs)}.`}
      </Text>
      {lane.waitingCalls > 0 && (
        <Text size="sm" mt={4}>
          {serverWords(lane)}
        </Text>
      )}
      {isIdle(lane) ? (
        <Text size="xs" c="dimmed" mt="xs">
          Nothing ran in the last minute.
        </Text>
      ) : (
        <Facts lane={lane} />
      )}
    </Card>
  )
}

/** Neither waits nor ran anything, as far as is known. */
const isIdle = ({ waiting, timeInQueue, perSecond, waitingCalls }: ProjectLane) =>
  waiting === 0 && timeInQueue === null && !perSecond && waitingCalls === 0

function Facts({ lane }: { lane: ProjectLane }) {
  return (
    <dl className={classes.facts}>
      <Fact name="Waited" words={waitedWords(lane)}>
        {lane.timeInQueue && <WaitBar {...lane.timeInQueue} />}
      </Fact>
      <Fact name="Runs" words={runsWords(lane)} />
      <Fact name="Share" words={shareWords(lane)}>
        {lane.serviceShare !== null && (
          <Progress value={lane.serviceShare * 100} size={6} mt={4} aria-hidden />
        )}
      </Fact>
      {lane.quota && (
        <Fact name="Quota" words={quotaWords(lane)}>
          <Progress
            value={lane.quota.used * 100}
            color={quotaColors[lane.quota.state]}
            size={6}
            mt={4}
            aria-hidden
          />
        </Fact>
      )}
    </dl>
  )
}

function Fact({ name, words, children }: { name: string; words: string; children?: React.ReactNode }) {
  return (
    <div className={classes.fact}>
      <Text component="dt" size="xs" c="dimmed">
        {name}
      </Text>
      <Text component="dd" size="xs" m={0}>
        {words}
        {children}
      </Text>
    </div>
  )
}

function LaneBadge({ lane, paused }: { lane: ProjectLane; paused: boolean }) {
  const state = paused
    ? ({ label: 'Paused', color: 'buoy' } as const)
    : lane.quota?.state === 'full'
      ? ({ label: 'Full', color: 'red' } as const)
      : lane.delayed
        ? ({ label: 'Late', color: 'yellow' } as const)
        : null
  if (!state) return null
  return (
    <Badge color={state.color} variant="light" tt="none">
      {state.label}
    </Badge>
  )
}

function waitedWords({ timeInQueue, perSecond }: ProjectLane): string {
  if (timeInQueue)
    return `half under ${atMost(timeInQueue.p50Ms)}, 99 of 100 under ${atMost(timeInQueue.p99Ms)}`
  return perSecond ? 'measured by other processes' : 'nothing ran in the last minute'
}

function serverWords({ waitingCalls, longestCallMs }: ProjectLane): string {
  const calls = waitingCalls === 1 ? '1 call waits' : `${formatCount(waitingCalls)} calls wait`
  return `${calls} for the mail server, the longest for ${formatDuration(longestCallMs)}.`
}

function runsWords({ perSecond, inFlight }: ProjectLane): string {
  if (perSecond === null || inFlight === null) return 'less than the 20 busiest projects'
  if (perSecond === 0) return 'nothing in the last minute'
  const rate = decimal(perSecond)
  return `${rate} ${rate === '1' ? 'job' : 'jobs'} a second, ${decimal(inFlight)} at once`
}

function shareWords({ serviceShare, perSecond }: ProjectLane): string {
  if (serviceShare === null) return 'less than the 20 busiest projects'
  if (!perSecond) return 'none of the lane’s time'
  return `${serviceShare < 0.01 ? 'under 1' : Math.round(serviceShare * 100)} % of the lane’s time`
}

const quotaColors = { open: 'lagoon', slowed: 'yellow', full: 'red' }

function quotaWords({ quota, refused, slowed }: ProjectLane): string {
  const words = [`${Math.round((quota?.used ?? 0) * 100)} % full`]
  if (refused > 0) words.push(`${formatCount(refused)} refused lately`)
  else if (slowed > 0) words.push(`${formatCount(slowed)} slowed lately`)
  return words.join(', ')
}

/** Rounded up, so that "under" stays true. */
const atMost = (ms: number): string =>
  ms >= 1_000 && ms < 60_000
    ? `${Math.ceil(ms / 100) / 10} s`
    : formatDuration(ms < 60_000 ? Math.ceil(ms) : Math.ceil(ms / 60_000) * 60_000)

/** 1,210 · 12 · 0.03 */
const decimal = (value: number) =>
  new Intl.NumberFormat(undefined, { maximumSignificantDigits: value < 100 ? 2 : 4 }).format(value)
