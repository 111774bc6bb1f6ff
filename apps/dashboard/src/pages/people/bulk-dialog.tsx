import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useCatalogProperties, useCatalogTags, useCatalogTopics } from '../../api/catalog.ts'
import { type BulkPeople, useBulkAction } from '../../api/people.ts'
import { useSegments } from '../../api/segments.ts'
import { isUnderWay, useTask } from '../../api/tasks.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { TaskProgress } from '../../components/task-progress.tsx'
import { Choice } from '../../conditions/choice.tsx'
import { NameInput } from '../../conditions/name-input.tsx'
import { type BulkFields, type BulkKind, bulkKinds, emptyFields, toAction } from './bulk-actions.ts'

interface BulkDialogProps {
  project: string
  /** Closed without one. */
  kind: BulkKind | undefined
  /** "3 people", "everybody who matches" */
  what: string
  people: BulkPeople
  onClose: () => void
  onStarted: () => void
}

/** Asks what exactly and for whom; then shows how far it is. */
export function BulkDialog({ project, kind, what, people, onClose, onStarted }: BulkDialogProps) {
  const [started, setStarted] = useState<{ task: number | string; what: string }>()
  const close = () => {
    onClose()
    setStarted(undefined)
  }
  const words = bulkKinds.find((each) => each.kind === kind)
  return (
    <Dialog
      opened={kind !== undefined}
      onClose={close}
      title={words && `${words.label}: ${started?.what ?? what}`}
      size="lg"
    >
      {kind &&
        (started ? (
          <BulkProgress project={project} task={started.task} onClose={close} />
        ) : (
          <BulkForm
            project={project}
            kind={kind}
            people={people}
            what={what}
            onCancel={close}
            onStarted={(task) => {
              setStarted({ task, what })
              onStarted()
            }}
          />
        ))}
    </Dialog>
  )
}

interface BulkFormProps {
  project: string
  kind: BulkKind
  people: BulkPeople
  what: string
  onCancel: () => void
  onStarted: (task: number | string) => void
}

function BulkForm({ project, kind, people, what, onCancel, onStarted }: BulkFormProps) {
  const [fields, setFields] = useState(emptyFields)
  const [word, setWord] = useState('')
  const start = useBulkAction(project)
  const words = bulkKinds.find((each) => each.kind === kind)!
  // Everybody at once is no slip of the hand.
  const typed = kind === 'erase' && !('ids' in people)
  const action = typed && word.toLowerCase() !== 'erase' ? undefined : toAction(kind, fields)
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    if (action) start.mutate({ people, action }, { onSuccess: ({ id }) => onStarted(id) })
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        {words.meaning && <Text size="sm">{words.meaning}</Text>}
        <BulkFieldset
          project={project}
          kind={kind}
          fields={fields}
          onChange={(change) => setFields((current) => ({ ...current, ...change }))}
        />
        {typed && (
          <TextInput
            label="Type “erase” to go on"
            autoComplete="off"
            value={word}
            onChange={(event) => setWord(event.currentTarget.value)}
          />
        )}
        {start.error && <ErrorState title="Could not start" error={start.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel} data-autofocus={words.meaning ? true : undefined}>
            Cancel
          </Button>
          <Button
            type="submit"
            color={words.grave ? 'red' : undefined}
            loading={start.isPending}
            disabled={!action}
          >
            {`${words.label}: ${what}`}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

interface BulkFieldsetProps {
  project: string
  kind: BulkKind
  fields: BulkFields
  onChange: (change: Partial<BulkFields>) => void
}

function BulkFieldset({ project, kind, fields, onChange }: BulkFieldsetProps) {
  const setName = (name: string) => onChange({ name })
  if (kind === 'add_tag' || kind === 'remove_tag')
    return <TagField project={project} value={fields.name} onChange={setName} />
  if (kind === 'add_to_segment' || kind === 'remove_from_segment')
    return (
      <ListField project={project} value={fields.segment} onChange={(segment) => onChange({ segment })} />
    )
  if (kind === 'set_topic')
    return (
      <Group gap="xs">
        <Choice
          label="Wants the topic"
          yes="want the topic"
          no="do not want the topic"
          value={fields.wanted}
          onChange={(wanted) => onChange({ wanted })}
        />
        <TopicField project={project} value={fields.name} onChange={setName} />
      </Group>
    )
  if (kind === 'set_property')
    return (
      <Group gap="xs" align="flex-start">
        <PropertyField project={project} value={fields.name} onChange={setName} />
        <TextInput
          size="xs"
          aria-label="Value"
          placeholder="Value"
          description="12 is a number, true and false are truths, everything else is text."
          inputWrapperOrder={['input', 'description']}
          value={fields.value}
          onChange={(event) => onChange({ value: event.currentTarget.value })}
        />
      </Group>
    )
  return null
}

interface FieldProps {
  project: string
  value: string
  onChange: (value: string) => void
}

const namesOf = (items: { name: string }[] | undefined) => (items ?? []).map(({ name }) => name)

const TagField = ({ project, ...field }: FieldProps) => (
  <NameInput label="Tag" names={namesOf(useCatalogTags(project).data)} {...field} />
)

const TopicField = ({ project, ...field }: FieldProps) => (
  <NameInput label="Topic" names={namesOf(useCatalogTopics(project).data)} {...field} />
)

const PropertyField = ({ project, ...field }: FieldProps) => (
  <NameInput label="Property" names={namesOf(useCatalogProperties(project).data)} {...field} />
)

function ListField({ project, value, onChange }: FieldProps) {
  const segments = useSegments(project).data?.pages.flatMap((page) => page.items) ?? []
  const manual = segments.filter(({ kind }) => kind === 'manual')
  return (
    <Select
      label="List"
      description="Segments by conditions decide by themselves who is in them."
      searchable
      nothingFoundMessage="No list by hand yet"
      data={manual.map(({ id, name }) => ({ value: String(id), label: name }))}
      value={value || null}
      onChange={(id) => onChange(id ?? '')}
    />
  )
}

function BulkProgress({
  project,
  task: id,
  onClose,
}: {
  project: string
  task: number | string
  onClose: () => void
}) {
  const task = useTask(project, id)
  const client = useQueryClient()
  const over = task.data !== undefined && !isUnderWay(task.data)
  // The list behind is asked for anew when it is over, and when this is closed before.
  useEffect(
    () => (over ? undefined : () => void client.invalidateQueries({ queryKey: [project, 'people'] })),
    [over, client, project],
  )
  return (
    <Stack>
      <QueryView query={task} what="how far it is">
        {(data) => (
          <TaskProgress
            project={project}
            task={data}
            unit="people"
            cancelWords="Those who are changed already stay changed."
          />
        )}
      </QueryView>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {over ? '' : 'It goes on when you close this.'}
        </Text>
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </Stack>
  )
}
