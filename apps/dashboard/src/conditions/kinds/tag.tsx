import { Group } from '@mantine/core'
import { IconHash } from '@tabler/icons-react'
import { useCatalogTags } from '../../api/catalog.ts'
import { useBuilder } from '../builder-context.ts'
import { Choice } from '../choice.tsx'
import { unnamed } from '../completeness.ts'
import type { TagLeaf } from '../language.ts'
import { NameInput } from '../name-input.tsx'
import { quote } from '../phrases.ts'
import type { EditorProps, Kind } from './kind.ts'

export const tag: Kind<TagLeaf> = {
  title: 'Tag',
  label: 'Tag',
  icon: IconHash,
  start: { tag: '' },
  Editor,
  words: ({ tag, has }) => `who ${has === false ? 'do not have' : 'have'} the tag ${quote(tag)}`,
  missing: ({ tag }) => unnamed(tag, 'a tag'),
}

function Editor({ leaf, onChange }: EditorProps<TagLeaf>) {
  const tags = useCatalogTags(useBuilder().project).data ?? []
  return (
    <Group gap="xs">
      <Choice
        label="Has the tag"
        yes="have the tag"
        no="do not have the tag"
        value={leaf.has !== false}
        onChange={(has) => onChange(has ? { tag: leaf.tag } : { tag: leaf.tag, has })}
      />
      <NameInput
        label="Tag"
        names={tags.map(({ name }) => name)}
        value={leaf.tag}
        onChange={(tag) => onChange({ ...leaf, tag })}
      />
    </Group>
  )
}
