import { NumberInput, Select, TextInput } from '@mantine/core'
import { type DateValue, type Duration, isRelative, splitDuration, type Unit, units } from './language.ts'

const modes = [
  { value: 'date', label: 'the date' },
  { value: 'ago', label: 'ago' },
  { value: 'ahead', label: 'from now' },
]

const modeOf = (value: DateValue) => (isRelative(value) ? ('ago' in value ? 'ago' : 'ahead') : 'date')

/** A date of the calendar, or one that moves with the time. */
export function DateValueFields({
  value,
  onChange,
}: {
  value: DateValue
  onChange: (value: DateValue) => void
}) {
  const mode = modeOf(value)
  const choose = (next: string) => {
    if (next === 'date') return onChange('')
    const duration = isRelative(value) ? ('ago' in value ? value.ago : value.ahead) : { days: 7 }
    onChange(next === 'ago' ? { ago: duration } : { ahead: duration })
  }
  return (
    <>
      {isRelative(value) ? (
        <DurationFields
          duration={'ago' in value ? value.ago : value.ahead}
          onChange={(duration) => onChange('ago' in value ? { ago: duration } : { ahead: duration })}
        />
      ) : (
        <TextInput
          aria-label="Date"
          size="xs"
          w={isDay(value) ? 140 : 210}
          // What was written with a time of day stays text: a date field would drop it.
          type={isDay(value) ? 'date' : 'text'}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
      <Select
        aria-label="Relative to now"
        size="xs"
        w={98}
        data={modes}
        value={mode}
        onChange={(next) => next && choose(next)}
      />
    </>
  )
}

const isDay = (value: string) => value === '' || /^\d{4}-\d{2}-\d{2}$/.test(value)

/** How long: a number and a unit. */
export function DurationFields({
  duration,
  onChange,
}: {
  duration: Duration
  onChange: (duration: Duration) => void
}) {
  const { amount, unit } = splitDuration(duration)
  return (
    <>
      <NumberInput
        aria-label="How many"
        size="xs"
        w={72}
        min={1}
        value={amount}
        onChange={(next) => onChange({ [unit]: Number(next) })}
      />
      <Select
        aria-label="Unit"
        size="xs"
        w={94}
        data={[...units]}
        value={unit}
        onChange={(next) => onChange({ [next as Unit]: amount })}
      />
    </>
  )
}
