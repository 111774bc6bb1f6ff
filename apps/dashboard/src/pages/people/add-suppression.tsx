import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useAddSuppression } from '../../api/suppressions.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { FormDialog, useDialogDraft } from '../../components/form-dialog.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { notifySuccess } from '../../lib/notify.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'

export function AddSuppressionButton({ project }: { project: string }) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <NeedsRight right="people.edit">
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
          Add address
        </Button>
      </NeedsRight>
      <FormDialog opened={opened} onClose={dialog.close} title="Never send to an address">
        <AddSuppression project={project} onDone={dialog.close} />
      </FormDialog>
    </>
  )
}

function AddSuppression({ project, onDone }: { project: string; onDone: () => void }) {
  const [address, setAddress] = useState('')
  const [reason, setReason] = useState('')
  const add = useAddSuppression(project)
  const unsaved = useDialogDraft({ address, reason })
  const form = useRefusal('Could not add the address', add.error)
  const told = ['address', 'reason'].some((field) => fieldError(add.error, field))
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    add.mutate(
      { address: address.trim(), ...(reason.trim() && { reason: reason.trim() }) },
      {
        onSuccess: (suppression) => {
          unsaved.markSaved()
          notifySuccess('Nothing is sent there any more', suppression.address)
          onDone()
        },
      },
    )
  }
  return (
    <form ref={form} onSubmit={submit} noValidate>
      {unsaved.guard}
      <Stack>
        <TextInput
          label="Email address"
          description="It need not belong to anybody yet."
          required
          value={address}
          error={fieldError(add.error, 'address')}
          onChange={(event) => setAddress(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label="Reason"
          description="For whoever asks later. One that is suppressed already keeps its own."
          placeholder="Asked by phone"
          maxLength={200}
          value={reason}
          error={fieldError(add.error, 'reason')}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {add.error && !told && <ErrorState title="Could not add the address" error={add.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={unsaved.close}>
            Cancel
          </Button>
          <Button type="submit" loading={add.isPending} disabled={address.trim() === ''}>
            Add address
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
