import type { TablerIcon } from '@tabler/icons-react'
import type { ComponentType } from 'react'
import type { Names } from '../use-names.ts'

/**
 * Everything that the console knows of one kind of condition. A kind is a file in this folder, a type in `language.ts` and a
 * line in `kinds.ts`.
 */
export interface Kind<Leaf> {
  /** In the menu. */
  title: string
  /** Before the condition's fields. */
  label: string
  icon: TablerIcon
  /** As it is added. */
  start: Leaf
  /** Only where there is a trigger event to speak of. */
  ofTrigger?: true
  Editor: ComponentType<EditorProps<Leaf>>
  /** What goes on from "People": "whose plan is “pro”". */
  words: (leaf: Leaf, names: Names) => string
  /** What it still lacks before it can be asked about; undefined when it is whole. */
  missing: (leaf: Leaf) => string | undefined
}

export interface EditorProps<Leaf> {
  leaf: Leaf
  onChange: (leaf: Leaf) => void
}
