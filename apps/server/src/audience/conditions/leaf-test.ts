import { foldName } from '../items/item.ts'
import type { EventFact, Facts, MessageFact } from './facts.ts'
import {
  type Count,
  durationMs,
  type EventCondition,
  type EventPropertyCondition,
  isRelative,
  type LeafCondition,
  type MessageCondition,
  offsetOf,
  type PersonCondition,
  type RelatedEvent,
  type TimeValue,
  type Window,
} from './language.ts'
import { personProperty, personTests } from './person-property.ts'
import {
  compare,
  instantTester,
  isInstantTest,
  type PropertyTester,
  propertyTester,
} from './property-test.ts'
import { readInstant, readProperty, sameValue } from './values.ts'

export type FactsTest = (facts: Facts) => boolean

/** A leaf made ready: names folded, times read, values at hand. */
export function leafTest(leaf: LeafCondition): FactsTest {
  if ('person' in leaf) return personTest(leaf)
  if ('trigger' in leaf) {
    const test = propertyTester(leaf)
    return ({ trigger, now }) => test(readProperty(trigger?.properties ?? {}, leaf.trigger), now)
  }
  if ('tag' in leaf) return ({ person }) => person.tags.includes(leaf.tag) === (leaf.has ?? true)
  if ('subscribed' in leaf) return ({ person }) => person.subscribed === leaf.subscribed
  if ('topic' in leaf) return ({ person }) => topicOf(person.topics, leaf.topic) === leaf.wanted
  if ('segment' in leaf) return ({ segments }) => segments.has(leaf.segment) === (leaf.in ?? true)
  return 'event' in leaf ? eventTest(leaf) : messageTest(leaf)
}

function personTest(leaf: PersonCondition): FactsTest {
  const name = leaf.person
  if (isInstantTest(leaf)) {
    const test = instantTester(leaf.operator, leaf.value)
    return (facts) => test(instantOf(facts, name), facts.now)
  }
  const { tests, every } = personTests(leaf)
  const [test, ...others] = tests.map(propertyTester)
  if (others.length === 0) return ({ person, now }) => test!(personProperty(person, name), now)
  return ({ person, now }) => {
    const value = personProperty(person, name)
    const passes = (one: PropertyTester) => one(value, now)
    return every ? [test!, ...others].every(passes) : [test!, ...others].some(passes)
  }
}

function instantOf(facts: Facts, name: string): number | undefined {
  facts.instants ??= new Map()
  if (!facts.instants.has(name)) facts.instants.set(name, readInstant(personProperty(facts.person, name)))
  return facts.instants.get(name)
}

const topicOf = (topics: Record<string, boolean>, name: string) =>
  Object.hasOwn(topics, name) ? topics[name] : undefined

const none: readonly EventFact[] = []

function eventTest(leaf: EventCondition): FactsTest {
  const name = foldName(leaf.event)
  const did = leaf.did ?? true
  const filters = whereFilters(leaf.where)
  if (leaf.within !== undefined) filters.push(eventWindow(leaf.within))
  if (leaf.scopedBy !== undefined) filters.push(scopeFilter(leaf.scopedBy))
  if (leaf.related !== undefined) filters.push(relatedFilter(leaf.related))
  const measure = leaf.first
    ? timeMeasure(leaf.first, true)
    : leaf.last
      ? timeMeasure(leaf.last, false)
      : undefined
  const keep = everyFilter(filters)
  return (facts) => {
    const all = facts.events.get(name) ?? none
    const holds = measure
      ? measure(keep ? all.filter((event) => keep(event, facts)) : all, facts.now)
      : countHolds(keep ? countKept(all, keep, facts) : all.length, leaf.count)
    return holds === did
  }
}

type EventFilter = (event: EventFact, facts: Facts) => boolean

function everyFilter(filters: EventFilter[]): EventFilter | undefined {
  if (filters.length < 2) return filters[0]
  return (event, facts) => filters.every((keep) => keep(event, facts))
}

/** Without a list of them: this runs for every changed person and segment. */
function countKept(events: readonly EventFact[], keep: EventFilter, facts: Facts): number {
  let count = 0
  for (const event of events) if (keep(event, facts)) count++
  return count
}

const whereFilters = (where: EventPropertyCondition[] = []): EventFilter[] =>
  where.map((condition) => {
    const test = propertyTester(condition)
    return (event, { now }) => test(readProperty(event.properties, condition.property), now)
  })

function eventWindow(within: NonNullable<EventCondition['within']>): EventFilter {
  if (within !== 'since_trigger') {
    const inside = windowTest(within)
    return (event, { now }) => inside(event.at, now)
  }
  // The trigger itself is not "since the trigger", though another event of the same millisecond is.
  return (event, { trigger }) =>
    trigger !== undefined && event.at >= trigger.at.getTime() && event.id !== trigger.id
}

function windowTest(window: Window): (at: number, now: Date) => boolean {
  if ('last' in window) {
    const length = durationMs(window.last)
    return (at, now) => at >= now.getTime() - length
  }
  const { after, before } = window
  return (at, now) =>
    (after === undefined || at >= timeOf(after, now)) && (before === undefined || at < timeOf(before, now))
}

/** Epoch ms. */
export const timeOf = (value: TimeValue, now: Date): number =>
  isRelative(value) ? now.getTime() + offsetOf(value) : readInstant(value as string)!

const scopeFilter =
  (property: string): EventFilter =>
  (event, { trigger }) =>
    sameValue(readProperty(event.properties, property), readProperty(trigger?.properties ?? {}, property))

function relatedFilter({ event, did = true, scopedBy, after, where }: RelatedEvent): EventFilter {
  const name = foldName(event)
  const filters = whereFilters(where)
  return (counted, facts) => {
    const value = readProperty(counted.properties, scopedBy)
    const found = (facts.events.get(name) ?? none).some(
      (other) =>
        other.id !== counted.id &&
        (!after || other.at >= counted.at) &&
        sameValue(readProperty(other.properties, scopedBy), value) &&
        filters.every((keep) => keep(other, facts)),
    )
    return found === did
  }
}

function timeMeasure({ operator, value }: NonNullable<EventCondition['first']>, first: boolean) {
  return (events: readonly EventFact[], now: Date): boolean => {
    if (events.length === 0) return false
    const at = events.reduce(
      (best, event) => (first ? Math.min(best, event.at) : Math.max(best, event.at)),
      events[0]!.at,
    )
    return compare(at, operator, timeOf(value, now))
  }
}

function countHolds(count: number, wanted: Count | undefined): boolean {
  if (wanted === undefined) return count > 0
  return wanted.operator === '=' ? count === wanted.value : compare(count, wanted.operator, wanted.value)
}

function messageTest(leaf: MessageCondition): FactsTest {
  const did = leaf.did ?? true
  const inside = leaf.within === undefined ? () => true : windowTest(leaf.within)
  const timeName = messageTimes[leaf.message]
  return ({ messages, now }) => {
    const counted = messages.filter((message) => {
      const at = message[timeName]
      return (
        at !== null &&
        (leaf.campaign === undefined || message.campaignId === leaf.campaign) &&
        (leaf.template === undefined || message.templateId === leaf.template) &&
        inside(at, now)
      )
    })
    return countHolds(counted.length, leaf.count) === did
  }
}

export const messageTimes = {
  sent: 'sentAt',
  opened: 'openedAt',
  clicked: 'clickedAt',
} as const satisfies Record<string, keyof MessageFact>
