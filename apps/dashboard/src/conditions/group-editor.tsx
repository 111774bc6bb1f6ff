import { ActionIcon, Box, Button, Group, Menu, Select, Stack, Text, Tooltip } from '@mantine/core'
import { IconFolderPlus, IconPlus, IconTrash } from '@tabler/icons-react'
import { useRef } from 'react'
import classes from './builder.module.css'
import { useBuilder } from './builder-context.ts'
import { type Draft, type DraftGroup, isGroup, type Join, newGroup, newLeaf } from './draft.ts'
import { kindNames, kinds } from './kinds.ts'
import type { LeafKind } from './language.ts'
import { LeafEditor } from './leaf-editor.tsx'

const joins: { value: Join; label: string }[] = [
  { value: 'all', label: 'all of these' },
  { value: 'any', label: 'any of these' },
  { value: 'none', label: 'none of these' },
  { value: 'not_all', label: 'not all of these' },
]

/** The server refuses deeper ones. */
const deepest = 9

interface GroupEditorProps {
  group: DraftGroup
  depth: number
  onChange: (group: DraftGroup) => void
  onAdded: (id: number) => void
  onRemove?: () => void
}

/** Conditions that count together: all, any, or none of them. */
export function GroupEditor({ group, depth, onChange, onAdded, onRemove }: GroupEditorProps) {
  const adder = useRef<HTMLButtonElement>(null)
  const setChild = (id: number, next: Draft) =>
    onChange({ ...group, children: group.children.map((child) => (child.id === id ? next : child)) })
  const remove = (id: number) => {
    onChange({ ...group, children: group.children.filter((child) => child.id !== id) })
    adder.current?.focus()
  }
  const add = (child: Draft) => {
    onChange({ ...group, children: [...group.children, child] })
    onAdded(child.id)
  }
  const addLeaf = (kind: LeafKind) => add(newLeaf(kinds[kind].start))
  const words = joins.find(({ value }) => value === group.join)!.label
  return (
    <Box
      role="group"
      aria-label={`People who match ${words}`}
      className={depth > 0 ? classes.nested : undefined}
    >
      <Group gap="xs" mb="xs" wrap="nowrap">
        <Text size="sm">{depth === 0 ? 'People who match' : 'match'}</Text>
        <Select
          aria-label="How many of these"
          size="xs"
          w={150}
          data={joins}
          value={group.join}
          onChange={(join) => onChange({ ...group, join: join as Join })}
        />
        {onRemove && (
          <Tooltip label="Remove the group">
            <ActionIcon
              variant="subtle"
              color="gray"
              ml="auto"
              aria-label="Remove the group"
              onClick={onRemove}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        )}
      </Group>
      <Stack gap="xs" className={classes.children}>
        {group.children.map((child) =>
          isGroup(child) ? (
            <GroupEditor
              key={child.id}
              group={child}
              depth={depth + 1}
              onChange={(next) => setChild(child.id, next)}
              onAdded={onAdded}
              onRemove={() => remove(child.id)}
            />
          ) : (
            <LeafEditor
              key={child.id}
              id={child.id}
              leaf={child.leaf}
              onChange={(leaf) => setChild(child.id, { id: child.id, leaf })}
              onRemove={() => remove(child.id)}
            />
          ),
        )}
        <Group gap="xs">
          <AddMenu target={adder} onAdd={addLeaf} />
          {depth < deepest && (
            <Button
              variant="subtle"
              size="xs"
              leftSection={<IconFolderPlus size={15} aria-hidden />}
              onClick={() => add(newGroup('any'))}
            >
              Add group
            </Button>
          )}
        </Group>
      </Stack>
    </Box>
  )
}

interface AddMenuProps {
  target: React.RefObject<HTMLButtonElement | null>
  onAdd: (kind: LeafKind) => void
}

/** The focus goes into what was added, and back to the button when nothing was. */
function AddMenu({ target, onAdd }: AddMenuProps) {
  const { trigger } = useBuilder()
  const added = useRef(false)
  const offered = kindNames.filter((kind) => !kinds[kind].ofTrigger || trigger !== undefined)
  const add = (kind: LeafKind) => {
    added.current = true
    onAdd(kind)
  }
  const leave = () => {
    if (!added.current) target.current?.focus()
    added.current = false
  }
  return (
    <Menu position="bottom-start" width={310} returnFocus={false} onClose={leave}>
      <Menu.Target>
        <Button ref={target} variant="light" size="xs" leftSection={<IconPlus size={15} aria-hidden />}>
          Add condition
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {offered.map((kind) => {
          const { title, icon: Icon } = kinds[kind]
          return (
            <Menu.Item key={kind} leftSection={<Icon size={16} aria-hidden />} onClick={() => add(kind)}>
              {title}
            </Menu.Item>
          )
        })}
      </Menu.Dropdown>
    </Menu>
  )
}
