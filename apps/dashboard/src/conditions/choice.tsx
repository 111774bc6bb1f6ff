import { Select } from '@mantine/core'

interface ChoiceProps {
  label: string
  yes: string
  no: string
  value: boolean
  w?: number
  onChange: (value: boolean) => void
}

/** Yes or no in the words of the condition. */
export function Choice({ label, yes, no, value, w = 180, onChange }: ChoiceProps) {
  return (
    <Select
      aria-label={label}
      size="xs"
      w={w}
      data={[
        { value: 'yes', label: yes },
        { value: 'no', label: no },
      ]}
      value={value ? 'yes' : 'no'}
      onChange={(next) => onChange(next === 'yes')}
    />
  )
}
