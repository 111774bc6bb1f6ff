import { Button, Group, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useErasePerson } from '../../api/people.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { Receipt } from './receipt.tsx'

interface EraseDialogProps {
  project: string
  id: string
  opened: boolean
  onClose: () => void
}

/** Asks first; afterwards shows the receipt of what was removed. */
export function EraseDialog({ project, id, opened, onClose }: EraseDialogProps) {
  const erase = useErasePerson(project, id)
  const navigate = useNavigate()
  const leave = () => navigate({ to: '/projects/$project/people', params: { project } })
  const close = () => (erase.isSuccess ? void leave() : onClose())
  return (
    <Dialog opened={opened} onClose={close} title={erase.isSuccess ? 'Erased' : 'Erase this person?'}>
      {erase.isSuccess ? (
        <Stack>
          <Text size="sm">
            Their data are gone. This receipt stays, so that you can prove it; it is listed under erased
            people.
          </Text>
          <Receipt erasure={erase.data} />
          <Group justify="flex-end">
            <Button onClick={leave} data-autofocus>
              Back to people
            </Button>
          </Group>
        </Stack>
      ) : (
        <Stack>
          <Text size="sm">
            Their data, events and history are deleted; messages stay as numbers without anything personal.
            This cannot be undone.
          </Text>
          {erase.error && <ErrorState title="Could not erase the person" error={erase.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} data-autofocus>
              Cancel
            </Button>
            <Button color="red" loading={erase.isPending} onClick={() => erase.mutate()}>
              Erase
            </Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  )
}
