import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { foldName } from '../items/item.ts'
import type { TriggerFacts } from './facts.ts'
import { kindOf, type LeafCondition } from './kinds.ts'
import { type Condition, leavesOf } from './language.ts'

/** What must be known of people to evaluate conditions. */
export interface Needs {
  /** Folded names of events, and whether more than the times of them is asked for. */
  events: Map<string, { detailed: boolean }>
  messages: boolean
  /** Manual segments. */
  segments: Set<number>
  /** The project's time zone, for people who have none. */
  zones: boolean
  /** Leaves that look at history, which the database answers for people with very much of it. */
  historic: Set<LeafCondition>
}

export const needsOf = memoizePerObject(findNeeds)

export const noNeeds = (): Needs => ({
  events: new Map(),
  messages: false,
  segments: new Set(),
  zones: false,
  historic: new Set(),
})

const leafNeeds = memoizePerObject((leaf: LeafCondition) => kindOf(leaf).needs(leaf))

function findNeeds(condition: Condition): Needs {
  const needs = noNeeds()
  for (const leaf of leavesOf(condition)) {
    const { events, messages, segments, zones } = leafNeeds(leaf)
    for (const { event, detailed } of events ?? []) addEvent(needs, foldName(event), detailed)
    for (const segment of segments ?? []) needs.segments.add(segment)
    needs.messages ||= messages ?? false
    needs.zones ||= zones ?? false
    if (events || messages) needs.historic.add(leaf)
  }
  return needs
}

function addEvent({ events }: Needs, name: string, detailed: boolean): void {
  events.set(name, { detailed: detailed || (events.get(name)?.detailed ?? false) })
}

/** Both together. */
export function joinNeeds(into: Needs, { events, messages, segments, zones, historic }: Needs): void {
  for (const [name, { detailed }] of events) addEvent(into, name, detailed)
  into.messages ||= messages
  into.zones ||= zones
  for (const segment of segments) into.segments.add(segment)
  for (const leaf of historic) into.historic.add(leaf)
}

/** How far back the conditions look for any of these triggers, epoch ms; Infinity when they look at no event. */
export function sinceOf(
  { historic }: Needs,
  now: Date,
  triggers: Iterable<TriggerFacts | undefined>,
): number {
  let earliest = Number.POSITIVE_INFINITY
  for (const trigger of triggers)
    for (const leaf of historic) {
      const { since } = leafNeeds(leaf)
      if (since) earliest = Math.min(earliest, since(now, trigger))
    }
  return earliest
}
