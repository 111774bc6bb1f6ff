import type { SegmentUser } from '@fairway/api'
import { Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { ApiError } from '../../api/client.ts'
import { type Segment, useDeleteSegment } from '../../api/segments.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { notifySuccess } from '../../lib/notify.tsx'
import { UsedByList } from './used-by.tsx'

interface DeleteSegmentProps {
  project: string
  segment: Segment
}

/** Asks first; what still uses the segment is listed when the server therefore refuses. */
export function DeleteSegment({ project, segment }: DeleteSegmentProps) {
  const [opened, dialog] = useDisclosure(false)
  const remove = useDeleteSegment(project, segment.id)
  const navigate = useNavigate()
  const open = () => {
    remove.reset()
    dialog.open()
  }
  const confirm = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        notifySuccess('Segment deleted')
        navigate({ to: '/projects/$project/segments', params: { project }, ignoreBlocker: true })
      },
    })
  const users = usersIn(remove.error)
  return (
    <>
      <NeedsRight right="content.delete">
        <Button variant="subtle" color="red" onClick={open}>
          Delete
        </Button>
      </NeedsRight>
      <Dialog opened={opened} onClose={dialog.close} title={`Delete “${segment.name}”?`}>
        <Stack>
          {users ? (
            <>
              <Text size="sm" role="alert">
                It is in use and stays. Take it out of these first:
              </Text>
              <UsedByList project={project} items={users} />
            </>
          ) : (
            <Text size="sm">Its people stay; only the group goes. This cannot be undone.</Text>
          )}
          {remove.error && !users && <ErrorState title="Could not delete it" error={remove.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={dialog.close} data-autofocus>
              {users ? 'Close' : 'Cancel'}
            </Button>
            {!users && (
              <Button color="red" loading={remove.isPending} onClick={confirm}>
                Delete the segment
              </Button>
            )}
          </Group>
        </Stack>
      </Dialog>
    </>
  )
}

const usersIn = (error: Error | null): SegmentUser[] | undefined =>
  error instanceof ApiError && Array.isArray(error.problem.usedBy)
    ? (error.problem.usedBy as SegmentUser[])
    : undefined
