import { ActionIcon, Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { IconFilterPlus, IconLink, IconX } from '@tabler/icons-react'
import { useCatalogEvents, useEventProperties } from '../api/catalog.ts'
import { useBuilder } from './builder-context.ts'
import { Choice } from './choice.tsx'
import { CountFields, type When, WhenFields } from './how-often-fields.tsx'
import type { EventLeaf, Filter, Related } from './language.ts'
import { NameInput } from './name-input.tsx'
import { FilterEditor } from './property-editors.tsx'

interface EventEditorProps {
  leaf: EventLeaf
  onChange: (leaf: EventLeaf) => void
}

export function EventEditor({ leaf, onChange }: EventEditorProps) {
  const { trigger } = useBuilder()
  const set = (change: Partial<EventLeaf>) => onChange(withoutEmpty({ ...leaf, ...change }))
  const setWhen = ({ within, first, last }: When) =>
    set({ within, first, last, ...((first || last) && { count: undefined }) })
  const setDid = (did: boolean) => set({ did: did ? undefined : false })
  const addFilter = () => set({ where: [...(leaf.where ?? []), emptyFilter()] })
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Choice
          label="Did or did not"
          w={110}
          yes="did"
          no="did not do"
          value={leaf.did !== false}
          onChange={setDid}
        />
        <EventName label="Event" value={leaf.event} onChange={(event) => set({ event })} />
        {!leaf.first && !leaf.last && <CountFields count={leaf.count} onChange={(count) => set({ count })} />}
        <WhenFields when={leaf} ofEvents onChange={setWhen} />
      </Group>
      <Filters event={leaf.event} where={leaf.where ?? []} onChange={(where) => set({ where })} />
      {leaf.scopedBy !== undefined && (
        <ScopedBy
          event={leaf.event}
          words="with the same value as the trigger in"
          value={leaf.scopedBy}
          onChange={(scopedBy) => set({ scopedBy })}
          onRemove={() => set({ scopedBy: undefined })}
        />
      )}
      {leaf.related && (
        <RelatedFields related={leaf.related} event={leaf.event} onChange={(related) => set({ related })} />
      )}
      <Group gap="xs">
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconFilterPlus size={14} aria-hidden />}
          onClick={addFilter}
        >
          Add filter
        </Button>
        {trigger !== undefined && leaf.scopedBy === undefined && (
          <Button
            variant="subtle"
            size="compact-xs"
            leftSection={<IconLink size={14} aria-hidden />}
            onClick={() => set({ scopedBy: '' })}
          >
            Same as the trigger
          </Button>
        )}
        {!leaf.related && (
          <Button
            variant="subtle"
            size="compact-xs"
            leftSection={<IconLink size={14} aria-hidden />}
            onClick={() => set({ related: { event: '', did: false, scopedBy: '' } })}
          >
            Without another event
          </Button>
        )}
      </Group>
    </Stack>
  )
}

function EventName({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (name: string) => void
}) {
  const events = useCatalogEvents(useBuilder().project).data ?? []
  return <NameInput label={label} names={events.map(({ name }) => name)} value={value} onChange={onChange} />
}

interface FiltersProps {
  event: string
  where: Filter[]
  onChange: (where: Filter[]) => void
}

function Filters({ event, where, onChange }: FiltersProps) {
  return where.map((filter, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: filters have no identity, and their fields keep no state
    <Group key={index} gap="xs" align="center" role="group" aria-label="Filter">
      <Text size="sm" w={46}>
        {index === 0 ? 'where' : 'and'}
      </Text>
      <FilterEditor event={event} filter={filter} onChange={(next) => onChange(where.with(index, next))}>
        <RemoveIcon label="Remove the filter" onClick={() => onChange(where.toSpliced(index, 1))} />
      </FilterEditor>
    </Group>
  ))
}

const RemoveIcon = ({ label, onClick }: { label: string; onClick: () => void }) => (
  <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} onClick={onClick}>
    <IconX size={14} aria-hidden />
  </ActionIcon>
)

interface ScopedByProps {
  event: string
  words: string
  value: string
  onChange: (property: string) => void
  onRemove?: () => void
}

function ScopedBy({ event, words, value, onChange, onRemove }: ScopedByProps) {
  const properties = useEventProperties(useBuilder().project, event).data ?? []
  return (
    <Group gap="xs">
      <Text size="sm">{words}</Text>
      <NameInput
        label="Shared property"
        names={properties.map(({ name }) => name)}
        value={value}
        onChange={onChange}
        w={160}
      />
      {onRemove && <RemoveIcon label="Remove the shared property" onClick={onRemove} />}
    </Group>
  )
}

interface RelatedFieldsProps {
  related: Related
  /** The counted event. */
  event: string
  onChange: (related: Related | undefined) => void
}

function RelatedFields({ related, event, onChange }: RelatedFieldsProps) {
  const set = (change: Partial<Related>) => onChange(withoutEmpty({ ...related, ...change }))
  const setDid = (did: boolean) => set({ did: did ? undefined : false })
  return (
    <Stack gap="xs" role="group" aria-label="Another event">
      <Group gap="xs">
        <Choice
          label="With or without"
          w={110}
          yes="with"
          no="without"
          value={related.did !== false}
          onChange={setDid}
        />
        <EventName label="Other event" value={related.event} onChange={(name) => set({ event: name })} />
        <ScopedBy
          event={event}
          words="of the same"
          value={related.scopedBy}
          onChange={(scopedBy) => set({ scopedBy })}
        />
        <Checkbox
          size="xs"
          label="at the same time or later"
          checked={related.after === true}
          onChange={(change) => set({ after: change.currentTarget.checked || undefined })}
        />
        <RemoveIcon label="Remove the other event" onClick={() => onChange(undefined)} />
      </Group>
      <Filters event={related.event} where={related.where ?? []} onChange={(where) => set({ where })} />
      <Group gap="xs">
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconFilterPlus size={14} aria-hidden />}
          onClick={() => set({ where: [...(related.where ?? []), emptyFilter()] })}
        >
          Add filter on the other event
        </Button>
      </Group>
    </Stack>
  )
}

const emptyFilter = (): Filter => ({ property: '', operator: 'equals', value: '' })

/** Members that say nothing are left out: the condition then reads as it was meant. */
const withoutEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).filter(
      ([, member]) => member !== undefined && !(Array.isArray(member) && member.length === 0),
    ),
  ) as T
