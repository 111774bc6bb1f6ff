import type { Wait } from '@fairway/api'
import { Chip, Group, Input, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { splitSeconds, timeUnits } from './wait-words.ts'

interface WaitFieldsProps<W = Wait> {
  wait: W
  onChange: (wait: Wait) => void
  error?: string
}

type Choice = 'immediately' | 'after' | 'after_days' | 'until_property' | 'at_local_time'

const choices: { value: Choice; label: string }[] = [
  { value: 'immediately', label: 'Immediately' },
  { value: 'after', label: 'After a length of time' },
  { value: 'after_days', label: 'After days, at the same local time' },
  { value: 'at_local_time', label: 'At a time of day where the person lives' },
  { value: 'until_property', label: 'Around a date of the event or the person' },
]

const starts: Record<Choice, Wait> = {
  immediately: { kind: 'immediately' },
  after: { kind: 'after', seconds: 3600 },
  after_days: { kind: 'after', days: 3 },
  at_local_time: { kind: 'at_local_time', time: '09:00', days: 1 },
  until_property: { kind: 'until_property', of: 'person', property: 'trial_ends_at', offsetSeconds: -86_400 },
}

const choiceOf = (wait: Wait): Choice => (wait.kind === 'after' && 'days' in wait ? 'after_days' : wait.kind)

export function WaitFields({ wait, onChange, error }: WaitFieldsProps) {
  return (
    <Stack gap="sm">
      <Select
        label="Send"
        data={choices}
        value={choiceOf(wait)}
        onChange={(choice) => onChange(starts[choice as Choice])}
      />
      {wait.kind === 'after' &&
        ('days' in wait ? (
          <NumberInput
            label="Days"
            min={1}
            allowDecimal={false}
            value={wait.days}
            onChange={(days) => onChange({ kind: 'after', days: Number(days) })}
          />
        ) : (
          <Length
            label="Length"
            seconds={wait.seconds}
            onChange={(seconds) => onChange({ kind: 'after', seconds })}
          />
        ))}
      {wait.kind === 'at_local_time' && <LocalTime wait={wait} onChange={onChange} />}
      {wait.kind === 'until_property' && <UntilProperty wait={wait} onChange={onChange} />}
      {error && <Input.Error>{error}</Input.Error>}
    </Stack>
  )
}

function Length({
  label,
  seconds,
  onChange,
}: {
  label: string
  seconds: number
  onChange: (seconds: number) => void
}) {
  const { amount, unit } = splitSeconds(seconds)
  return (
    <Group grow align="flex-end">
      <NumberInput
        label={label}
        min={0}
        allowDecimal={false}
        value={amount}
        onChange={(value) => onChange(Number(value) * Number(unit))}
      />
      <Select
        aria-label={`${label}: unit`}
        data={timeUnits}
        value={unit}
        onChange={(value) => onChange(amount * Number(value))}
      />
    </Group>
  )
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

function LocalTime({ wait, onChange }: WaitFieldsProps<Extract<Wait, { kind: 'at_local_time' }>>) {
  const chosen = (wait.weekdays ?? [1, 2, 3, 4, 5, 6, 7]).map(String)
  const setWeekdays = (values: string[]) => {
    const { weekdays: _, ...rest } = wait
    onChange(
      values.length === 7 || values.length === 0 ? rest : { ...rest, weekdays: values.map(Number).sort() },
    )
  }
  return (
    <>
      <Group grow align="flex-start">
        <TextInput
          label="Time of day"
          type="time"
          required
          value={wait.time}
          onChange={(event) => onChange({ ...wait, time: event.currentTarget.value })}
        />
        <NumberInput
          label="At the earliest, days later"
          min={0}
          allowDecimal={false}
          value={wait.days ?? 0}
          onChange={(days) => onChange({ ...wait, days: Number(days) })}
        />
      </Group>
      <Chip.Group multiple value={chosen} onChange={setWeekdays}>
        <Group gap={6} role="group" aria-label="Weekdays">
          {weekdays.map((name, index) => (
            <Chip key={name} size="xs" value={String(index + 1)}>
              {name}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </>
  )
}

function UntilProperty({ wait, onChange }: WaitFieldsProps<Extract<Wait, { kind: 'until_property' }>>) {
  const offset = wait.offsetSeconds ?? 0
  const sign = offset < 0 ? -1 : 1
  return (
    <>
      <Group grow align="flex-start">
        <Select
          label="Whose date"
          data={[
            { value: 'person', label: 'The person’s' },
            { value: 'event', label: 'The event’s' },
          ]}
          value={wait.of}
          onChange={(of) => onChange({ ...wait, of: of as 'person' | 'event' })}
        />
        <TextInput
          label="Property"
          required
          value={wait.property}
          onChange={(event) => onChange({ ...wait, property: event.currentTarget.value })}
        />
      </Group>
      <Length
        label="How far from it"
        seconds={Math.abs(offset)}
        onChange={(seconds) => onChange({ ...wait, offsetSeconds: sign * seconds })}
      />
      <Select
        label="Before or after"
        data={[
          { value: '-1', label: 'Before' },
          { value: '1', label: 'After' },
        ]}
        value={String(sign)}
        onChange={(value) => onChange({ ...wait, offsetSeconds: Number(value) * Math.abs(offset) })}
      />
    </>
  )
}
