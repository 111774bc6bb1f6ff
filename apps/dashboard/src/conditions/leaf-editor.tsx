import { ActionIcon, Box, Group, Input, Select, Tooltip } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import { useCatalogTags, useCatalogTopics } from '../api/catalog.ts'
import classes from './builder.module.css'
import { useBuilder } from './builder-context.ts'
import { Choice } from './choice.tsx'
import { EventEditor } from './event-editor.tsx'
import { kindOf } from './kinds.ts'
import type { Leaf, SegmentLeaf, TagLeaf, TopicLeaf } from './language.ts'
import { MessageEditor } from './message-editor.tsx'
import { NameInput } from './name-input.tsx'
import { PersonEditor, TriggerEditor } from './property-editors.tsx'
import { useNamed } from './use-names.ts'

interface LeafEditorProps {
  id: number
  leaf: Leaf
  onChange: (leaf: Leaf) => void
  onRemove: () => void
}

/** One condition: its kind, its fields, and the way to be rid of it. */
export function LeafEditor({ id, leaf, onChange, onRemove }: LeafEditorProps) {
  const { complaint, added } = useBuilder()
  const { label, icon: Icon } = kindOf(leaf)!
  const fields = useRef<HTMLDivElement>(null)
  const isNew = added === id
  useEffect(() => {
    if (!isNew) return
    const first = fields.current?.querySelector<HTMLInputElement>('input:not([readonly])')
    ;(first ?? fields.current?.querySelector('input'))?.focus()
  }, [isNew])
  return (
    <Box className={classes.leaf} role="group" aria-label={label}>
      <span className={classes.kind} title={label}>
        <Icon size={17} aria-hidden />
      </span>
      <div ref={fields}>
        <Fields leaf={leaf} onChange={onChange} />
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

function Fields({ leaf, onChange }: { leaf: Leaf; onChange: (leaf: Leaf) => void }) {
  if ('person' in leaf) return <PersonEditor leaf={leaf} onChange={onChange} />
  if ('trigger' in leaf) return <TriggerEditor leaf={leaf} onChange={onChange} />
  if ('event' in leaf) return <EventEditor leaf={leaf} onChange={onChange} />
  if ('message' in leaf) return <MessageEditor leaf={leaf} onChange={onChange} />
  if ('tag' in leaf) return <TagFields leaf={leaf} onChange={onChange} />
  if ('topic' in leaf) return <TopicFields leaf={leaf} onChange={onChange} />
  if ('segment' in leaf) return <SegmentFields leaf={leaf} onChange={onChange} />
  return (
    <Choice
      label="Subscription"
      w={170}
      yes="are subscribed"
      no="have unsubscribed"
      value={leaf.subscribed}
      onChange={(subscribed) => onChange({ subscribed })}
    />
  )
}

function TagFields({ leaf, onChange }: { leaf: TagLeaf; onChange: (leaf: TagLeaf) => void }) {
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

function TopicFields({ leaf, onChange }: { leaf: TopicLeaf; onChange: (leaf: TopicLeaf) => void }) {
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

function SegmentFields({ leaf, onChange }: { leaf: SegmentLeaf; onChange: (leaf: SegmentLeaf) => void }) {
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
