import { Group } from '@mantine/core'
import { IconListCheck } from '@tabler/icons-react'
import { useCatalogTopics } from '../../api/catalog.ts'
import { useBuilder } from '../builder-context.ts'
import { Choice } from '../choice.tsx'
import { unnamed } from '../completeness.ts'
import type { TopicLeaf } from '../language.ts'
import { NameInput } from '../name-input.tsx'
import { quote } from '../phrases.ts'
import type { EditorProps, Kind } from './kind.ts'

export const topic: Kind<TopicLeaf> = {
  title: 'Topic they want or not',
  label: 'Topic',
  icon: IconListCheck,
  start: { topic: '', wanted: true },
  Editor,
  words: ({ topic, wanted }) => `who ${wanted ? 'want' : 'do not want'} the topic ${quote(topic)}`,
  missing: ({ topic }) => unnamed(topic, 'a topic'),
}

function Editor({ leaf, onChange }: EditorProps<TopicLeaf>) {
  const topics = useCatalogTopics(useBuilder().project).data ?? []
  return (
    <Group gap="xs">
      <Choice
        label="Wants the topic"
        yes="want the topic"
        no="do not want the topic"
        value={leaf.wanted}
        onChange={(wanted) => onChange({ ...leaf, wanted })}
      />
      <NameInput
        label="Topic"
        names={topics.map(({ name }) => name)}
        value={leaf.topic}
        onChange={(topic) => onChange({ ...leaf, topic })}
      />
    </Group>
  )
}
