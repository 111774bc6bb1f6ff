import type { ImportKind, Source, SourceKind, SourceTest } from '@fairway/api'
import { Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import {
  readSource,
  type SourceInput,
  type SourceTrial,
  useSaveSource,
  useTestSource,
} from '../../api/sources.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { Section } from '../../components/section.tsx'
import { type Field, useCarefulSave } from '../../lib/careful-save.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'
import { ColumnTable } from '../imports/column-table.tsx'
import { ImportOptionsFields } from '../imports/import-options.tsx'
import { kindWords } from '../imports/import-words.ts'
import { PreviewTable } from '../imports/preview-table.tsx'
import { asColumns, cellsOf, fromMapping, mappingOf } from './source-columns.ts'
import { schedules, scheduleWords } from './source-words.ts'

const databases: { value: SourceKind; label: string; example: string }[] = [
  { value: 'postgres', label: 'PostgreSQL', example: 'postgres://reader:password@db.example.com/shop' },
  { value: 'mysql', label: 'MySQL or MariaDB', example: 'mysql://reader:password@db.example.com/shop' },
]

interface SourceFormProps {
  project: string
  source?: Source
  onSaved: (source: Source) => void
}

const startOf = (source: Source | undefined): SourceInput => ({
  name: source?.name ?? '',
  kind: source?.kind ?? 'postgres',
  url: '',
  query: source?.query ?? '',
  cursorColumn: source?.cursorColumn ?? null,
  everyMinutes: source?.everyMinutes ?? 60,
  import: source?.import ?? { kind: 'people' },
})

const fields = (draft: SourceInput): Field[] => [
  ['Name', draft.name],
  ['How often', draft.everyMinutes, scheduleWords(draft.everyMinutes)],
  ['SQL', draft.query],
  ['Column that grows', draft.cursorColumn],
  ['Rows are', draft.import.kind, kindWords.find(({ kind }) => kind === draft.import.kind)?.label],
  ['Columns', draft.import.mapping],
  ['Options of the import', draft.import.options],
]

/** Where to ask, what to ask, and what the answer's columns become; a trial fills in the columns. */
export function SourceForm({ project, source, onSaved }: SourceFormProps) {
  const [draft, setDraft] = useState(() => startOf(source))
  const [tested, setTested] = useState<SourceTest>()
  const unsaved = useUnsaved(draft)
  const save = useCarefulSave({
    stored: source,
    draft,
    toDraft: startOf,
    fields,
    save: useSaveSource(project, source?.id),
    readAgain: () => readSource(project, source!.id),
    onTake: (theirs) => {
      setDraft(theirs)
      setTested(undefined)
      unsaved.markSaved(theirs)
    },
  })
  const form = useRefusal('Could not save the source', save.error)
  const test = useTestSource(project)
  const set = (change: Partial<SourceInput>) => setDraft((current) => ({ ...current, ...change }))
  const setImport = (change: Partial<SourceInput['import']>) =>
    setDraft((current) => ({ ...current, import: { ...current.import, ...change } }))
  const { kind, mapping = {}, options = {} } = draft.import
  const columns = tested ? asColumns(tested) : fromMapping(mapping)

  const tryIt = () =>
    test.mutate(toTrial(draft, source), {
      onSuccess: (answer) => {
        setTested(answer)
        setImport({ mapping: mappingOf(kind, answer, mapping) })
      },
    })
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    void save.write(toInput, (saved) => {
      unsaved.markSaved()
      onSaved(saved)
    })
  }
  const error = (field: string) => fieldError(save.error, field) ?? fieldError(test.error, field)
  const told = ['name', 'url', 'query', 'cursorColumn'].some(error)
  const ready = draft.name.trim() !== '' && draft.query.trim() !== '' && columns.length > 0
  return (
    <form ref={form} onSubmit={submit}>
      {unsaved.guard}
      {save.dialog}
      <Stack gap="lg">
        <Connection source={source} draft={draft} set={set} error={error} />
        <Section title="Query" description="One SELECT. What it answers is read in parts.">
          <Stack>
            <Textarea
              label="SQL"
              required
              autosize
              minRows={4}
              maxRows={16}
              spellCheck={false}
              placeholder="select id, email, plan, updated_at from users"
              value={draft.query}
              onChange={(event) => set({ query: event.currentTarget.value })}
              error={error('query')}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
            />
            <TextInput
              label="Column that grows"
              description="Such as updated_at: only rows beyond the last one are read. Empty: everything every time."
              placeholder="updated_at"
              value={draft.cursorColumn ?? ''}
              onChange={(event) => set({ cursorColumn: event.currentTarget.value || null })}
              error={error('cursorColumn')}
              maw={320}
            />
            <Select
              label="Rows are"
              data={kindWords.map(({ kind, label }) => ({ value: kind, label }))}
              value={kind}
              onChange={(next) => {
                const chosen = next as ImportKind
                setImport({ kind: chosen, mapping: tested ? mappingOf(chosen, tested, {}) : {} })
              }}
              maw={320}
            />
            <Group>
              <NeedsRight right="sources.manage">
                <Button
                  variant="default"
                  loading={test.isPending}
                  disabled={draft.query.trim() === '' || (!source && !draft.url)}
                  onClick={tryIt}
                >
                  Try it
                </Button>
              </NeedsRight>
              <Text size="sm" c="dimmed">
                Reads a few rows and imports nothing.
              </Text>
            </Group>
            {test.error && !told && <ErrorState title="The trial failed" error={test.error} />}
            {tested && <PreviewTable columns={columns} rows={cellsOf(tested)} />}
          </Stack>
        </Section>
        {columns.length > 0 && (
          <Section title="Columns" description="What each column becomes.">
            <Stack>
              <ColumnTable
                kind={kind}
                columns={columns}
                mapping={mapping}
                onChange={(column, target) => setImport({ mapping: { ...mapping, [column]: target } })}
              />
              <ImportOptionsFields
                project={project}
                kind={kind}
                options={options}
                onChange={(next) => setImport({ options: next })}
              />
            </Stack>
          </Section>
        )}
        {save.error && !told && <ErrorState title="Could not save the source" error={save.error} />}
        <Group>
          <NeedsRight right="sources.manage">
            <Button type="submit" loading={save.isPending} disabled={!ready}>
              {source ? 'Save' : 'Create source'}
            </Button>
          </NeedsRight>
          {columns.length === 0 && (
            <Text size="sm" c="dimmed">
              Try it first: then the columns are known.
            </Text>
          )}
        </Group>
      </Stack>
    </form>
  )
}

