import type { Import, ImportOptions, Target } from '@fairway/api'
import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useImportCommand } from '../../api/imports.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { Section } from '../../components/section.tsx'
import { notifySuccess } from '../../lib/notify.tsx'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { ColumnTable } from './column-table.tsx'
import { FormatSection } from './format-section.tsx'
import { ImportOptionsFields } from './import-options.tsx'
import { sourceLabel } from './import-words.ts'

/** Which column is what; then a dry run, or the import itself. */
export function MappingForm({ project, data }: { project: string; data: Import }) {
  const [mapping, setMapping] = useState(() => data.mapping ?? guessed(data))
  const [options, setOptions] = useState<ImportOptions>(data.options)
  const again = data.state !== 'ready'
  const command = useImportCommand(project, String(data.id))
  const unsaved = useUnsaved({ mapping, options })
  /** Which part of dates comes first makes dates of the columns that waited for it. */
  const changeOptions = (next: ImportOptions) => {
    setOptions(next)
    if (next.dates !== options.dates)
      setMapping((current) => ({ ...current, ...datesOf(data, current, next) }))
  }
  const start = (dryRun: boolean) =>
    command.mutate(
      { mapping, options, ...(dryRun && { dryRun }) },
      {
        onSuccess: () => {
          unsaved.markSaved()
          beginAbove()
          notifySuccess(
            dryRun ? 'The dry run was accepted' : 'The import was accepted',
            dryRun ? 'Every row is checked; nothing is changed.' : 'It is not imported yet: follow it here.',
          )
        },
      },
    )
  const unfinished = data.columns.some(({ name }) => /^(property|topic):$/.test(mapping[name]?.to ?? ''))
  return (
    <>
      {unsaved.guard}
      <FormatSection project={project} data={data} />
      <Section
        title="Columns"
        description={`What each column of the file becomes. ${data.from ? `It is read as an export of ${sourceLabel(data.from)}. ` : ''}These are guesses from its name and its values: correct them.`}
      >
        <ColumnTable
          kind={data.kind}
          columns={data.columns}
          mapping={mapping}
          onChange={(column, target: Target) => setMapping((current) => ({ ...current, [column]: target }))}
        />
      </Section>
      <Section title="Options">
        <ImportOptionsFields project={project} kind={data.kind} options={options} onChange={changeOptions} />
      </Section>
      {command.error && <ErrorState title="Could not start" error={command.error} />}
      <Stack gap="xs">
        <Group>
          <Button
            variant="default"
            loading={command.isPending}
            disabled={unfinished}
            onClick={() => start(true)}
          >
            Dry run
          </Button>
          <Button loading={command.isPending} disabled={unfinished} onClick={() => start(false)}>
            {again ? 'Start again' : 'Start the import'}
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {unfinished
            ? 'Name the properties and topics first.'
            : again
              ? 'It begins with the first row: what was imported before comes to the same.'
              : 'A dry run checks every row and changes nothing. An import can be undone.'}
        </Text>
      </Stack>
    </>
  )
}

const guessed = ({ columns }: Import): Record<string, Target> =>
  Object.fromEntries(columns.map(({ name, guess }) => [name, guess]))

/** Columns that may be dates, as far as nobody made something else of them. */
const datesOf = ({ columns }: Import, mapping: Record<string, Target>, { dates }: ImportOptions) =>
  Object.fromEntries(
    columns
      .filter(({ name, mayBeDates }) => mayBeDates && ['text', 'date'].includes(mapping[name]?.type ?? ''))
      .map(({ name, guess }) => [name, { ...mapping[name]!, type: dates ? ('date' as const) : guess.type }]),
  )

/** What happens now is shown at the top of the page, for the eyes and for the keyboard. */
function beginAbove(): void {
  document.getElementById('main')?.focus({ preventScroll: true })
  window.scrollTo({ top: 0 })
}
