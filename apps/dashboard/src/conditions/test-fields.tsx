import { Autocomplete, NumberInput, Select, Skeleton } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { DateValueFields } from './date-fields.tsx'
import { type DateValue, isDateValue, type Operator, type Test, type Value } from './language.ts'
import { TypeDoubt } from './type-doubt.tsx'

const ListField = lazy(() => import('./list-field.tsx'))

/** An operator and the kind of value it takes: `>` of a number and `>` of a date are two choices. */
const choices = [
  { value: 'equals', label: 'is', takes: 'text' },
  { value: 'not_equals', label: 'is not', takes: 'text' },
  { value: 'one_of', label: 'is one of', takes: 'list' },
  { value: 'not_one_of', label: 'is none of', takes: 'list' },
  { value: 'contains', label: 'contains', takes: 'text' },
  { value: 'not_contains', label: 'does not contain', takes: 'text' },
  { value: 'starts_with', label: 'starts with', takes: 'text' },
  { value: 'ends_with', label: 'ends with', takes: 'text' },
  { value: '>', label: 'is more than', takes: 'number' },
  { value: '>=', label: 'is at least', takes: 'number' },
  { value: '<', label: 'is less than', takes: 'number' },
  { value: '<=', label: 'is at most', takes: 'number' },
  { value: 'date >', label: 'is after', takes: 'date' },
  { value: 'date >=', label: 'is at or after', takes: 'date' },
  { value: 'date <', label: 'is before', takes: 'date' },
  { value: 'date <=', label: 'is at or before', takes: 'date' },
  { value: 'is_set', label: 'is set', takes: 'nothing' },
  { value: 'is_not_set', label: 'is not set', takes: 'nothing' },
] as const

type Choice = (typeof choices)[number]
type Takes = Choice['takes']

const groups: { group: string; takes: Takes[] }[] = [
  { group: 'Text and anything', takes: ['text', 'list'] },
  { group: 'Numbers', takes: ['number'] },
  { group: 'Dates', takes: ['date'] },
  { group: 'Presence', takes: ['nothing'] },
]
const options = groups.map(({ group, takes }) => ({
  group,
  items: choices
    .filter((choice) => takes.includes(choice.takes))
    .map(({ value, label }) => ({ value: value as string, label: label as string })),
}))

const choiceOf = ({ operator }: Test, isDate: boolean): Choice | undefined =>
  (isDate && choices.find((choice) => choice.value === `date ${operator}`)) ||
  choices.find((choice) => choice.value === operator)

interface TestFieldsProps {
  test: Test
  suggestions?: string[]
  /** Of the property's values, as far as it is known. */
  types?: string[]
  onChange: (test: Test) => void
}

/** The operator and the value of a property's test. */
export function TestFields({ test, suggestions = [], types = [], onChange }: TestFieldsProps) {
  // A date that is not written yet is empty text, as a number is: only what was chosen tells them apart.
  const [choseDate, setChoseDate] = useState(isDateValue(test.value))
  const choice = choiceOf(test, isDateValue(test.value) || (choseDate && typeof test.value === 'string'))
  const choose = (value: string) => {
    const next = choices.find((candidate) => candidate.value === value)!
    const operator = next.value.replace('date ', '') as Operator
    setChoseDate(next.takes === 'date')
    onChange(withValue(operator, valueFor(next.takes, choice?.takes, test.value)))
  }
  const setValue = (value: Value) => {
    setChoseDate(choice?.takes === 'date')
    onChange({ operator: test.operator, value })
  }
  return (
    <>
      <Select
        aria-label="Operator"
        size="xs"
        w={150}
        maxDropdownHeight={360}
        data={options}
        value={choice?.value ?? null}
        onChange={(value) => value && choose(value)}
      />
      <ValueField takes={choice?.takes ?? 'text'} value={test.value} {...{ suggestions, setValue }} />
      {(choice?.takes === 'date' || choice?.takes === 'number') && (
        <TypeDoubt takes={choice.takes} types={types} />
      )}
    </>
  )
}

const withValue = (operator: Operator, value: Value | undefined): Test =>
  value === undefined ? { operator } : { operator, value }

/** What is there goes along when the new operator can use it. */
function valueFor(takes: Takes, took: Takes | undefined, value: Value | undefined): Value | undefined {
  if (takes === 'nothing') return undefined
  if (takes === took && value !== undefined) return value
  const text = typeof value === 'object' || value === undefined ? '' : String(value)
  if (takes === 'list') return text === '' ? [] : [text]
  if (takes === 'date') return isDateValue(value) ? value : { ago: { days: 7 } }
  if (takes === 'number') return text !== '' && Number.isFinite(Number(text)) ? Number(text) : ''
  return Array.isArray(value) ? String(value[0] ?? '') : text
}

interface ValueFieldProps {
  takes: Takes
  value: Value | undefined
  suggestions: string[]
  setValue: (value: Value) => void
}

function ValueField({ takes, value, suggestions, setValue }: ValueFieldProps) {
  const shared = { 'aria-label': 'Value', size: 'xs', w: 180 } as const
  const data = [...new Set(suggestions)]
  if (takes === 'nothing') return null
  if (takes === 'date') return <DateValueFields value={value as DateValue} onChange={setValue} />
  if (takes === 'number')
    return (
      <NumberInput {...shared} w={120} placeholder="Number" value={value as number} onChange={setValue} />
    )
  if (takes === 'list')
    return (
      <Suspense fallback={<Skeleton h={30} w={260} />}>
        <ListField
          values={(Array.isArray(value) ? value : []).map(String)}
          suggestions={data}
          onChange={setValue}
        />
      </Suspense>
    )
  const text = value === undefined || typeof value === 'object' ? '' : String(value)
  // One field with suggestions and without: another one in its place would take the focus from who is typing when they
  // arrive.
  return (
    <Autocomplete {...shared} placeholder="Value" data={data} limit={50} value={text} onChange={setValue} />
  )
}
