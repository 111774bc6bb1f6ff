import { Autocomplete, Text } from '@mantine/core'

interface NameInputProps {
  label: string
  placeholder?: string
  /** What is known; anything else may be typed. */
  names: string[]
  /** What is said beside a known name: its types. */
  notes?: Record<string, string>
  value: string
  onChange: (name: string) => void
  w?: number
}

/** A name, completed from those that the project's data have. */
export function NameInput({ label, placeholder, names, notes, value, onChange, w = 220 }: NameInputProps) {
  return (
    <Autocomplete
      aria-label={label}
      placeholder={placeholder ?? label}
      size="xs"
      w={w}
      limit={50}
      maxDropdownHeight={260}
      comboboxProps={{ width: 'max-content', position: 'bottom-start', middlewares: { shift: true } }}
      data={[...new Set(names)]}
      value={value}
      onChange={onChange}
      renderOption={({ option }) => (
        <>
          {option.value}
          {notes?.[option.value] && (
            <Text span size="xs" c="dimmed" ml="auto" pl="md">
              {notes[option.value]}
            </Text>
          )}
        </>
      )}
    />
  )
}
