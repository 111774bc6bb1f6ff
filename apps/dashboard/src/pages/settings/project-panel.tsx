import type { Project, ProjectSettings } from '@fairway/api'
import { Button, Fieldset, Group, NumberInput, Radio, Select, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useMay } from '../../api/rights.ts'
import { readSettings, useChangeSettings, useSettings } from '../../api/settings.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { ReadOnlyNote } from '../../components/read-only-note.tsx'
import { Section } from '../../components/section.tsx'
import { type Field, useCarefulSave } from '../../lib/careful-save.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { notifySuccess } from '../../lib/notify.tsx'
import { timeZones } from '../../lib/time-zones.ts'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'
import { GoLiveDialog } from './go-live-dialog.tsx'
import { ToTestDialog } from './to-test-dialog.tsx'

export function ProjectPanel({ project }: { project: string }) {
  const settings = useSettings(project)
  return (
    <QueryView query={settings} what="the settings">
      {(data) => <ProjectForm key={project} project={project} settings={data} />}
    </QueryView>
  )
}

interface Draft {
  name: string
  mode: ProjectSettings['mode']
  testAddress: string
  timezone: string
  retention: string | number
}

const toDraft = (settings: Project): Draft => ({
  name: settings.name,
  mode: settings.mode,
  testAddress: settings.testAddress ?? '',
  timezone: settings.timezone,
  retention: settings.eventRetentionDays ?? '',
})

const toInput = ({ name, mode, testAddress, timezone, retention }: Draft) => ({
  name: name.trim(),
  mode,
  testAddress: testAddress.trim() || null,
  timezone,
  eventRetentionDays: retention === '' ? null : Number(retention),
})

const fields = (draft: Draft): Field[] => [
  ['Mode', draft.mode, draft.mode === 'live' ? 'Live' : 'Test'],
  ['Test address', draft.testAddress],
  ['Name', draft.name],
  ['Time zone', draft.timezone],
  ['Days that events are kept', draft.retention],
]

function ProjectForm({ project, settings }: { project: string; settings: ProjectSettings }) {
  const [draft, setDraft] = useState(() => toDraft(settings))
  const { name, mode, testAddress, timezone, retention } = draft
  const set = (changes: Partial<Draft>) => setDraft((current) => ({ ...current, ...changes }))
  const [asking, setAsking] = useState<ProjectSettings['mode']>()
  const may = useMay()
  const unsaved = useUnsaved(draft)
  const change = useCarefulSave({
    stored: settings as Project,
    draft,
    toDraft,
    fields,
    save: useChangeSettings(project),
    readAgain: (): Promise<Project> => readSettings(project),
    onTake: (theirs) => {
      setDraft(theirs)
      unsaved.markSaved(theirs)
    },
  })
  const form = useRefusal('Could not save the settings', change.error)

  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    if (mode !== settings.mode) setAsking(mode)
    else save()
  }
  const save = () => {
    setAsking(undefined)
    void change.write(toInput, () => {
      unsaved.markSaved()
      notifySuccess('Settings saved')
    })
  }
  const known = ['name', 'testAddress', 'timezone', 'eventRetentionDays'].some((field) =>
    fieldError(change.error, field),
  )
  return (
    <form ref={form} onSubmit={submit}>
      <Fieldset variant="unstyled" disabled={!may('project.change')}>
        <Stack gap="lg">
          <ReadOnlyNote right="project.change" what="these settings" />
          {unsaved.guard}
          {change.dialog}
          {asking === 'live' && (
            <GoLiveDialog
              project={project}
              settings={settings}
              onCancel={() => setAsking(undefined)}
              onConfirm={save}
            />
          )}
          {asking === 'test' && (
            <ToTestDialog
              project={project}
              settings={settings}
              onCancel={() => setAsking(undefined)}
              onConfirm={save}
            />
          )}
          <Section title="Mode">
            <Radio.Group
              value={mode}
              onChange={(value) => set({ mode: value as ProjectSettings['mode'] })}
              aria-label="Mode"
            >
              <Stack gap="sm">
                <Radio
                  value="test"
                  label="Test"
                  description="Every email goes to the test address or, without one, to the mailbox. Nobody else gets mail."
                />
                <Radio value="live" label="Live" description="Email goes to the people it is meant for." />
              </Stack>
            </Radio.Group>
            <TextInput
              mt="md"
              label="Test address"
              description="Where all mail goes in test mode."
              placeholder="you@example.com"
              type="email"
              value={testAddress}
              onChange={(event) => set({ testAddress: event.currentTarget.value })}
              error={fieldError(change.error, 'testAddress')}
            />
          </Section>
          <Section title="Project">
            <Stack>
              <TextInput
                label="Name"
                required
                value={name}
                onChange={(event) => set({ name: event.currentTarget.value })}
                error={fieldError(change.error, 'name')}
              />
              <Select
                label="Time zone"
                description="Used for campaigns that wait until a time of day, when a person has no time zone."
                data={timeZones}
                searchable
                value={timezone}
                onChange={(value) => set({ timezone: value ?? 'UTC' })}
                error={fieldError(change.error, 'timezone')}
              />
              <NumberInput
                label="Days that events are kept"
                description="Empty keeps them for ever."
                min={1}
                allowDecimal={false}
                value={retention}
                onChange={(days) => set({ retention: days })}
                error={fieldError(change.error, 'eventRetentionDays')}
              />
            </Stack>
          </Section>
          {change.error && !known && <ErrorState title="Could not save the settings" error={change.error} />}
          <Group>
            <NeedsRight right="project.change">
              <Button type="submit" loading={change.isPending}>
                Save
              </Button>
            </NeedsRight>
          </Group>
        </Stack>
      </Fieldset>
    </form>
  )
}
