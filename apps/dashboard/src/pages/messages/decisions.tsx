import { Alert, Button, Group, Text } from '@mantine/core'
import { IconHelpCircle, IconMailX } from '@tabler/icons-react'
import { type Resolution, useResolveMessage, useRetryMessage } from '../../api/messages.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'

interface DecisionProps {
  project: string
  id: string
}

const done: Record<Resolution, string> = {
  sent: 'The message is recorded as sent.',
  failed: 'The message is recorded as failed.',
  resend: 'The message is in the queue again.',
}

/** The server stopped between handing the mail over and hearing the answer; only a person can know. */
export function InDoubt({ project, id }: DecisionProps) {
  const resolve = useResolveMessage(project, id)
  const settle = (resolution: Resolution) =>
    resolve.mutateAsync(resolution).then(
      () => notifySuccess('Recorded', done[resolution]),
      (error) => {
        notifyError('Could not record it', error)
        throw error
      },
    )
  const record = (resolution: Resolution) => () => settle(resolution).catch(() => undefined)
  return (
    <Alert color="buoy" icon={<IconHelpCircle aria-hidden />} title="Nobody knows whether this left">
      <Text size="sm">
        The server stopped while it handed this message to the provider. It is not sent again by itself, so
        that nobody gets it twice. Look into your provider’s log, then record what you found.
      </Text>
      <Group mt="md" gap="xs">
        <Button size="xs" loading={resolve.isPending} onClick={record('sent')}>
          It left: record as sent
        </Button>
        <Button size="xs" variant="default" loading={resolve.isPending} onClick={record('failed')}>
          It did not: record as failed
        </Button>
        <ConfirmButton
          size="xs"
          variant="subtle"
          color="red"
          title="Send it again?"
          message="If it did leave the first time, the person gets it twice."
          confirmLabel="Send it again"
          onConfirm={() => settle('resend')}
        >
          Send it again
        </ConfirmButton>
      </Group>
    </Alert>
  )
}

export function Failed({ project, id }: DecisionProps) {
  const retry = useRetryMessage(project, id)
  const again = () =>
    retry.mutate(undefined, {
      onSuccess: () => notifySuccess('In the queue again'),
      onError: (error) => notifyError('Could not try again', error),
    })
  return (
    <Alert color="red" icon={<IconMailX aria-hidden />} title="This was not sent">
      <Text size="sm">When the cause below is gone, it can be tried again.</Text>
      <Button mt="md" size="xs" variant="default" loading={retry.isPending} onClick={again}>
        Try again
      </Button>
    </Alert>
  )
}
