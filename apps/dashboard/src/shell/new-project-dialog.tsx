import type { CreatedProject } from '@fairway/api'
import { Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useOrganizationsForProjects } from '../api/rights.ts'
import { useCreateProject } from '../api/session.ts'
import { ErrorState } from '../components/error-state.tsx'
import { FormDialog, useDialogDraft } from '../components/form-dialog.tsx'
import { ShownOnce } from '../components/shown-once.tsx'
import { fieldError } from '../lib/field-error.ts'
import { rememberFirstKey } from '../lib/first-key.ts'

export function NewProjectDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <FormDialog opened={opened} onClose={onClose} title="New project">
      <NewProjectForm onDone={onClose} />
    </FormDialog>
  )
}

/** Creates a project and leads to its first steps. */
export function NewProjectForm({ onDone }: { onDone?: () => void }) {
  const organizations = useOrganizationsForProjects()
  const [name, setName] = useState('')
  const [organizationId, setOrganizationId] = useState(organizations[0]?.id)
  const create = useCreateProject()
  const unsaved = useDialogDraft({ name, organizationId })

  const submit = async (event: React.FormEvent) => {
    event.preventDefault()
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone
    const { project, trackingKey } = await create.mutateAsync({ name: name.trim(), organizationId, timezone })
    unsaved.markSaved()
    rememberFirstKey(project.id, trackingKey)
  }
  if (create.data) return <NewKeys created={create.data} onDone={onDone} />
  const nameError = fieldError(create.error, 'name')
  return (
    <form onSubmit={(event) => submit(event).catch(() => undefined)}>
      {unsaved.guard}
      <Stack>
        <TextInput
          label="Name"
          description="A product or one of its environments. People, events and keys are kept apart per project."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={nameError}
          required
          maxLength={120}
          data-autofocus
        />
        {organizations.length > 1 && (
          <Select
            label="Organisation"
            data={organizations.map(({ id, name }) => ({ value: id, label: name }))}
            value={organizationId ?? null}
            onChange={(value) => setOrganizationId(value ?? undefined)}
          />
        )}
        {create.error && !nameError && (
          <ErrorState title="Could not create the project" error={create.error} />
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending} disabled={name.trim() === ''}>
            Create project
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function NewKeys({ created, onDone }: { created: CreatedProject; onDone?: () => void }) {
  const navigate = useNavigate()
  const next = () => {
    onDone?.()
    navigate({ to: '/projects/$project/first-steps', params: { project: String(created.project.id) } })
  }
  return (
    <ShownOnce
      keys={[
        {
          label: 'Tracking key',
          value: created.trackingKey,
          note: 'Writes people and events. Fit for a browser or an app.',
        },
        {
          label: 'Secret key',
          value: created.secretKey,
          note: 'Everything in this project. For your servers only.',
        },
      ]}
      doneLabel="On to the first steps"
      onDone={next}
    />
  )
}
