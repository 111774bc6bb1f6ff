import { Group, Select, TextInput } from '@mantine/core'
import { fieldError } from '../../lib/field-error.ts'
import { timeZones } from '../../lib/time-zones.ts'
import type { PersonDraft } from './person-draft.ts'

interface ContactFieldsProps {
  contact: PersonDraft['contact']
  onChange: (contact: PersonDraft['contact']) => void
  error: Error | null
}

/** Where and how somebody is written to. What is emptied goes. */
export function ContactFields({ contact, onChange, error }: ContactFieldsProps) {
  const field = (name: keyof PersonDraft['contact']) => ({
    value: contact[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) =>
      onChange({ ...contact, [name]: event.currentTarget.value }),
    error: fieldError(error, name),
  })
  const { timezone } = contact
  return (
    <>
      <Group grow align="flex-start">
        <TextInput label="Email" inputMode="email" data-autofocus {...field('email')} />
        <TextInput label="Phone" type="tel" {...field('phone')} />
      </Group>
      <Group grow align="flex-start">
        <Select
          label="Time zone"
          searchable
          clearable
          data={timezone === '' || timeZones.includes(timezone) ? timeZones : [timezone, ...timeZones]}
          value={timezone || null}
          onChange={(zone) => onChange({ ...contact, timezone: zone ?? '' })}
          error={fieldError(error, 'timezone')}
        />
        <TextInput label="Language" placeholder="en, de-CH" {...field('language')} />
      </Group>
    </>
  )
}
