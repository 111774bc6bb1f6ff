import {
  type Condition,
  type ConditionValue,
  type Duration,
  type EventCondition,
  isRelative,
  type PropertyOperator,
  type PropertyTest,
} from './language.ts'

const operatorWords: Partial<Record<PropertyOperator, string>> = {
  is_set: 'is set',
  is_not_set: 'is not set',
  not_equals: 'does not equal',
  not_contains: 'does not contain',
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
  return describeEvent(condition)
}

const group = (children: Condition[], word: string) =>
  children.length === 1 ? describe(children[0]!) : `(${children.map(describe).join(` ${word} `)})`

function describeTest(subject: string, { operator, value }: PropertyTest): string {
  const words = `${subject} ${operatorWords[operator] ?? operator}`
  return value === undefined ? words : `${words} ${describeValue(value)}`
}

function describeValue(value: ConditionValue): string {
  if (!isRelative(value)) return quote(value)
  return 'ago' in value ? `${describeDuration(value.ago)} ago` : `${describeDuration(value.ahead)} ahead`
}

function describeEvent({ event, did = true, count, within, where = [], scopedBy }: EventCondition): string {
  const words = [did ? 'did' : 'did not do', quote(event)]
  if (count) words.push(`${count.operator} ${count.value} times`)
  if (where.length > 0)
    words.push(`where ${where.map((test) => describeTest(test.property, test)).join(' and ')}`)
  if (scopedBy) words.push(`with the trigger's ${scopedBy}`)
  if (within === 'since_trigger') words.push('since the trigger')
  else if (within) words.push(`in the last ${describeDuration(within.last)}`)
  return words.join(' ')
}

function describeDuration(duration: Duration): string {
  const [unit, amount] = Object.entries(duration)[0]!
  return `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`
}

const quote = (value: unknown) => JSON.stringify(value)
