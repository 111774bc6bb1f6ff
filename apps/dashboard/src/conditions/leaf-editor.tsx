import { ActionIcon, Box, Input, Tooltip } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import classes from './builder.module.css'
import { useBuilder } from './builder-context.ts'
import { kindOf } from './kinds.ts'
import type { Leaf } from './language.ts'

interface LeafEditorProps {
  id: number
  leaf: Leaf
  onChange: (leaf: Leaf) => void
  onRemove: () => void
}

/** One condition: its kind, its fields, and the way to be rid of it. */
export function LeafEditor({ id, leaf, onChange, onRemove }: LeafEditorProps) {
  const { complaint, added } = useBuilder()
  const { label, icon: Icon, Editor } = kindOf(leaf)
  const fields = useRef<HTMLDivElement>(null)
  const isNew = added === id
  useEffect(() => {
    if (!isNew) return
    // A select has a hidden input of its own.
    const shown = fields.current?.querySelectorAll<HTMLInputElement>('input:not([type="hidden"])') ?? []
    const [first] = shown
    ;([...shown].find((input) => !input.readOnly) ?? first)?.focus()
  }, [isNew])
  return (
    <Box className={classes.leaf} role="group" aria-label={label}>
      <span className={classes.kind} title={label}>
        <Icon size={17} aria-hidden />
      </span>
      <div ref={fields}>
        <Editor leaf={leaf} onChange={onChange} />
        {complaint?.id === id && <Input.Error mt={6}>{complaint.message}</Input.Error>}
      </div>
      <Tooltip label="Remove the condition">
        <ActionIcon variant="subtle" color="gray" aria-label="Remove the condition" onClick={onRemove}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Box>
  )
}
