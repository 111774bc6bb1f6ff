import { Button, Group, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useSaveSegment } from '../../api/segments.ts'
import { FormDialog, useDialogDraft } from '../../components/form-dialog.tsx'
import type { Condition } from '../../conditions/language.ts'

interface SaveAsSegmentProps {
  project: string
  conditions: Condition
}

/** Keeps a view of people: as a segment it has a name, a number, and is up to date. */
export function SaveAsSegment({ project, conditions }: SaveAsSegmentProps) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        Save as segment
      </Button>
      <FormDialog opened={opened} onClose={dialog.close} title="Save as segment">
        <SaveForm project={project} conditions={conditions} />
      </FormDialog>
    </>
  )
}

function SaveForm({ project, conditions }: SaveAsSegmentProps) {
  const [name, setName] = useState('')
  const save = useSaveSegment(project)
  const unsaved = useDialogDraft(name)
  const navigate = useNavigate()
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    save.mutate(
      { name: name.trim(), conditions },
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
  return (
    <form onSubmit={submit}>
      {unsaved.guard}
      <TextInput
        label="Name"
        description="Who matches later enters it by themselves."
        required
        data-autofocus
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={save.error?.message}
      />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={unsaved.close}>
          Cancel
        </Button>
        <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>
          Save
        </Button>
      </Group>
    </form>
  )
}
