import type { ExportFormat, ExportKind } from '@fairway/api'
import { Button, type ButtonProps, Checkbox, Group, Select, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useCatalogEvents } from '../../api/catalog.ts'
import { type NewExport, useStartExport } from '../../api/exports.ts'
import type { PeopleFilter } from '../../api/people.ts'
import { useSegments } from '../../api/segments.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { FormDialog, useDialogDraft } from '../../components/form-dialog.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { useRefusal } from '../../lib/use-refusal.ts'

const kinds: { value: ExportKind; label: string }[] = [
  { value: 'people', label: 'Everybody' },
  { value: 'segment', label: 'People of a segment' },
  { value: 'events', label: 'Events' },
  { value: 'messages', label: 'Messages' },
]

const formats: { value: ExportFormat; label: string }[] = [
  { value: 'csv', label: 'CSV, for spreadsheets' },
  { value: 'ndjson', label: 'JSON lines, for programs and other projects' },
]

export function NewExportButton({ project }: { project: string }) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <NeedsRight right="people.export">
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
          New export
        </Button>
      </NeedsRight>
      <FormDialog opened={opened} onClose={dialog.close} title="New export">
        <ExportForm project={project} onStarted={dialog.close} />
      </FormDialog>
    </>
  )
}

interface ExportPeopleProps extends ButtonProps {
  project: string
  filter: PeopleFilter
  children: string
}

/** Exports those who are looked at, and leads to where the file will be. */
export function ExportPeople({ project, filter, children, ...button }: ExportPeopleProps) {
  const [opened, dialog] = useDisclosure(false)
  const navigate = useNavigate()
  const preset = { kind: filter.segment === undefined ? 'people' : 'segment', ...filter } as const
  return (
    <>
      <NeedsRight right="people.export">
        <Button variant="default" {...button} onClick={dialog.open}>
          {children}
        </Button>
      </NeedsRight>
      <FormDialog opened={opened} onClose={dialog.close} title={children}>
        <ExportForm
          project={project}
          preset={preset}
          onStarted={() => navigate({ to: '/projects/$project/exports', params: { project } })}
        />
      </FormDialog>
    </>
  )
}

interface ExportFormProps {
  project: string
  /** What is exported, when it is decided already. */
  preset?: Omit<NewExport, 'format'>
  onStarted: () => void
}

function ExportForm({ project, preset, onStarted }: ExportFormProps) {
  const [draft, setDraft] = useState<NewExport>({ kind: 'people', format: 'csv', ...preset })
  const start = useStartExport(project)
  const unsaved = useDialogDraft(draft)
  const set = (change: Partial<NewExport>) => setDraft((current) => ({ ...current, ...change }))
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    start.mutate(toInput(draft), {
      onSuccess: () => {
        unsaved.markSaved()
        onStarted()
      },
    })
  }
  const form = useRefusal('Could not start the export', start.error)
  const told = ['segment', 'event', 'from', 'to'].some((field) => fieldError(start.error, field))
  return (
    <form ref={form} onSubmit={submit}>
      {unsaved.guard}
      <Stack>
        {!preset && (
          <Select
            label="What"
            description="People by conditions are exported from the list of people, where they are filtered."
            data={kinds}
            value={draft.kind}
            onChange={(kind) => set({ kind: kind as ExportKind })}
            data-autofocus
          />
        )}
        {!preset && draft.kind === 'segment' && (
          <SegmentField
            project={project}
            value={draft.segment}
            error={fieldError(start.error, 'segment')}
            onChange={(segment) => set({ segment })}
          />
        )}
        {draft.kind === 'events' && (
          <EventField project={project} value={draft.event ?? ''} onChange={(event) => set({ event })} />
        )}
        {(draft.kind === 'events' || draft.kind === 'messages') && (
          <Group grow align="flex-start">
            <TextInput
              label="From"
              type="date"
              value={draft.from ?? ''}
              error={fieldError(start.error, 'from')}
              onChange={(event) => set({ from: event.currentTarget.value })}
            />
            <TextInput
              label="Until, that day not included"
              type="date"
              value={draft.to ?? ''}
              error={fieldError(start.error, 'to')}
              onChange={(event) => set({ to: event.currentTarget.value })}
            />
          </Group>
        )}
        <Select
          label="As"
          data={formats}
          value={draft.format}
          onChange={(format) => set({ format: format as ExportFormat })}
        />
        {draft.format === 'csv' && (
          <Checkbox
            label="For Excel"
            description="Begins with a mark without which Excel shows accents wrongly."
            checked={draft.bom === true}
            onChange={(event) => set({ bom: event.currentTarget.checked })}
          />
        )}
        {start.error && !told && <ErrorState title="Could not start the export" error={start.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={unsaved.close}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={start.isPending}
            disabled={draft.kind === 'segment' && draft.segment === undefined}
          >
            Start the export
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

interface SegmentFieldProps {
  project: string
  value: number | undefined
  error: string | undefined
  onChange: (segment: number) => void
}

function SegmentField({ project, value, error, onChange }: SegmentFieldProps) {
  const segments = useSegments(project).data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Select
      label="Segment"
      required
      searchable
      nothingFoundMessage="No such segment"
      data={segments.map(({ id, name }) => ({ value: String(id), label: name }))}
      value={value === undefined ? null : String(value)}
      error={error}
      onChange={(id) => id && onChange(Number(id))}
    />
  )
}

function EventField({
  project,
  value,
  onChange,
}: {
  project: string
  value: string
  onChange: (name: string) => void
}) {
  const events = useCatalogEvents(project).data ?? []
  return (
    <Select
      label="Which"
      searchable
      data={[
        { value: '', label: 'Every event' },
        ...events.map(({ name }) => ({ value: name, label: name })),
      ]}
      value={value}
      onChange={(name) => onChange(name ?? '')}
    />
  )
}

/** Only what goes with the kind: the server refuses the rest. */
function toInput({ kind, format, segment, conditions, event, from, to, bom }: NewExport): NewExport {
  const timed = kind === 'events' || kind === 'messages'
  return {
    kind,
    format,
    ...(kind === 'segment' && { segment }),
    ...(conditions && { conditions }),
    ...(kind === 'events' && event && { event }),
    ...(timed && from && { from }),
    ...(timed && to && { to }),
    ...(format === 'csv' && bom && { bom }),
  }
}
