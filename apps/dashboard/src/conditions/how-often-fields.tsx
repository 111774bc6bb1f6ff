import { NumberInput, Select, Text } from '@mantine/core'
import { useBuilder } from './builder-context.ts'
import { DateValueFields, DurationFields } from './date-fields.tsx'
import type { Count, DateValue, Moment, OrderOperator, Window } from './language.ts'

const counts = [
  { value: '', label: 'at least once' },
  { value: '>=', label: 'at least' },
  { value: '=', label: 'exactly' },
  { value: '<=', label: 'at most' },
  { value: '>', label: 'more than' },
  { value: '<', label: 'fewer than' },
]

interface CountFieldsProps {
  count: Count | undefined
  onChange: (count: Count | undefined) => void
}

export function CountFields({ count, onChange }: CountFieldsProps) {
  return (
    <>
      <Select
        aria-label="How often"
        size="xs"
        w={130}
        data={counts}
        value={count?.operator ?? ''}
        onChange={(operator) =>
          onChange(
            operator ? { operator: operator as Count['operator'], value: count?.value ?? 2 } : undefined,
          )
        }
      />
      {count && (
        <>
          <NumberInput
            aria-label="Times"
            size="xs"
            w={80}
            min={0}
            max={10_000}
            allowDecimal={false}
            value={count.value}
            onChange={(value) => onChange({ ...count, value: Number(value) })}
          />
          <Text size="sm">times</Text>
        </>
      )}
    </>
  )
}

/** When what is counted happened, or when its first or its last one did. */
export interface When {
  within?: Window
  first?: Moment
  last?: Moment
}

type Choice = 'ever' | 'last_time' | 'after' | 'before' | 'between' | 'since_trigger' | 'first' | 'last'

const aWeekAgo: DateValue = { ago: { days: 7 } }

const choices: { value: Choice; label: string; start: When; of: 'any' | 'events' | 'trigger' }[] = [
  { value: 'ever', label: 'ever', start: {}, of: 'any' },
  { value: 'last_time', label: 'in the last', start: { within: { last: { days: 30 } } }, of: 'any' },
  { value: 'after', label: 'after', start: { within: { after: aWeekAgo } }, of: 'any' },
  { value: 'before', label: 'before', start: { within: { before: aWeekAgo } }, of: 'any' },
  {
    value: 'between',
    label: 'between',
    start: { within: { after: { ago: { days: 30 } }, before: aWeekAgo } },
    of: 'any',
  },
  { value: 'since_trigger', label: 'since the trigger', start: { within: 'since_trigger' }, of: 'trigger' },
  {
    value: 'first',
    label: 'for the first time',
    start: { first: { operator: '>', value: aWeekAgo } },
    of: 'events',
  },
  {
    value: 'last',
    label: 'for the last time',
    start: { last: { operator: '<', value: aWeekAgo } },
    of: 'events',
  },
]

function choiceOf({ within, first, last }: When): Choice {
  if (first) return 'first'
  if (last) return 'last'
  if (within === undefined) return 'ever'
  if (within === 'since_trigger') return 'since_trigger'
  if ('last' in within) return 'last_time'
  if (within.after === undefined) return 'before'
  return within.before === undefined ? 'after' : 'between'
}

interface WhenFieldsProps {
  when: When
  /** Only events know a first and a last time. */
  ofEvents?: boolean
  onChange: (when: When) => void
}

export function WhenFields({ when, ofEvents = false, onChange }: WhenFieldsProps) {
  const { trigger } = useBuilder()
  const offered = choices.filter(
    ({ of }) => of === 'any' || (of === 'events' && ofEvents) || (of === 'trigger' && trigger !== undefined),
  )
  return (
    <>
      <Select
        aria-label="When"
        size="xs"
        w={150}
        data={offered.map(({ value, label }) => ({ value, label }))}
        value={choiceOf(when)}
        onChange={(next) => onChange(choices.find(({ value }) => value === next)!.start)}
      />
      <WindowFields within={when.within} onChange={(within) => onChange({ within })} />
      {when.first && <MomentFields moment={when.first} onChange={(first) => onChange({ first })} />}
      {when.last && <MomentFields moment={when.last} onChange={(last) => onChange({ last })} />}
    </>
  )
}

function WindowFields({
  within,
  onChange,
}: {
  within: Window | undefined
  onChange: (within: Window) => void
}) {
  if (within === undefined || within === 'since_trigger') return null
  if ('last' in within)
    return <DurationFields duration={within.last} onChange={(last) => onChange({ last })} />
  const { after, before } = within
  return (
    <>
      {after !== undefined && (
        <DateValueFields value={after} onChange={(next) => onChange({ ...within, after: next })} />
      )}
      {after !== undefined && before !== undefined && <Text size="sm">and</Text>}
      {before !== undefined && (
        <DateValueFields value={before} onChange={(next) => onChange({ ...within, before: next })} />
      )}
    </>
  )
}

const sides: { value: OrderOperator; label: string }[] = [
  { value: '>', label: 'after' },
  { value: '>=', label: 'at or after' },
  { value: '<', label: 'before' },
  { value: '<=', label: 'at or before' },
]

function MomentFields({ moment, onChange }: { moment: Moment; onChange: (moment: Moment) => void }) {
  return (
    <>
      <Select
        aria-label="Before or after"
        size="xs"
        w={120}
        data={sides}
        value={moment.operator}
        onChange={(operator) => onChange({ ...moment, operator: operator as OrderOperator })}
      />
      <DateValueFields value={moment.value} onChange={(value) => onChange({ ...moment, value })} />
    </>
  )
}
