import { Group, Text } from '@mantine/core'
import { useCatalogEvents, useEventProperties } from '../api/catalog.ts'
import { useBuilder } from './builder-context.ts'
import { RemoveIcon } from './filters.tsx'
import { NameInput } from './name-input.tsx'

export function EventName({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (name: string) => void
}) {
  const events = useCatalogEvents(useBuilder().project).data ?? []
  return <NameInput label={label} names={events.map(({ name }) => name)} value={value} onChange={onChange} />
}

interface ScopedByProps {
  event: string
  words: string
  value: string
  onChange: (property: string) => void
  onRemove?: () => void
}

/** The property that two events share. */
export function ScopedBy({ event, words, value, onChange, onRemove }: ScopedByProps) {
  const properties = useEventProperties(useBuilder().project, event).data ?? []
  return (
    <Group gap="xs">
      <Text size="sm">{words}</Text>
      <NameInput
        label="Shared property"
        names={properties.map(({ name }) => name)}
        value={value}
        onChange={onChange}
        w={160}
      />
      {onRemove && <RemoveIcon label="Remove the shared property" onClick={onRemove} />}
    </Group>
  )
}
