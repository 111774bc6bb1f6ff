import { Select } from '@mantine/core'

interface ChoiceProps {
  label: string
  yes: string
  no: string
  value: boolean
  onChange: (value: boolean) => void
}

/** Yes or no in the words of the condition. */
export function Choice({ label, yes, no, value, onChange }: ChoiceProps) {
  return (
    <Select
      aria-label={label}
      size="xs"
      w={160}
      data={[
        { value: 'yes', label: yes },
        { value: 'no', label: no },
      ]}
      value={value ? 'yes' : 'no'}
      onChange={(next) => onChange(next === 'yes')}
    />
  )
}
