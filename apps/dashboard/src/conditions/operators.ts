import { isCount, isDateValue, type Operator, type Test, type Value } from './language.ts'

/** What an operator is compared with. */
export type Takes = 'text' | 'list' | 'elements' | 'count' | 'number' | 'date' | 'nothing'

type ValueType = 'text' | 'number' | 'boolean' | 'date' | 'list' | 'object'

/** An operator and the kind of value it takes: `>` of a number and `>` of a date are two choices. */
export interface OperatorChoice {
  value: string
  label: string
  takes: Takes
  /** The types of values that it reads. */
  fits: readonly ValueType[]
  /** Compares text, with regard to case or without. */
  ofText?: true
}

const scalars = ['text', 'number', 'boolean', 'date'] as const
const numbers = ['number', 'text'] as const
const dates = ['date', 'number'] as const
const anything = ['text', 'number', 'boolean', 'date', 'list', 'object'] as const

const choices: OperatorChoice[] = [
  { value: 'equals', label: 'is', takes: 'text', fits: scalars, ofText: true },
  { value: 'not_equals', label: 'is not', takes: 'text', fits: scalars, ofText: true },
  { value: 'one_of', label: 'is one of', takes: 'list', fits: scalars, ofText: true },
  { value: 'not_one_of', label: 'is none of', takes: 'list', fits: scalars, ofText: true },
  { value: 'contains', label: 'contains', takes: 'text', fits: ['text'], ofText: true },
  { value: 'not_contains', label: 'does not contain', takes: 'text', fits: ['text'], ofText: true },
  { value: 'starts_with', label: 'starts with', takes: 'text', fits: ['text'], ofText: true },
  { value: 'ends_with', label: 'ends with', takes: 'text', fits: ['text'], ofText: true },
  { value: 'contains_any', label: 'has any of', takes: 'elements', fits: ['list'], ofText: true },
  { value: 'contains_all', label: 'has all of', takes: 'elements', fits: ['list'], ofText: true },
  { value: 'contains_none', label: 'has none of', takes: 'elements', fits: ['list'], ofText: true },
  { value: 'count >=', label: 'has at least', takes: 'count', fits: ['list'] },
  { value: 'count =', label: 'has exactly', takes: 'count', fits: ['list'] },
  { value: 'count <=', label: 'has at most', takes: 'count', fits: ['list'] },
  { value: 'count >', label: 'has more than', takes: 'count', fits: ['list'] },
  { value: 'count <', label: 'has fewer than', takes: 'count', fits: ['list'] },
  { value: '>', label: 'is more than', takes: 'number', fits: numbers },
  { value: '>=', label: 'is at least', takes: 'number', fits: numbers },
  { value: '<', label: 'is less than', takes: 'number', fits: numbers },
  { value: '<=', label: 'is at most', takes: 'number', fits: numbers },
  { value: 'date >', label: 'is after', takes: 'date', fits: dates },
  { value: 'date >=', label: 'is at or after', takes: 'date', fits: dates },
  { value: 'date <', label: 'is before', takes: 'date', fits: dates },
  { value: 'date <=', label: 'is at or before', takes: 'date', fits: dates },
  { value: 'is_set', label: 'is set', takes: 'nothing', fits: anything },
  { value: 'is_not_set', label: 'is not set', takes: 'nothing', fits: anything },
  { value: 'is_empty', label: 'is empty', takes: 'nothing', fits: ['text', 'list'] },
  { value: 'is_not_empty', label: 'is not empty', takes: 'nothing', fits: ['text', 'list'] },
]

const groups: { group: string; takes: Takes[] }[] = [
  { group: 'Text and anything', takes: ['text', 'list'] },
  { group: 'Lists', takes: ['elements', 'count'] },
  { group: 'Numbers', takes: ['number'] },
  { group: 'Dates', takes: ['date'] },
  { group: 'Presence', takes: ['nothing'] },
]

/** Asks for the others, too. */
export const otherOperators = 'others'

/**
 * The operators to choose from: those that fit the one type of a property's values, or all where it is not known or there are
 * several. What is chosen stays, whether it fits or not.
 */
export function offered(types: string[], chosen: OperatorChoice | undefined) {
  const [type] = types
  const fitting = choices.filter(
    (choice) => types.length !== 1 || choice === chosen || choice.fits.includes(type as ValueType),
  )
  const offer = groups.map(({ group, takes }) => ({
    group,
    items: fitting
      .filter((choice) => takes.includes(choice.takes))
      .map(({ value, label }) => ({ value, label })),
  }))
  if (fitting.length < choices.length)
    offer.push({ group: 'Rarely of use here', items: [{ value: otherOperators, label: 'others …' }] })
  return offer.filter(({ items }) => items.length > 0)
}

export const comparesText = (operator: Operator): boolean =>
  choices.some((choice) => choice.value === operator && choice.ofText)

export const choiceNamed = (value: string): OperatorChoice => choices.find((each) => each.value === value)!

/** @param isDate whether a value that is no date yet is to be one */
export function choiceOf({ operator, value }: Test, isDate: boolean): OperatorChoice | undefined {
  if (isCount(value)) return choiceNamed(`count ${value.operator}`)
  return (isDate && choices.find((each) => each.value === `date ${operator}`)) || choiceNamed(operator)
}

/** The test after another operator was chosen; what is there goes along when the new one can use it. */
export function choose(next: OperatorChoice, before: OperatorChoice | undefined, test: Test): Test {
  const [, operator] = next.value.match(/^(?:date )?(\S+)/)!
  const value = valueFor(next, before?.takes, test.value)
  // Who compared text exactly goes on so; otherwise case makes no difference.
  const ignoreCase = next.ofText && (before?.ofText ? test.ignoreCase : true)
  return {
    operator: operator as Operator,
    ...(value === undefined ? {} : { value }),
    ...(ignoreCase ? { ignoreCase } : {}),
  }
}

function valueFor(
  next: OperatorChoice,
  took: Takes | undefined,
  value: Value | undefined,
): Value | undefined {
  const { takes } = next
  if (takes === 'nothing') return undefined
  if (takes === 'count')
    return {
      operator: next.value.slice('count '.length) as '>=',
      value: isCount(value) ? value.value : 1,
    }
  if (takes === took && value !== undefined) return value
  if ((takes === 'list' || takes === 'elements') && Array.isArray(value)) return value
  const text = typeof value === 'object' || value === undefined ? '' : String(value)
  if (takes === 'list' || takes === 'elements') return text === '' ? [] : [text]
  if (takes === 'date') return isDateValue(value) ? value : { ago: { days: 7 } }
  if (takes === 'number') return text !== '' && Number.isFinite(Number(text)) ? Number(text) : ''
  return Array.isArray(value) ? String(value[0] ?? '') : text
}
