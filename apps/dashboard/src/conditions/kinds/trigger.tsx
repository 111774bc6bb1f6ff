import { Group } from '@mantine/core'
import { IconTarget } from '@tabler/icons-react'
import { typesIn, typesOf, useEventProperties } from '../../api/catalog.ts'
import { useBuilder } from '../builder-context.ts'
import { missingInTest, unnamed } from '../completeness.ts'
import type { TriggerLeaf } from '../language.ts'
import { NameInput } from '../name-input.tsx'
import { testWords } from '../phrases.ts'
import { TestFields } from '../test-fields.tsx'
import type { EditorProps, Kind } from './kind.ts'

export const trigger: Kind<TriggerLeaf> = {
  title: 'Property of the trigger event',
  label: 'Trigger',
  icon: IconTarget,
  start: { trigger: '', operator: 'equals', value: '', ignoreCase: true },
  ofTrigger: true,
  Editor,
  words: (leaf) => `whose trigger’s ${testWords(leaf.trigger, leaf)}`,
  missing: (leaf) => unnamed(leaf.trigger, 'a property') ?? missingInTest(leaf),
}

function Editor({ leaf, onChange }: EditorProps<TriggerLeaf>) {
  const { project, trigger = '' } = useBuilder()
  const properties = useEventProperties(project, trigger).data ?? []
  return (
    <Group gap="xs">
      <NameInput
        label="Property of the trigger"
        names={properties.map(({ name }) => name)}
        notes={typesOf(properties)}
        value={leaf.trigger}
        onChange={(name) => onChange({ ...leaf, trigger: name })}
      />
      <TestFields
        test={leaf}
        types={typesIn(properties, leaf.trigger)}
        onChange={(test) => onChange({ trigger: leaf.trigger, ...test })}
      />
    </Group>
  )
}
