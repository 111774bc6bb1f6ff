import { Group } from '@mantine/core'
import {
  type CatalogProperty,
  useCatalogProperties,
  useCatalogValues,
  useEventProperties,
} from '../api/catalog.ts'
import { formatValue } from '../lib/format.ts'
import { useBuilder } from './builder-context.ts'
import type { Filter, PersonLeaf, TriggerLeaf } from './language.ts'
import { NameInput } from './name-input.tsx'
import { TestFields } from './test-fields.tsx'

const builtIn = ['id', 'email', 'phone', 'timezone', 'language', 'created_at']
const builtInTypes = { created_at: 'date' }

export function PersonEditor({ leaf, onChange }: { leaf: PersonLeaf; onChange: (leaf: PersonLeaf) => void }) {
  const { project } = useBuilder()
  const properties = useCatalogProperties(project).data ?? []
  const known = properties.some(({ name }) => name === leaf.person)
  const values = useCatalogValues(project, known ? leaf.person : '').data ?? []
  return (
    <Group gap="xs">
      <NameInput
        label="Property"
        names={[...builtIn, ...properties.map(({ name }) => name)]}
        notes={{ ...builtInTypes, ...typesOf(properties) }}
        value={leaf.person}
        onChange={(person) => onChange({ ...leaf, person })}
      />
      <TestFields
        test={leaf}
        types={typesIn(properties, leaf.person)}
        suggestions={values.map(({ value }) => formatValue(value))}
        onChange={(test) => onChange({ person: leaf.person, ...test })}
      />
    </Group>
  )
}

export function TriggerEditor({
  leaf,
  onChange,
}: {
  leaf: TriggerLeaf
  onChange: (leaf: TriggerLeaf) => void
}) {
  const { project, trigger = '' } = useBuilder()
  const properties = useEventProperties(project, trigger).data ?? []
  return (
    <Group gap="xs">
      <NameInput
        label="Property of the trigger"
        names={properties.map(({ name }) => name)}
        notes={typesOf(properties)}
        value={leaf.trigger}
        onChange={(name) => onChange({ ...leaf, trigger: name })}
      />
      <TestFields
        test={leaf}
        types={typesIn(properties, leaf.trigger)}
        onChange={(test) => onChange({ trigger: leaf.trigger, ...test })}
      />
    </Group>
  )
}

interface FilterEditorProps {
  /** Whose property it is. */
  event: string
  filter: Filter
  onChange: (filter: Filter) => void
  children: React.ReactNode
}

export function FilterEditor({ event, filter, onChange, children }: FilterEditorProps) {
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

const typesIn = (properties: CatalogProperty[], property: string): string[] =>
  properties.find(({ name }) => name === property)?.types.map(({ type }) => type) ?? []

const typesOf = (properties: CatalogProperty[]): Record<string, string> =>
  Object.fromEntries(properties.map(({ name, types }) => [name, types.map(({ type }) => type).join(', ')]))
