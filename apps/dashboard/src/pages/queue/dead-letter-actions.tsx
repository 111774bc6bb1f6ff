import { Button, type ButtonProps, Group, NumberInput, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useDiscard, useRedrive, type WhichDeadLetters } from '../../api/queue.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { plural } from '../../lib/format.ts'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'

interface ActionProps extends ButtonProps {
  project: string
  which: WhichDeadLetters
  /** "this dead letter", "3 dead letters", "every dead letter that matches" */
  what: string
  children: string
  onDone?: () => void
}

/** Runs them again, all at once or at a rate. */
export function RedriveButton({ project, which, what, children, onDone, ...button }: ActionProps) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <NeedsRight right="queue.manage">
        <Button {...button} onClick={dialog.open}>
          {children}
        </Button>
      </NeedsRight>
      <Dialog opened={opened} onClose={dialog.close} title={`Run ${what} again?`}>
        <RedriveForm project={project} which={which} onCancel={dialog.close} onDone={onDone} />
      </Dialog>
    </>
  )
}

interface RedriveFormProps {
  project: string
  which: WhichDeadLetters
  onCancel: () => void
  onDone?: () => void
}

function RedriveForm({ project, which, onCancel, onDone }: RedriveFormProps) {
  const [perSecond, setPerSecond] = useState<number | string>('')
  const redrive = useRedrive(project)
  const several = !('refs' in which) || which.refs.length > 1
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    redrive.mutate(
      { which, perSecond: Number(perSecond) || undefined },
      {
        onSuccess: (count) => {
          onCancel()
          notifySuccess(count === 1 ? 'The job runs again' : `${plural(count, 'job')} run again`)
          onDone?.()
        },
        onError: (error) => notifyError('Could not run them again', error),
      },
    )
  }
  return (
    <form onSubmit={submit}>
      <Text size="sm">
        {several ? 'They start' : 'It starts'} over with all attempts. Repair the cause first, or{' '}
        {several ? 'they come' : 'it comes'} back here.
      </Text>
      {several && (
        <NumberInput
          mt="md"
          label="Jobs a second"
          description="Spreads them, so that a repaired provider is not flooded. Empty: all at once."
          value={perSecond}
          onChange={setPerSecond}
          min={0.01}
          max={1_000_000}
          error={fieldError(redrive.error, 'perSecond')}
          data-autofocus
        />
      )}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" loading={redrive.isPending} data-autofocus={several ? undefined : true}>
          Run again
        </Button>
      </Group>
    </form>
  )
}

/** Removes them for good. */
export function DiscardButton({ project, which, what, children, onDone, ...button }: ActionProps) {
  const discard = useDiscard(project)
  const confirm = () =>
    discard.mutateAsync(which).then(
      (count) => {
        notifySuccess(`${plural(count, 'dead letter')} discarded`)
        onDone?.()
      },
      (error) => {
        notifyError('Could not discard', error)
        throw error
      },
    )
  return (
    <ConfirmButton
      needs="queue.manage"
      {...button}
      title={`Discard ${what}?`}
      message="The work is never done, and cannot be brought back."
      confirmLabel="Discard"
      onConfirm={confirm}
    >
      {children}
    </ConfirmButton>
  )
}
