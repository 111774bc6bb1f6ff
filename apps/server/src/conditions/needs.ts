import { foldName } from '../ingest/item.ts'
import type { TriggerFacts } from './facts.ts'
import {
  type Condition,
  durationMs,
  type EventCondition,
  leavesOf,
  type MessageCondition,
} from './language.ts'
import { timeOf } from './leaf-test.ts'

/** What must be known of people to evaluate conditions. */
export interface Needs {
  /** Folded names of events, and whether their properties are asked for. */
  events: Map<string, { properties: boolean }>
  messages: boolean
  /** Manual segments. */
  segments: Set<number>
  /** Leaves that look at history, which the database answers for people with very much of it. */
  historic: Set<EventCondition | MessageCondition>
}

const known = new WeakMap<Condition, Needs>()

export function needsOf(condition: Condition): Needs {
  let needs = known.get(condition)
  if (!needs) known.set(condition, (needs = findNeeds(condition)))
  return needs
}

export const noNeeds = (): Needs => ({
  events: new Map(),
  messages: false,
  segments: new Set(),
  historic: new Set(),
})

function findNeeds(condition: Condition): Needs {
  const needs = noNeeds()
  for (const leaf of leavesOf(condition)) {
    if ('segment' in leaf) needs.segments.add(leaf.segment)
    if ('message' in leaf) {
      needs.messages = true
      needs.historic.add(leaf)
    }
    if (!('event' in leaf)) continue
    needs.historic.add(leaf)
    const { event, where, scopedBy, related } = leaf
    addEvent(needs, event, where !== undefined || scopedBy !== undefined || related !== undefined)
    if (related) addEvent(needs, related.event, true)
  }
  return needs
}

function addEvent({ events }: Needs, event: string, properties: boolean): void {
  const name = foldName(event)
  events.set(name, { properties: properties || (events.get(name)?.properties ?? false) })
}

/** Both together. */
export function joinNeeds(into: Needs, { events, messages, segments, historic }: Needs): void {
  for (const [name, { properties }] of events) addEvent(into, name, properties)
  into.messages ||= messages
  for (const segment of segments) into.segments.add(segment)
  for (const leaf of historic) into.historic.add(leaf)
}

/** How far back the conditions look, epoch ms; Infinity when they look at no event. */
export function sinceOf({ historic }: Needs, now: Date, trigger: TriggerFacts | undefined): number {
  let since = Number.POSITIVE_INFINITY
  for (const leaf of historic) if ('event' in leaf) since = Math.min(since, leafSince(leaf, now, trigger))
  return since
}

function leafSince(
  { within, related }: EventCondition,
  now: Date,
  trigger: TriggerFacts | undefined,
): number {
  if (within === undefined || (related && !related.after)) return Number.NEGATIVE_INFINITY
  if (within === 'since_trigger') return trigger?.at.getTime() ?? Number.POSITIVE_INFINITY
  if ('last' in within) return now.getTime() - durationMs(within.last)
  return within.after === undefined ? Number.NEGATIVE_INFINITY : timeOf(within.after, now)
}