interface ConnectionProps {
  source: Source | undefined
  draft: SourceInput
  set: (change: Partial<SourceInput>) => void
  error: (field: string) => string | undefined
}

function Connection({ source, draft, set, error }: ConnectionProps) {
  return (
    <Section title="Database">
      <Stack>
        <TextInput
          label="Name"
          required
          maxLength={255}
          placeholder="The shop’s users"
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          error={error('name')}
        />
        <Group grow align="flex-start">
          <Select
            label="Kind"
            data={databases}
            value={draft.kind}
            disabled={source !== undefined}
            onChange={(kind) => set({ kind: kind as SourceKind })}
          />
          <Select
            label="How often"
            data={schedules}
            value={String(draft.everyMinutes ?? '')}
            onChange={(minutes) => set({ everyMinutes: minutes ? Number(minutes) : null })}
          />
        </Group>
        <TextInput
          label="Address"
          required={!source}
          description={
            source
              ? `Now at ${source.host}. Empty: it stays as it is.`
              : 'With user and password; it is stored encrypted and never shown again.'
          }
          placeholder={databases.find(({ value }) => value === draft.kind)!.example}
          autoComplete="off"
          spellCheck={false}
          value={draft.url ?? ''}
          onChange={(event) => set({ url: event.currentTarget.value })}
          error={error('url')}
        />
      </Stack>
    </Section>
  )
}

function toInput({ url, ...draft }: SourceInput): SourceInput {
  return { ...draft, name: draft.name.trim(), ...(url?.trim() && { url: url.trim() }) }
}

function toTrial(draft: SourceInput, source: Source | undefined): SourceTrial {
  const { kind, url, query, cursorColumn } = toInput(draft)
  return { kind, query, cursorColumn, ...(url && { url }), ...(source && { source: source.id }) }
}
