import { Group, NumberInput, Select, Text } from '@mantine/core'
import { typesIn, typesOf, useEventProperties } from '../api/catalog.ts'
import { useBuilder } from './builder-context.ts'
import { firstOf, unnamed } from './completeness.ts'
import { RemoveIcon } from './filters.tsx'
import type { Aggregate, AggregateFunction } from './language.ts'
import { NameInput } from './name-input.tsx'
import { property } from './phrases.ts'
import { TypeDoubt } from './type-doubt.tsx'

const functions: Record<AggregateFunction, string> = {
  sum: 'the sum of',
  average: 'the average',
  min: 'the least',
  max: 'the greatest',
}

const comparisons: Record<Aggregate['operator'], string> = {
  '>=': 'is at least',
  '>': 'is more than',
  '=': 'is exactly',
  '<=': 'is at most',
  '<': 'is less than',
}

const options = (words: Record<string, string>) =>
  Object.entries(words).map(([value, label]) => ({ value, label }))

export const newAggregate: Aggregate = { function: 'sum', property: '', operator: '>=', value: 100 }

interface AggregateFieldsProps {
  aggregate: Aggregate
  /** The counted event. */
  event: string
  onChange: (aggregate: Aggregate | undefined) => void
}

/** The sum, the average, the least or the greatest of what counted events have in a property. */
export function AggregateFields({ aggregate, event, onChange }: AggregateFieldsProps) {
  const properties = useEventProperties(useBuilder().project, event).data ?? []
  const set = (change: Partial<Aggregate>) => onChange({ ...aggregate, ...change })
  return (
    <Group gap="xs" role="group" aria-label="Sum or average">
      <Text size="sm">where</Text>
      <Select
        aria-label="Of its numbers"
        size="xs"
        w={130}
        data={options(functions)}
        value={aggregate.function}
        onChange={(name) => set({ function: name as AggregateFunction })}
      />
      <NameInput
        label="Property with numbers"
        names={properties.map(({ name }) => name)}
        notes={typesOf(properties)}
        value={aggregate.property}
        onChange={(name) => set({ property: name })}
        w={180}
      />
      <Select
        aria-label="Compared"
        size="xs"
        w={130}
        data={options(comparisons)}
        value={aggregate.operator}
        onChange={(operator) => set({ operator: operator as Aggregate['operator'] })}
      />
      <NumberInput
        aria-label="Amount"
        size="xs"
        w={110}
        value={aggregate.value}
        onChange={(value) => set({ value: value === '' ? value : Number(value) })}
      />
      <RemoveIcon label="Remove the sum or average" onClick={() => onChange(undefined)} />
      <TypeDoubt takes="number" types={typesIn(properties, aggregate.property)} />
    </Group>
  )
}

export const aggregateWords = ({ function: name, property: of, operator, value }: Aggregate): string =>
  `where ${functions[name]} ${property(of)} ${comparisons[operator]} ${value}`

export const missingInAggregate = ({ property: of, value }: Aggregate) =>
  firstOf([unnamed(of, 'a property'), value === '' ? 'Give an amount' : undefined])
