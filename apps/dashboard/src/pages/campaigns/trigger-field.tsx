import { Autocomplete } from '@mantine/core'
import { useCatalogEvents } from '../../api/catalog.ts'
import { useSegments } from '../../api/segments.ts'

interface TriggerFieldProps {
  project: string
  value: string
  onChange: (event: string) => void
  error?: string
}

/** An event of the product, or a coming and going of a segment; any other name may be typed before it arrives. */
export function TriggerField({ project, value, onChange, error }: TriggerFieldProps) {
  const events = useCatalogEvents(project).data ?? []
  const segments = useSegments(project).data?.pages.flatMap((page) => page.items) ?? []
  const crossings = segments.flatMap(({ name }) => [`Entered segment: ${name}`, `Left segment: ${name}`])
  const own = [...new Set(events.map(({ name }) => name))].filter((name) => !crossings.includes(name))
  return (
    <Autocomplete
      label="Trigger event"
      description="Capitals, spaces, underscores and dashes make no difference."
      placeholder="Purchased item"
      required
      limit={50}
      maxDropdownHeight={300}
      data={[
        { group: 'Events', items: own },
        { group: 'Segments', items: crossings },
      ].filter(({ items }) => items.length > 0)}
      value={value}
      onChange={onChange}
      error={error}
    />
  )
}
