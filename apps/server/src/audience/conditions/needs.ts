import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { foldName } from '../items/item.ts'
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
  /** Folded names of events, and whether more than the times of them is asked for. */
  events: Map<string, { detailed: boolean }>
  messages: boolean
  /** Manual segments. */
  segments: Set<number>
  /** Leaves that look at history, which the database answers for people with very much of it. */
  historic: Set<EventCondition | MessageCondition>
}

export const needsOf = memoizePerObject(findNeeds)

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
    const { event, where, within, scopedBy, related } = leaf
    addEvent(needs, event, Boolean(where || scopedBy || related || within === 'since_trigger'))
    if (related) addEvent(needs, related.event, true)
  }
  return needs
}

function addEvent({ events }: Needs, event: string, detailed: boolean): void {
  const name = foldName(event)
  events.set(name, { detailed: detailed || (events.get(name)?.detailed ?? false) })
}

/** Both together. */
export function joinNeeds(into: Needs, { events, messages, segments, historic }: Needs): void {
  for (const [name, { detailed }] of events) addEvent(into, name, detailed)
  into.messages ||= messages
  for (const segment of segments) into.segments.add(segment)
  for (const leaf of historic) into.historic.add(leaf)
}

/** How far back the conditions look for any of these triggers, epoch ms; Infinity when they look at no event. */
export function sinceOf(
  { historic }: Needs,
  now: Date,
  triggers: Iterable<TriggerFacts | undefined>,
): number {
  let since = Number.POSITIVE_INFINITY
  for (const trigger of triggers)
    for (const leaf of historic) if ('event' in leaf) since = Math.min(since, leafSince(leaf, now, trigger))
  return since
}

/** How far back a leaf looks; events before it never count. */
export function leafSince(
  { within, related }: EventCondition,
  now: Date,
  trigger: TriggerFacts | undefined,
): number {
  if (within === undefined || (related && !related.after)) return Number.NEGATIVE_INFINITY
  if (within === 'since_trigger') return trigger?.at.getTime() ?? Number.POSITIVE_INFINITY
  if ('last' in within) return now.getTime() - durationMs(within.last)
  return within.after === undefined ? Number.NEGATIVE_INFINITY : timeOf(within.after, now)
}
