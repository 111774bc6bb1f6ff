import { Autocomplete, Checkbox, NumberInput, Select, Skeleton, Text } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { DateValueFields } from './date-fields.tsx'
import { type Count, type DateValue, isDateValue, type Test, type Value } from './language.ts'
import { choiceNamed, choiceOf, choose, offered, otherOperators, type Takes } from './operators.ts'
import { TypeDoubt } from './type-doubt.tsx'

const ListField = lazy(() => import('./list-field.tsx'))

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
  const [showsAll, setShowsAll] = useState(false)
  const choice = choiceOf(test, isDateValue(test.value) || (choseDate && typeof test.value === 'string'))
  const chooseOperator = (value: string) => {
    if (value === otherOperators) return setShowsAll(true)
    const next = choiceNamed(value)
    setChoseDate(next.takes === 'date')
    onChange(choose(next, choice, test))
  }
  const setValue = (value: Value) => {
    setChoseDate(choice?.takes === 'date')
    onChange({ ...partsOf(test), value })
  }
  return (
    <>
      <Select
        aria-label="Operator"
        size="xs"
        w={150}
        maxDropdownHeight={360}
        data={offered(showsAll ? [] : types, choice)}
        value={choice?.value ?? null}
        onChange={(value) => value && chooseOperator(value)}
      />
      <ValueField takes={choice?.takes ?? 'text'} value={test.value} {...{ suggestions, setValue }} />
      {choice?.ofText && (
        <Checkbox
          size="xs"
          label="Match case"
          checked={!test.ignoreCase}
          onChange={(change) =>
            onChange({
              ...partsOf(test),
              value: test.value,
              ignoreCase: change.currentTarget.checked ? undefined : true,
            })
          }
        />
      )}
      {(choice?.takes === 'date' || choice?.takes === 'number') && (
        <TypeDoubt takes={choice.takes} types={types} />
      )}
    </>
  )
}

/** Of a condition that has members beside. */
const partsOf = ({ operator, ignoreCase }: Test): Test =>
  ignoreCase ? { operator, ignoreCase } : { operator }

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
  if (takes === 'count') return <CountField count={value as Count} onChange={setValue} />
  if (takes === 'number')
    return (
      <NumberInput {...shared} w={120} placeholder="Number" value={value as number} onChange={setValue} />
    )
  if (takes === 'list' || takes === 'elements')
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

const CountField = ({ count, onChange }: { count: Count; onChange: (count: Count) => void }) => (
  <>
    <NumberInput
      aria-label="Elements"
      size="xs"
      w={80}
      min={0}
      max={10_000}
      allowDecimal={false}
      value={count.value}
      onChange={(value) => onChange({ ...count, value: Number(value) })}
    />
    <Text size="sm">{count.value === 1 ? 'element' : 'elements'}</Text>
  </>
)
