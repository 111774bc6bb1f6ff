import { Group, NumberInput, Select, Text } from '@mantine/core'
import { IconCake } from '@tabler/icons-react'
import { typesIn, typesOf, useCatalogProperties } from '../../api/catalog.ts'
import { plural } from '../../lib/format.ts'
import { useBuilder } from '../builder-context.ts'
import { unnamed } from '../completeness.ts'
import type { AnniversaryLeaf } from '../language.ts'
import { NameInput } from '../name-input.tsx'
import { property } from '../phrases.ts'
import { TypeDoubt } from '../type-doubt.tsx'
import type { EditorProps, Kind } from './kind.ts'

export const anniversary: Kind<AnniversaryLeaf> = {
  title: 'Birthday or anniversary',
  label: 'Anniversary',
  icon: IconCake,
  start: { anniversary: '' },
  Editor,
  words({ anniversary, ...leaf }) {
    const when = leaf.within
      ? `within the next ${plural(leaf.within.next.days, 'day')}`
      : leaf.in
        ? `in ${plural(leaf.in.days, 'day')}`
        : 'today'
    return `whose anniversary of ${property(anniversary)} is ${when}`
  },
  missing: ({ anniversary }) => unnamed(anniversary, 'a property'),
}

const choices = {
  today: 'is today',
  in: 'is in',
  within: 'is within the next',
}
type When = keyof typeof choices

function Editor({ leaf, onChange }: EditorProps<AnniversaryLeaf>) {
  const properties = useCatalogProperties(useBuilder().project).data ?? []
  const dates = properties.filter(({ types }) =>
    types.some(({ type }) => type === 'date' || type === 'number'),
  )
  const days = leaf.within?.next.days ?? leaf.in?.days
  const set = (when: When, days: number) => {
    const { anniversary } = leaf
    if (when === 'today') return onChange({ anniversary })
    onChange(when === 'in' ? { anniversary, in: { days } } : { anniversary, within: { next: { days } } })
  }
  const when: When = leaf.within ? 'within' : leaf.in ? 'in' : 'today'
  return (
    <Group gap="xs">
      <NameInput
        label="Date"
        placeholder="Date, such as birthday"
        names={['created_at', ...dates.map(({ name }) => name)]}
        notes={{ created_at: 'date', ...typesOf(dates) }}
        value={leaf.anniversary}
        onChange={(anniversary) => onChange({ ...leaf, anniversary })}
      />
      <Select
        aria-label="When it comes round"
        size="xs"
        w={150}
        data={Object.entries(choices).map(([value, label]) => ({ value, label }))}
        value={when}
        onChange={(next) => set(next as When, days ?? 7)}
      />
      {days !== undefined && (
        <>
          <NumberInput
            aria-label="Days"
            size="xs"
            w={72}
            min={0}
            max={365}
            allowDecimal={false}
            value={days}
            onChange={(value) => set(when, Number(value))}
          />
          <Text size="sm">{days === 1 ? 'day' : 'days'}</Text>
        </>
      )}
      <TypeDoubt takes="date" types={typesIn(properties, leaf.anniversary)} />
    </Group>
  )
}
