import { Group, Select } from '@mantine/core'
import { IconChartPie } from '@tabler/icons-react'
import { useBuilder } from '../builder-context.ts'
import { Choice } from '../choice.tsx'
import type { SegmentLeaf } from '../language.ts'
import { quote } from '../phrases.ts'
import { useNamed } from '../use-names.ts'
import type { EditorProps, Kind } from './kind.ts'

export const segment: Kind<SegmentLeaf> = {
  title: 'In another segment',
  label: 'Segment',
  icon: IconChartPie,
  start: { segment: 0 },
  Editor,
  words: (leaf, names) =>
    `who are ${leaf.in === false ? 'not ' : ''}in the segment ${quote(names.segment(leaf.segment))}`,
  missing: ({ segment }) => (segment > 0 ? undefined : 'Choose a segment'),
}

function Editor({ leaf, onChange }: EditorProps<SegmentLeaf>) {
  const { segments } = useNamed(useBuilder().project)
  return (
    <Group gap="xs">
      <Choice
        label="In the segment"
        yes="are in the segment"
        no="are not in the segment"
        value={leaf.in !== false}
        onChange={(inside) =>
          onChange(inside ? { segment: leaf.segment } : { segment: leaf.segment, in: false })
        }
      />
      <Select
        aria-label="Segment"
        placeholder="Choose a segment"
        size="xs"
        w={260}
        searchable
        nothingFoundMessage="No such segment"
        data={segments.map(({ id, name }) => ({ value: String(id), label: name }))}
        value={leaf.segment > 0 ? String(leaf.segment) : null}
        onChange={(id) => onChange({ ...leaf, segment: Number(id) })}
      />
    </Group>
  )
}
