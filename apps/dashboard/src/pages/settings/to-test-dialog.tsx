import type { ProjectSettings } from '@fairway/api'
import { Button, Group, Text } from '@mantine/core'
import { useProjectQueue } from '../../api/queue.ts'
import { Dialog } from '../../components/dialog.tsx'
import { mailsWait } from '../../components/waiting-mail.tsx'

interface ToTestDialogProps {
  project: string
  settings: ProjectSettings
  onCancel: () => void
  onConfirm: () => void
}

/** Asks before a live project stops sending: what was made for real people waits, and is not lost. */
export function ToTestDialog({ project, settings, onCancel, onConfirm }: ToTestDialogProps) {
  const queue = useProjectQueue(project).data
  const held = queue && {
    count: queue.retrying.count + queue.waiting.server.count,
    more: queue.retrying.more || queue.waiting.server.more,
  }
  return (
    <Dialog onClose={onCancel} title={`Put ${settings.name} into test mode?`}>
      <Text size="sm">
        Mail that is made from now on goes to the test address or, without one, to the mailbox, and never to
        anybody else. Mail that was made before and has not left yet waits until the project is live again,
        also what is due later.
      </Text>
      {held && held.count > 0 && (
        <Text size="sm" mt="sm" fw={550}>
          {mailsWait(held)} already: {held.count === 1 ? 'it' : 'they'} could not be sent yet.
        </Text>
      )}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onCancel} data-autofocus>
          Cancel
        </Button>
        <Button onClick={onConfirm}>Put it into test mode</Button>
      </Group>
    </Dialog>
  )
}
