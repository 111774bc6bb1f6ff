import { ActionIcon, Group, Text } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { typesIn, typesOf, useEventProperties } from '../api/catalog.ts'
import { useBuilder } from './builder-context.ts'
import type { Filter } from './language.ts'
import { NameInput } from './name-input.tsx'
import { TestFields } from './test-fields.tsx'

interface FiltersProps {
  event: string
  where: Filter[]
  onChange: (where: Filter[]) => void
}

/** Conditions on the properties of a counted event. */
export function Filters({ event, where, onChange }: FiltersProps) {
  return where.map((filter, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: filters have no identity, and their fields keep no state
    <Group key={index} gap="xs" align="center" role="group" aria-label="Filter">
      <Text size="sm" w={46}>
        {index === 0 ? 'where' : 'and'}
      </Text>
      <FilterEditor event={event} filter={filter} onChange={(next) => onChange(where.with(index, next))}>
        <RemoveIcon label="Remove the filter" onClick={() => onChange(where.toSpliced(index, 1))} />
      </FilterEditor>
    </Group>
  ))
}

export const RemoveIcon = ({ label, onClick }: { label: string; onClick: () => void }) => (
  <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} onClick={onClick}>
    <IconX size={14} aria-hidden />
  </ActionIcon>
)

interface FilterEditorProps {
  /** Whose property it is. */
  event: string
  filter: Filter
  onChange: (filter: Filter) => void
  children: React.ReactNode
}

function FilterEditor({ event, filter, onChange, children }: FilterEditorProps) {
  const properties = useEventProperties(useBuilder().project, event).data ?? []
  return (
    <Group gap="xs">
      <NameInput
        label="Property of the event"
        names={properties.map(({ name }) => name)}
        notes={typesOf(properties)}
        value={filter.property}
        onChange={(property) => onChange({ ...filter, property })}
        w={180}
      />
      <TestFields
        test={filter}
        types={typesIn(properties, filter.property)}
        onChange={(test) => onChange({ property: filter.property, ...test })}
      />
      {children}
    </Group>
  )
}

export const emptyFilter = (): Filter => ({
  property: '',
  operator: 'equals',
  value: '',
  ignoreCase: true,
})
