import type { ImportKind, ImportOptions } from '@fairway/api'
import { Checkbox, Radio, Select, Stack, TagsInput, TextInput } from '@mantine/core'
import { useSegments } from '../../api/segments.ts'

interface ImportOptionsFieldsProps {
  project: string
  kind: ImportKind
  options: ImportOptions
  onChange: (options: ImportOptions) => void
}

/** How the rows are taken. Only what makes a difference for the kind is asked. */
export function ImportOptionsFields({ project, kind, options, onChange }: ImportOptionsFieldsProps) {
  const set = (change: Partial<ImportOptions>) => onChange(withoutUndefined({ ...options, ...change }))
  return (
    <Stack maw={560}>
      {kind === 'people' && <WhoIsChanged options={options} set={set} />}
      {kind === 'people' && (
        <Checkbox
          label="Empty cells remove what is there"
          description="Without it, an empty cell leaves the person’s value alone."
          checked={options.overwriteEmpty === true}
          onChange={(event) => set({ overwriteEmpty: event.currentTarget.checked })}
        />
      )}
      {kind === 'people' && (
        <Checkbox
          label="Subscribe people again who opted out"
          description="Where the file says that they are subscribed, want a topic or are not suppressed. Without it they stay as they decided: a file may be older than their opt-out."
          checked={options.resubscribe === true}
          onChange={(event) => set({ resubscribe: event.currentTarget.checked })}
        />
      )}
      {kind === 'events' && <EventFields options={options} set={set} />}
      {kind === 'tags' && <TagFields options={options} set={set} />}
      {(kind === 'people' || kind === 'segment') && (
        <ListField project={project} required={kind === 'segment'} options={options} set={set} />
      )}
      {kind === 'people' && (
        <TagsInput
          label="Tags for everybody in the file"
          placeholder="A tag, then Enter"
          acceptValueOnBlur
          value={options.tags ?? []}
          onChange={(tags) => set({ tags })}
        />
      )}
      {(kind === 'people' || kind === 'events') && <NotationFields options={options} set={set} />}
    </Stack>
  )
}

interface FieldsProps {
  options: ImportOptions
  set: (change: Partial<ImportOptions>) => void
}

function WhoIsChanged({ options, set }: FieldsProps) {
  const value = options.updateOnly ? 'update' : options.createOnly ? 'create' : 'both'
  return (
    <Radio.Group
      label="Who is changed"
      value={value}
      onChange={(next) =>
        set({
          updateOnly: next === 'update',
          createOnly: next === 'create',
        })
      }
    >
      <Stack gap="xs" mt="xs">
        <Radio value="both" label="People who are there, and new ones" />
        <Radio value="update" label="Only people who are there; rows of others are rejected" />
        <Radio value="create" label="Only new people; those who are there stay as they are" />
      </Stack>
    </Radio.Group>
  )
}

function EventFields({ options, set }: FieldsProps) {
  return (
    <>
      <TextInput
        label="Name of all events"
        description="Where no column has the name."
        placeholder="Purchased item"
        value={options.event ?? ''}
        onChange={(event) => set({ event: event.currentTarget.value || undefined })}
      />
      <Checkbox
        label="Start campaigns"
        description="As if the events happened now. Leave it off for history: nobody wants last year’s receipts again."
        checked={options.trigger === true}
        onChange={(event) => set({ trigger: event.currentTarget.checked })}
      />
    </>
  )
}

function TagFields({ options, set }: FieldsProps) {
  return (
    <Radio.Group
      label="What becomes of the tags"
      value={options.tagAction ?? 'add'}
      onChange={(next) => set({ tagAction: next as 'add' | 'remove' })}
    >
      <Stack gap="xs" mt="xs">
        <Radio value="add" label="They are added" />
        <Radio value="remove" label="They are removed" />
      </Stack>
    </Radio.Group>
  )
}

function ListField({
  project,
  required,
  options,
  set,
}: FieldsProps & { project: string; required: boolean }) {
  const segments = useSegments(project).data?.pages.flatMap((page) => page.items) ?? []
  const manual = segments.filter(({ kind }) => kind === 'manual')
  if (manual.length === 0 && !required) return null
  return (
    <Select
      label="Segment by hand that everybody in the file joins"
      description={
        required && manual.length === 0 ? 'There is none yet: make one under Segments.' : undefined
      }
      placeholder={required ? undefined : 'None'}
      required={required}
      clearable={!required}
      searchable
      data={manual.map(({ id, name }) => ({ value: String(id), label: name }))}
      value={options.segment === undefined ? null : String(options.segment)}
      onChange={(id) => set({ segment: id ? Number(id) : undefined })}
    />
  )
}

function NotationFields({ options, set }: FieldsProps) {
  return (
    <>
      <Select
        label="Dates like 3/4/2026"
        data={[
          { value: '', label: 'Not told: only 2026-04-03 and Unix times are dates' },
          { value: 'day_first', label: 'Day first: 3 April' },
          { value: 'month_first', label: 'Month first: 4 March' },
        ]}
        value={options.dates ?? ''}
        onChange={(dates) => set({ dates: (dates || undefined) as ImportOptions['dates'] })}
      />
      <Checkbox
        label="Numbers like 1.234,50"
        description="With a comma before the decimals."
        checked={options.decimalComma === true}
        onChange={(event) => set({ decimalComma: event.currentTarget.checked })}
      />
    </>
  )
}

const withoutUndefined = (options: ImportOptions): ImportOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
