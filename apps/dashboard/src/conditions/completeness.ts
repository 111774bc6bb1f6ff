import { type Condition, type DateValue, type Filter, isRelative, type Leaf, type Test } from './language.ts'

/** What a condition still lacks before it can be asked about, in words; undefined when it is whole. */
export function missingIn(condition: Condition): string | undefined {
  if ('all' in condition) return firstOf(condition.all.map(missingIn))
  if ('any' in condition) return firstOf(condition.any.map(missingIn))
  if ('not' in condition) return missingIn(condition.not)
  return missingInLeaf(condition)
}

export function missingInLeaf(leaf: Leaf): string | undefined {
  if ('person' in leaf) return named(leaf.person, 'a property') ?? missingInTest(leaf)
  if ('trigger' in leaf) return named(leaf.trigger, 'a property') ?? missingInTest(leaf)
  if ('tag' in leaf) return named(leaf.tag, 'a tag')
  if ('topic' in leaf) return named(leaf.topic, 'a topic')
  if ('segment' in leaf) return leaf.segment > 0 ? undefined : 'Choose a segment'
  if ('subscribed' in leaf) return undefined
  const moment = 'event' in leaf ? (leaf.first ?? leaf.last) : undefined
  const within = typeof leaf.within === 'object' && !('last' in leaf.within) ? leaf.within : undefined
  return firstOf([
    'event' in leaf ? named(leaf.event, 'an event') : undefined,
    moment && missingDate(moment.value),
    within && firstOf(Object.values(within).map(missingDate)),
    ...('event' in leaf ? (leaf.where ?? []).map(missingInFilter) : []),
    'event' in leaf && leaf.related
      ? (named(leaf.related.event, 'the other event') ?? named(leaf.related.scopedBy, 'the shared property'))
      : undefined,
    ...('event' in leaf ? (leaf.related?.where ?? []).map(missingInFilter) : []),
  ])
}

const missingInFilter = (filter: Filter) => named(filter.property, 'a property') ?? missingInTest(filter)

function missingInTest({ operator, value }: Test): string | undefined {
  if (operator === 'is_set' || operator === 'is_not_set') return undefined
  if (value === undefined || value === '') return 'Give a value'
  if (Array.isArray(value) && value.length === 0) return 'Give at least one value'
  return undefined
}

const missingDate = (value: DateValue | undefined) =>
  value === undefined || isRelative(value) || value !== '' ? undefined : 'Choose a date'

const named = (name: string, what: string) => (name.trim() === '' ? `Name ${what}` : undefined)

const firstOf = (complaints: (string | undefined)[]) =>
  complaints.find((complaint) => complaint !== undefined)
