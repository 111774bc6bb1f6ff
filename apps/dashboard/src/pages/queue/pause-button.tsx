import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { usePauseQueue } from '../../api/queue.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'

export function PauseButton({ project, paused }: { project: string; paused: boolean }) {
  const change = usePauseQueue(project)
  const turn = (to: boolean) => () =>
    change.mutateAsync(to).then(
      () => notifySuccess(to ? 'The project is paused' : 'The project’s work goes on'),
      (error) => {
        notifyError(to ? 'Could not pause the project' : 'Could not resume the project', error)
        throw error
      },
    )
  if (paused)
    return (
      <ConfirmButton
        needs="queue.manage"
        leftSection={<IconPlayerPlay size={16} aria-hidden />}
        title="Resume this project?"
        message="What has been kept runs now, in its order: mail that was due meanwhile leaves at once."
        confirmLabel="Resume"
        confirmColor="lagoon"
        onConfirm={turn(false)}
      >
        Resume
      </ConfirmButton>
    )
  return (
    <ConfirmButton
      needs="queue.manage"
      variant="default"
      leftSection={<IconPlayerPause size={16} aria-hidden />}
      title="Pause this project?"
      message="What runs ends, and nothing new starts: no event is processed and no mail leaves, transactional mail included. What arrives is accepted and kept until you resume."
      confirmLabel="Pause"
      onConfirm={turn(true)}
    >
      Pause
    </ConfirmButton>
  )
}
