import type { FailedMessages } from '@fairway/api'
import { Alert, Button, Group, Select, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconMailX } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { type FailedFilter, useFailedMessages, useRetryFailed } from '../../api/messages.ts'
import { isUnderWay, useTask } from '../../api/tasks.ts'
import { Dialog } from '../../components/dialog.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { TaskProgress } from '../../components/task-progress.tsx'
import { formatNumber, plural } from '../../lib/format.ts'
import { notifyError } from '../../lib/notify.tsx'
import { originWord } from '../../lib/origin-words.ts'
import { explainReason } from './reasons.ts'

/** Above the failed messages: all of them, of one origin or for a reason, can be tried again at once. */
export function RetryFailed({ project, only }: { project: string; only: FailedFilter }) {
  const [opened, dialog] = useDisclosure(false)
  const [task, setTask] = useState<number>()
  return (
    <Stack gap="sm" mb="md">
      <Group>
        <NeedsRight right="messages.send">
          <Button size="xs" variant="default" onClick={dialog.open}>
            Try many again…
          </Button>
        </NeedsRight>
      </Group>
      {task !== undefined && <Progress project={project} task={task} />}
      <Dialog opened={opened} onClose={dialog.close} title="Try failed messages again?">
        <Question
          project={project}
          only={only}
          onStarted={(started) => {
            setTask(started)
            dialog.close()
          }}
          onCancel={dialog.close}
        />
      </Dialog>
    </Stack>
  )
}

function Question({
  project,
  only,
  onStarted,
  onCancel,
}: {
  project: string
  only: FailedFilter
  onStarted: (task: number) => void
  onCancel: () => void
}) {
  const [reason, setReason] = useState('')
  const all = useFailedMessages(project, only, true)
  const retry = useRetryFailed(project)
  return (
    <QueryView query={all} what="the failed messages">
      {(failed) => {
        const meant = reason ? failed.reasons.find((one) => one.reason === reason)?.count : failed.count
        const number = `${formatNumber(meant ?? 0)}${failed.more ? '+' : ''}`
        return (
          <Stack>
            <Select
              label="Which"
              data={[{ value: '', label: everyReason(failed, only) }, ...reasonOptions(failed)]}
              value={reason}
              onChange={(next) => setReason(next ?? '')}
              allowDeselect={false}
            />
            <Text size="sm">
              {number} {meant === 1 ? 'message is' : 'messages are'} put back into the queue. Who unsubscribed
              or was suppressed since gets none, and nobody gets one twice.
            </Text>
            <Group justify="flex-end">
              <Button variant="default" onClick={onCancel} data-autofocus>
                Cancel
              </Button>
              <Button
                disabled={!meant}
                loading={retry.isPending}
                onClick={() =>
                  retry.mutate(
                    { ...only, ...(reason && { reason }) },
                    {
                      onSuccess: ({ id }) => onStarted(Number(id)),
                      onError: (error) => notifyError('Could not try them again', error),
                    },
                  )
                }
              >
                {`Try ${number} again`}
              </Button>
            </Group>
          </Stack>
        )
      }}
    </QueryView>
  )
}

function everyReason({ count }: FailedMessages, { campaign, origin }: FailedFilter): string {
  const which = campaign === undefined ? origin && `, ${originWord(origin)}` : ' of this campaign'
  return `All that failed${which ?? ''} (${formatNumber(count)})`
}

const reasonOptions = ({ reasons }: FailedMessages) =>
  reasons
    .filter(({ reason }) => reason !== '')
    .map(({ reason, count }) => ({
      value: reason,
      label: `${plural(count, 'message', 'messages')}: ${explainReason(reason)}`,
    }))

function Progress({ project, task: id }: { project: string; task: number }) {
  const task = useTask(project, id)
  const client = useQueryClient()
  const over = task.data !== undefined && !isUnderWay(task.data)
  // What was put back is no longer among those that failed.
  useEffect(() => {
    if (over) void client.invalidateQueries({ queryKey: [project, 'messages'] })
  }, [over, client, project])
  if (!task.data) return null
  const { suppressed = 0 } = task.data.detail as { suppressed?: number }
  return (
    <Alert color="lagoon" icon={<IconMailX aria-hidden />} title="Failed messages are tried again">
      <TaskProgress project={project} task={task.data} unit="messages" right="messages.send" />
      {suppressed > 0 && (
        <Text size="sm" mt="xs">
          {plural(suppressed, 'message')} stay as they are: nobody is left who may be sent to.
        </Text>
      )}
    </Alert>
  )
}
