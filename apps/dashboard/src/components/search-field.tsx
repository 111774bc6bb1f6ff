import { CloseButton, Kbd, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useEffect, useState } from 'react'

interface SearchFieldProps {
  label: string
  placeholder: string
  value: string
  /** Called a moment after the last key. */
  onChange: (value: string) => void
}

/** The page's search; `/` focuses it from anywhere (shell/shortcuts.tsx). */
export function SearchField({ label, placeholder, value, onChange }: SearchFieldProps) {
  const [typed, setTyped] = useState(value)
  const settle = useDebouncedCallback(onChange, 250)
  useEffect(() => setTyped(value), [value])

  const change = (next: string) => {
    setTyped(next)
    settle(next)
  }
  return (
    <TextInput
      type="text"
      role="searchbox"
      data-page-search
      aria-label={label}
      placeholder={placeholder}
      value={typed}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Escape' && (typed ? change('') : event.currentTarget.blur())}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        typed ? (
          <CloseButton size="sm" aria-label="Clear the search" onClick={() => change('')} />
        ) : (
          <Kbd size="xs" aria-hidden visibleFrom="sm">
            /
          </Kbd>
        )
      }
      w={{ base: '100%', xs: 300 }}
    />
  )
}
