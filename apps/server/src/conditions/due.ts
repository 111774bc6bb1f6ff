import { foldName } from '../ingest/item.ts'
import type { Facts } from './facts.ts'
import {
  type Condition,
  durationMs,
  type EventCondition,
  type EventPropertyCondition,
  isRelative,
  type LeafCondition,
  leavesOf,
  offsetOf,
  type PropertyTest,
  type TimeValue,
  type Window,
} from './language.ts'
import { messageTimes } from './leaf-test.ts'
import { personProperty } from './person-property.ts'
import { readInstant, readProperty } from './values.ts'

/**
 * When time alone may next change what a condition says of a person; epoch ms, Infinity for never. May be too early,
 * never too late. `due-sql.ts` says the same for many people.
 *
 * Every comparison with a relative time is one of an instant t with now + offset. It changes at t - offset (> and <) or a
 * millisecond later (>= and <=).
 */
export function nextChange(condition: Condition, facts: Facts): number {
  let next = Number.POSITIVE_INFINITY
  for (const leaf of relativeLeavesOf(condition)) {
    next = Math.min(next, facts.decided?.get(leaf)?.due ?? leafDue(leaf, facts))
  }
  return next
}

const relative = new WeakMap<Condition, LeafCondition[]>()

/** The leaves that speak of now. */
export function relativeLeavesOf(condition: Condition): LeafCondition[] {
  let leaves = relative.get(condition)
  if (!leaves) {
    leaves = [...leavesOf(condition)].filter((leaf) => offsetsOf(leaf).any)
    relative.set(condition, leaves)
  }
  return leaves
}

export interface Offsets {
  /** Of the property that a person or trigger condition looks at. */
  value: number[]
  /** Of the times of events or messages. */
  times: number[]
  /** Of properties of events, by event name (folded) and property. */
  properties: { event: string; property: string; offset: number }[]
  any: boolean
}

const offsets = new WeakMap<LeafCondition, Offsets>()

/** Every offset from now in a leaf, ms, by what is compared with it. */
export function offsetsOf(leaf: LeafCondition): Offsets {
  let found = offsets.get(leaf)
  if (!found) offsets.set(leaf, (found = findOffsets(leaf)))
  return found
}

function findOffsets(leaf: LeafCondition): Offsets {
  const value = 'person' in leaf ? offsetOfTest(leaf) : []
  const times: number[] = []
  const properties: Offsets['properties'] = []
  if ('event' in leaf) {
    if (leaf.within !== undefined && leaf.within !== 'since_trigger')
      times.push(...windowOffsets(leaf.within))
    for (const measure of [leaf.first, leaf.last]) if (measure) times.push(...offsetOfTime(measure.value))
    properties.push(...whereOffsets(leaf.event, leaf.where))
    if (leaf.related) properties.push(...whereOffsets(leaf.related.event, leaf.related.where))
  } else if ('message' in leaf && leaf.within !== undefined) {
    times.push(...windowOffsets(leaf.within))
  }
  return { value, times, properties, any: value.length + times.length + properties.length > 0 }
}

const whereOffsets = (event: EventCondition['event'], where: EventPropertyCondition[] = []) =>
  where.flatMap((test) =>
    offsetOfTest(test).map((offset) => ({ event: foldName(event), property: test.property, offset })),
  )

const offsetOfTest = ({ value }: PropertyTest): number[] => (isRelative(value) ? [offsetOf(value)] : [])

const offsetOfTime = (value: TimeValue): number[] => (isRelative(value) ? [offsetOf(value)] : [])

const windowOffsets = (window: Window): number[] =>
  'last' in window
    ? [-durationMs(window.last)]
    : [window.after, window.before].flatMap((value) => (value === undefined ? [] : offsetOfTime(value)))

function leafDue(leaf: LeafCondition, facts: Facts): number {
  const now = facts.now.getTime()
  const { value, times, properties } = offsetsOf(leaf)
  let next = Number.POSITIVE_INFINITY
  const cross = (instant: number | null | undefined, offset: number) => {
    if (instant === undefined || instant === null) return
    const at = instant - offset
    if (at >= now) next = Math.min(next, Math.max(at, now + 1))
  }
  if ('person' in leaf)
    for (const offset of value) cross(readInstant(personProperty(facts.person, leaf.person)), offset)
  if ('event' in leaf) {
    const events = facts.events.get(foldName(leaf.event)) ?? []
    for (const offset of times) for (const { at } of events) cross(at, offset)
    for (const { event, property, offset } of properties)
      for (const { properties } of facts.events.get(event) ?? [])
        cross(readInstant(readProperty(properties, property)), offset)
  }
  if ('message' in leaf)
    for (const offset of times)
      for (const message of facts.messages) cross(message[messageTimes[leaf.message]], offset)
  return next
}
