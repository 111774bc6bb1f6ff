import type { PersonDetail } from '@fairway/api'
import {
  ActionIcon,
  Button,
  Group,
  MultiSelect,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useCatalogTags, useCatalogTopics } from '../../api/catalog.ts'
import { useEditPerson } from '../../api/people.ts'
import { useEverySegment } from '../../api/segments.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { notifySuccess } from '../../lib/notify.tsx'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'
import { ContactFields } from './contact-fields.tsx'
import { changesOf, nameProblem, type PersonDraft, toDraft } from './person-draft.ts'

export interface EditPersonProps {
  project: string
  id: string
  person: PersonDetail
}

/** What is known of one person, changed by hand. What somebody else changes meanwhile and is not touched here stays theirs. */
export default function EditDialog({
  project,
  id,
  person,
  onClose,
}: EditPersonProps & { onClose: () => void }) {
  const [before] = useState(() => toDraft(person))
  const [draft, setDraft] = useState(before)
  const segments = useEverySegment(project).data ?? []
  const manual = segments.filter(({ kind }) => kind === 'manual')
  const tags = useCatalogTags(project).data ?? []
  const edit = useEditPerson(project, id)
  const unsaved = useUnsaved(draft)
  const form = useRefusal('Could not save the person', edit.error)
  const set = (change: Partial<PersonDraft>) => setDraft((current) => ({ ...current, ...change }))
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    if (draft.properties.some((_, place) => nameProblem(draft.properties, place) !== undefined)) {
      form.current?.querySelector<HTMLInputElement>('[aria-invalid=true]')?.focus()
      return
    }
    edit.mutate(changesOf(before, draft, new Set(manual.map((segment) => String(segment.id)))), {
      onSuccess: () => {
        unsaved.markSaved()
        notifySuccess('Saved')
        onClose()
      },
    })
  }
  const told = Object.keys(draft.contact).some((name) => fieldError(edit.error, name))
  return (
    <Dialog opened onClose={() => unsaved.leave(onClose)} title="Edit the person" size="lg">
      {unsaved.guard}
      <form ref={form} onSubmit={submit}>
        <Stack gap="lg">
          <ContactFields
            contact={draft.contact}
            onChange={(contact) => set({ contact })}
            error={edit.error}
          />
          <Properties draft={draft} onChange={set} />
          <TagsInput
            label="Tags"
            data={tags.map(({ name }) => name)}
            value={draft.tags}
            onChange={(value) => set({ tags: value })}
          />
          <MultiSelect
            label="Lists by hand"
            description="Segments by conditions decide by themselves who is in them."
            searchable
            nothingFoundMessage="No list by hand yet"
            data={manual.map((segment) => ({ value: String(segment.id), label: segment.name }))}
            value={draft.lists.filter((list) => manual.some((segment) => String(segment.id) === list))}
            onChange={(lists) => set({ lists })}
          />
          <Topics project={project} draft={draft} onChange={set} />
          {edit.error && !told && <ErrorState title="Could not save the person" error={edit.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => unsaved.leave(onClose)}>
              Cancel
            </Button>
            <Button type="submit" loading={edit.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

interface PartProps {
  draft: PersonDraft
  onChange: (change: Partial<PersonDraft>) => void
}

function Properties({ draft: { properties }, onChange }: PartProps) {
  const change = (place: number, next: Partial<PersonDraft['properties'][number]>) =>
    onChange({ properties: properties.map((row, index) => (index === place ? { ...row, ...next } : row)) })
  return (
    <Stack gap="xs" component="fieldset" p={0} m={0} style={{ border: 0 }}>
      <Text component="legend" size="sm" fw={500} mb={4}>
        Properties
      </Text>
      {properties.map(({ key, name, value, isNew }, place) => (
        <Group key={key} gap="xs" wrap="nowrap" align="flex-start">
          <TextInput
            aria-label={`Name of property ${place + 1}`}
            placeholder="Name"
            value={name}
            readOnly={!isNew}
            variant={isNew ? undefined : 'filled'}
            error={nameProblem(properties, place)}
            onChange={(event) => change(place, { name: event.currentTarget.value })}
            flex={1}
          />
          <TextInput
            aria-label={name ? `Value of ${name}` : `Value of property ${place + 1}`}
            placeholder="Value"
            value={value}
            onChange={(event) => change(place, { value: event.currentTarget.value })}
            flex={1}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${name || `property ${place + 1}`}`}
            onClick={() => onChange({ properties: properties.filter((_, index) => index !== place) })}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Group justify="space-between">
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() =>
            onChange({
              properties: [...properties, { key: crypto.randomUUID(), name: '', value: '', isNew: true }],
            })
          }
        >
          Add a property
        </Button>
        <Text size="xs" c="dimmed">
          12 is a number, true and false are truths; what was text stays text.
        </Text>
      </Group>
    </Stack>
  )
}

const wishes = [
  { value: 'wanted', label: 'wanted' },
  { value: 'not wanted', label: 'not wanted' },
  { value: '', label: 'nothing said' },
]

function Topics({ project, draft: { topics }, onChange }: PartProps & { project: string }) {
  const known = useCatalogTopics(project).data ?? []
  const names = [...new Set([...known.map(({ name }) => name), ...Object.keys(topics)])].sort()
  if (names.length === 0) return null
  const said = (name: string) => (topics[name] === undefined ? '' : topics[name] ? 'wanted' : 'not wanted')
  return (
    <Stack gap="xs" component="fieldset" p={0} m={0} style={{ border: 0 }}>
      <Text component="legend" size="sm" fw={500} mb={4}>
        Topics
      </Text>
      {names.map((name) => (
        <Group key={name} justify="space-between" wrap="nowrap">
          <Text size="sm">{name}</Text>
          <Select
            aria-label={`Topic ${name}`}
            size="xs"
            w={150}
            allowDeselect={false}
            data={topics[name] === undefined ? wishes : wishes.slice(0, 2)}
            value={said(name)}
            onChange={(wish) => wish && onChange({ topics: { ...topics, [name]: wish === 'wanted' } })}
          />
        </Group>
      ))}
    </Stack>
  )
}
