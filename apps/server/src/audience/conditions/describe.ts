import {
  type Condition,
  type ConditionValue,
  type Duration,
  type EventCondition,
  isRelative,
  type MessageCondition,
  type PropertyOperator,
  type PropertyTest,
  type RelatedEvent,
  type Window,
} from './language.ts'

const operatorWords: Partial<Record<PropertyOperator, string>> = {
  is_set: 'is set',
  is_not_set: 'is not set',
  not_equals: 'does not equal',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  ends_with: 'ends with',
  one_of: 'is one of',
  not_one_of: 'is none of',
}

/** A condition in one line of English, for logs and reports. Speaks of the rule, never of a person's data. */
export function describe(condition: Condition): string {
  if ('all' in condition) return group(condition.all, 'and')
  if ('any' in condition) return group(condition.any, 'or')
  if ('not' in condition) return `not (${describe(condition.not)})`
  if ('person' in condition) return describeTest(`person.${condition.person}`, condition)
  if ('trigger' in condition) return describeTest(`trigger.${condition.trigger}`, condition)
  if ('tag' in condition)
    return `${condition.has === false ? 'does not have' : 'has'} tag ${quote(condition.tag)}`
  if ('subscribed' in condition) return condition.subscribed ? 'is subscribed' : 'is unsubscribed'
  if ('topic' in condition)
    return `${condition.wanted ? 'wants' : 'does not want'} topic ${quote(condition.topic)}`
  if ('segment' in condition)
    return `is ${condition.in === false ? 'not ' : ''}in segment ${condition.segment}`
  return 'message' in condition ? describeMessage(condition) : describeEvent(condition)
}

const group = (children: Condition[], word: string) =>
  children.length === 1 ? describe(children[0]!) : `(${children.map(describe).join(` ${word} `)})`

function describeTest(subject: string, { operator, value }: PropertyTest): string {
  const words = `${subject} ${operatorWords[operator] ?? operator}`
  return value === undefined ? words : `${words} ${describeValue(value)}`
}

function describeValue(value: ConditionValue): string {
  if (Array.isArray(value)) return value.map(quote).join(', ')
  if (!isRelative(value)) return quote(value)
  return 'ago' in value ? `${describeDuration(value.ago)} ago` : `${describeDuration(value.ahead)} ahead`
}

function describeEvent(condition: EventCondition): string {
  const { event, did = true, count, first, last, within, where, scopedBy, related } = condition
  const words = [did ? 'did' : 'did not do', quote(event)]
  if (count) words.push(`${count.operator} ${count.value} times`)
  if (first) words.push(`for the first time ${first.operator} ${describeValue(first.value)}`)
  if (last) words.push(`for the last time ${last.operator} ${describeValue(last.value)}`)
  words.push(...describeWhere(where))
  if (scopedBy) words.push(`with the trigger's ${scopedBy}`)
  if (within === 'since_trigger') words.push('since the trigger')
  else if (within) words.push(describeWindow(within))
  if (related) words.push(describeRelated(related))
  return words.join(' ')
}

const describeWhere = (where: EventCondition['where'] = []): string[] =>
  where.length === 0 ? [] : [`where ${where.map((test) => describeTest(test.property, test)).join(' and ')}`]

const describeRelated = ({ event, did = true, scopedBy, after, where }: RelatedEvent): string =>
  [
    `${did ? 'and' : 'and not'} ${quote(event)} with the same ${scopedBy}`,
    ...(after ? ['afterwards'] : []),
    ...describeWhere(where),
  ].join(' ')

function describeMessage({
  message,
  did = true,
  count,
  within,
  campaign,
  template,
}: MessageCondition): string {
  const verbs = {
    sent: ['was sent', 'was not sent'],
    opened: ['opened', 'did not open'],
    clicked: ['clicked', 'did not click'],
  }
  const words = [
    verbs[message][did ? 0 : 1]!,
    count ? `${count.operator} ${count.value} messages` : 'a message',
  ]
  if (campaign !== undefined) words.push(`of campaign ${campaign}`)
  if (template !== undefined) words.push(`with template ${template}`)
  if (within) words.push(describeWindow(within))
  return words.join(' ')
}

function describeWindow(window: Window): string {
  if ('last' in window) return `in the last ${describeDuration(window.last)}`
  const words: string[] = []
  if (window.after !== undefined) words.push(`from ${describeValue(window.after)}`)
  if (window.before !== undefined) words.push(`before ${describeValue(window.before)}`)
  return words.join(' ')
}

function describeDuration(duration: Duration): string {
  const [unit, amount] = Object.entries(duration)[0]!
  return `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`
}

const quote = (value: unknown) => JSON.stringify(value)
