import { Button, Group, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useSaveSegment } from '../../api/segments.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { FormDialog, useDialogDraft } from '../../components/form-dialog.tsx'
import { fieldError } from '../../lib/field-error.ts'

/** A segment whose people are chosen one by one. */
export function NewManualSegment({ project }: { project: string }) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        New list by hand
      </Button>
      <FormDialog opened={opened} onClose={dialog.close} title="New list by hand">
        <NameForm project={project} />
      </FormDialog>
    </>
  )
}

function NameForm({ project }: { project: string }) {
  const [name, setName] = useState('')
  const save = useSaveSegment(project)
  const unsaved = useDialogDraft(name)
  const navigate = useNavigate()
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    save.mutate(
      { name: name.trim(), manual: true },
      {
        onSuccess: ({ id }) => {
          unsaved.markSaved()
          void navigate({
            to: '/projects/$project/segments/$segment',
            params: { project, segment: String(id) },
          })
        },
      },
    )
  }
  const wrongName = fieldError(save.error, 'name')
  return (
    <form onSubmit={submit}>
      {unsaved.guard}
      <Text size="sm" mb="md">
        Nobody enters or leaves it by themselves: you, an import or the API say who is in it.
      </Text>
      <TextInput
        label="Name"
        required
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={wrongName}
      />
      {save.error && !wrongName && <ErrorState title="Could not create it" error={save.error} />}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={unsaved.close}>
          Cancel
        </Button>
        <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>
          Create
        </Button>
      </Group>
    </form>
  )
}
