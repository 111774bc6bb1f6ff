import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { foldName } from '../items/item.ts'
import type { EventFact, Facts } from './facts.ts'
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
import { leafSince } from './needs.ts'
import { personProperty } from './person-property.ts'
import { readInstant, readProperty } from './values.ts'

/**
 * When time alone may next change what conditions say of a person; epoch ms, Infinity for never. May be too early, never
 * too late. `due-sql.ts` says the same for many people.
 *
 * Every comparison with a relative time is one of an instant t with now + offset. It changes at t - offset (> and <) or a
 * millisecond later (>= and <=).
 */
export type Clock = (facts: Facts) => number

/** One clock for all of the conditions: each property is read, and each list of times sorted, once a person. */
export function makeClock(conditions: Iterable<Condition>): Clock {
  const leaves = [...new Set([...conditions].flatMap(relativeLeavesOf))]
  const hands = handsOf(leaves)
  return (facts) => {
    let next = Number.POSITIVE_INFINITY
    if (facts.decided)
      for (const leaf of leaves)
        next = Math.min(next, facts.decided.get(leaf)?.due ?? Number.POSITIVE_INFINITY)
    for (const { instants, marks, historic } of hands) {
      if (historic && facts.decided) continue
      next = Math.min(next, nextCrossing(instants(facts), marks, facts))
    }
    return next
  }
}

const clockOf = memoizePerObject((condition: Condition) => makeClock([condition]))

export const nextChange = (condition: Condition, facts: Facts): number => clockOf(condition)(facts)

/** Instants that are compared with now + the offset of each of the marks. */
interface Hand {
  instants: (facts: Facts) => number[]
  marks: Mark[]
  /** Of events and messages, which the database answers for where there are very many. */
  historic: boolean
}

interface Mark {
  offset: number
  /** Whose window alone the instants count in. */
  within?: EventCondition
}

function handsOf(leaves: LeafCondition[]): Hand[] {
  const hands = new Map<string, Hand & { set: Set<string> }>()
  const add = (key: string, historic: boolean, mark: Mark, instants: Hand['instants']) => {
    let hand = hands.get(key)
    if (!hand) hands.set(key, (hand = { instants, historic, marks: [], set: new Set() }))
    const markKey = `${mark.offset} ${windowKey(mark.within)}`
    if (hand.set.has(markKey)) return
    hand.set.add(markKey)
    hand.marks.push(mark)
  }
  for (const leaf of leaves) {
    const { value, times, properties } = offsetsOf(leaf)
    if ('person' in leaf)
      for (const offset of value)
        add(`p ${leaf.person}`, false, { offset }, (facts) => personInstants(facts, leaf.person))
    if ('event' in leaf) {
      const name = foldName(leaf.event)
      const within = leaf.within === undefined ? undefined : leaf
      for (const offset of times)
        add(`e ${name}`, true, { offset, within }, (facts) => sortedTimes(facts.events.get(name)))
      for (const { event, property, offset } of properties)
        add(`${event}\0${property}\0${windowKey(within)}`, true, { offset }, (facts) =>
          propertyInstants(facts.events.get(event), property, sinceOfMark(within, facts)),
        )
    }
    if ('message' in leaf) {
      const time = messageTimes[leaf.message]
      for (const offset of times)
        add(`m ${time}`, true, { offset }, ({ messages }) => sorted(messages.map((message) => message[time])))
    }
  }
  return [...hands.values()]
}

/** What tells apart how far back leaves look. */
const windowKey = (leaf: EventCondition | undefined): string =>
  leaf === undefined ? '' : JSON.stringify([leaf.within, leaf.related !== undefined && !leaf.related.after])

const sinceOfMark = (leaf: EventCondition | undefined, { now, trigger }: Facts): number =>
  leaf === undefined ? Number.NEGATIVE_INFINITY : leafSince(leaf, now, trigger)

const personInstants = ({ person }: Facts, property: string) =>
  sorted([readInstant(personProperty(person, property))])

const sortedTimes = (events: readonly EventFact[] = []) => inOrder(events.map(({ at }) => at))

const propertyInstants = (events: readonly EventFact[] = [], property: string, since: number) =>
  sorted(
    events.map(({ at, properties }) =>
      at >= since ? readInstant(readProperty(properties, property)) : undefined,
    ),
  )

const sorted = (instants: (number | null | undefined)[]): number[] =>
  inOrder(instants.filter((instant) => instant !== undefined && instant !== null))

const inOrder = (instants: number[]) => (instants.length > 1 ? instants.sort((a, b) => a - b) : instants)

/** `instants` ascending. The first one that is not passed for an offset is the next to be. */
function nextCrossing(instants: number[], marks: Mark[], facts: Facts): number {
  let next = Number.POSITIVE_INFINITY
  if (instants.length === 0) return next
  const now = facts.now.getTime()
  for (const { offset, within } of marks) {
    const at = firstFrom(instants, Math.max(now + offset, sinceOfMark(within, facts)))
    if (at !== undefined) next = Math.min(next, Math.max(at - offset, now + 1))
  }
  return next
}

function firstFrom(ascending: number[], bound: number): number | undefined {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! >= bound) high = middle
    else low = middle + 1
  }
  return ascending[low]
}

/** The leaves that speak of now. */
export const relativeLeavesOf = memoizePerObject((condition: Condition): LeafCondition[] =>
  [...leavesOf(condition)].filter((leaf) => offsetsOf(leaf).any),
)

export interface Offsets {
  /** Of the property that a person or trigger condition looks at. */
  value: number[]
  /** Of the times of events or messages. */
  times: number[]
  /** Of properties of events, by event name (folded) and property. */
  properties: { event: string; property: string; offset: number }[]
  any: boolean
}

/** Every offset from now in a leaf, ms, by what is compared with it. */
export const offsetsOf = memoizePerObject(findOffsets)

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
