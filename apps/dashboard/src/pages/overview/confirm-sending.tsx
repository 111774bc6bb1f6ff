import type { PendingChoice } from '@fairway/api'
import { Group } from '@mantine/core'
import { useConfirmSending } from '../../api/sending.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'

/** After a restore: what was pending in the backup leaves, or waits for somebody to say what became of it. */
export function ConfirmSending({ project }: { project: string }) {
  const confirm = useConfirmSending(project)
  const choose = (pending: PendingChoice) => () =>
    confirm.mutateAsync(pending).then(
      () => notifySuccess('Sending goes on'),
      (error) => {
        notifyError('Sending is still held', error)
        throw error
      },
    )
  return (
    <Group gap="xs">
      <ConfirmButton
        needs="sending.confirm"
        size="compact-sm"
        variant="light"
        title="Let sending go on without what was pending?"
        message="Messages that were pending before the restore become unknown: they may have left since. Find them under Messages, and settle each as sent or send it again. What came later leaves now."
        confirmLabel="Set them aside and go on"
        confirmColor="lagoon"
        onConfirm={choose('unknown')}
      >
        Set pending aside
      </ConfirmButton>
      <ConfirmButton
        needs="sending.confirm"
        size="compact-sm"
        variant="default"
        title="Send everything that is pending?"
        message="Right if nothing was sent between the backup and now. Otherwise people get some messages a second time."
        confirmLabel="Send them"
        onConfirm={choose('send')}
      >
        Send all
      </ConfirmButton>
    </Group>
  )
}
