import type { Task, TaskState } from '@fairway/api'
import { Alert, Badge, Button, Group, Progress, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { isUnderWay, type TaskSwitch, useSwitchTask } from '../api/tasks.ts'
import type { ProjectRight } from '../api/types.ts'
import { formatDuration, formatNumber, formatRate } from '../lib/format.ts'
import { notifyError } from '../lib/notify.tsx'
import { ConfirmButton } from './confirm-button.tsx'
import { NeedsRight } from './needs-right.tsx'

const states: Record<TaskState, { label: string; color: string }> = {
  waiting: { label: 'Waiting', color: 'gray' },
  running: { label: 'Running', color: 'blue' },
  paused: { label: 'Paused', color: 'yellow' },
  done: { label: 'Done', color: 'lagoon' },
  failed: { label: 'Failed', color: 'red' },
  cancelled: { label: 'Cancelled', color: 'gray' },
}

export const TaskStateBadge = ({ state }: { state: TaskState }) => (
  <Badge color={states[state].color} variant="dot" tt="none" fw={550} miw="max-content">
    {states[state].label}
  </Badge>
)

interface TaskProgressProps {
  project: string
  task: Task
  /** What is counted: "rows", "people". */
  unit: string
  /** What stays after it is cancelled; without it, the task has no such button. */
  cancelWords?: string
  /** To pause, resume or stop it, where that needs more than to see it. */
  right?: ProjectRight
}

/** Long work: how far it is, how fast, how long it may take, and how to hold or stop it. */
export function TaskProgress({ project, task, unit, cancelWords, right }: TaskProgressProps) {
  const share = task.total ? Math.min(100, (task.done / task.total) * 100) : 0
  const known = task.total !== null && task.total > 0
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <TaskStateBadge state={task.state} />
        {(isUnderWay(task) || task.state === 'paused') && (
          <TaskSwitches project={project} task={task} cancelWords={cancelWords} right={right} />
        )}
      </Group>
      <Progress
        value={task.state === 'done' ? 100 : known ? share : isUnderWay(task) ? 100 : 0}
        animated={isUnderWay(task)}
        striped={!known && isUnderWay(task)}
        color={task.state === 'failed' ? 'red' : task.state === 'paused' ? 'yellow' : undefined}
        size="lg"
        aria-label={task.title}
      />
      <Text size="sm" c="dimmed" role="status" aria-live="polite">
        {progressWords(task, unit)}
      </Text>
      {task.message && (
        <Alert
          color={task.state === 'failed' ? 'red' : 'yellow'}
          icon={<IconAlertTriangle aria-hidden />}
          title={task.state === 'failed' ? 'It stopped' : undefined}
        >
          {task.message}
        </Alert>
      )}
    </Stack>
  )
}

/** "120,000 of 1,000,000 rows · 26,000 a second · about 34 s left · 3 refused" */
export function progressWords(task: Task, unit: string): string {
  const { done, total, failed, perSecond, etaSeconds } = task
  // How many rows a file has is estimated from its bytes until its end is read.
  const about = task.kind === 'import' && isUnderWay(task) ? 'about ' : ''
  const far = total === null ? formatNumber(done) : `${formatNumber(done)} of ${about}${formatNumber(total)}`
  return [
    `${far} ${unit}`,
    ...(isUnderWay(task) && perSecond ? [`${formatRate(perSecond)} a second`] : []),
    ...(isUnderWay(task) && etaSeconds !== null ? [`about ${formatDuration(etaSeconds * 1000)} left`] : []),
    ...(failed > 0 ? [`${formatNumber(failed)} refused`] : []),
  ].join(' · ')
}

export function TaskSwitches({
  project,
  task,
  cancelWords,
  right,
}: Pick<TaskProgressProps, 'project' | 'task' | 'cancelWords' | 'right'>) {
  const change = useSwitchTask(project)
  const turn = (to: TaskSwitch) =>
    change.mutateAsync({ id: task.id, to }).catch((error) => {
      notifyError(`Could not ${to} it`, error)
      throw error
    })
  const paused = task.state === 'paused'
  return (
    <Group gap="xs">
      <NeedsRight right={right}>
        <Button
          size="xs"
          variant="default"
          loading={change.isPending}
          onClick={() => void turn(paused ? 'resume' : 'pause').catch(() => {})}
        >
          {paused ? 'Resume' : 'Pause'}
        </Button>
      </NeedsRight>
      {cancelWords && (
        <ConfirmButton
          needs={right}
          size="xs"
          variant="subtle"
          color="red"
          title="Stop it for good?"
          message={cancelWords}
          confirmLabel="Stop it"
          onConfirm={() => turn('cancel')}
        >
          Stop
        </ConfirmButton>
      )}
    </Group>
  )
}
