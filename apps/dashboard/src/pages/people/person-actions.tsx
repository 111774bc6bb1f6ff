import { ActionIcon, Button, Group, Menu, Modal, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBan, IconDots, IconMailOff, IconMailOpened, IconTrash } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { type PersonSwitch, useErasePerson, useSwitchPerson } from '../../api/people.ts'
import type { PersonDetail } from '../../api/types.ts'
import { notifyError, notifySuccess } from '../../lib/notify.ts'

interface PersonActionsProps {
  project: string
  id: string
  person: PersonDetail
}

const done: Record<PersonSwitch, string> = {
  subscribe: 'Subscribed to marketing mail',
  unsubscribe: 'Unsubscribed from marketing mail',
  suppress: 'Suppressed: nothing is sent any more',
  unsuppress: 'Suppression lifted',
}

export function PersonActions({ project, id, person }: PersonActionsProps) {
  const change = useSwitchPerson(project, id)
  const [erasing, dialog] = useDisclosure(false)
  const turn = (to: PersonSwitch) => () =>
    change.mutate(to, {
      onSuccess: () => notifySuccess(done[to]),
      onError: (error) => notifyError('Could not change the person', error),
    })
  return (
    <>
      <Menu position="bottom-end" width={230}>
        <Menu.Target>
          <ActionIcon variant="default" size="lg" aria-label="Actions" loading={change.isPending}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {person.subscribed ? (
            <Menu.Item leftSection={<IconMailOff size={16} aria-hidden />} onClick={turn('unsubscribe')}>
              Unsubscribe
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconMailOpened size={16} aria-hidden />} onClick={turn('subscribe')}>
              Subscribe again
            </Menu.Item>
          )}
          <Menu.Item
            leftSection={<IconBan size={16} aria-hidden />}
            onClick={turn(person.suppressed ? 'unsuppress' : 'suppress')}
          >
            {person.suppressed ? 'Lift the suppression' : 'Suppress: never send again'}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={dialog.open}>
            Erase…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <EraseDialog project={project} id={id} opened={erasing} onClose={dialog.close} />
    </>
  )
}

interface EraseDialogProps {
  project: string
  id: string
  opened: boolean
  onClose: () => void
}

function EraseDialog({ project, id, opened, onClose }: EraseDialogProps) {
  const erase = useErasePerson(project, id)
  const navigate = useNavigate()
  const confirm = () =>
    erase.mutate(undefined, {
      onSuccess: () => {
        notifySuccess('Person erased')
        navigate({ to: '/projects/$project/people', params: { project } })
      },
      onError: (error) => notifyError('Could not erase the person', error),
    })
  return (
    <Modal opened={opened} onClose={onClose} title="Erase this person?">
      <Text size="sm">
        Their data, events and history are deleted; messages stay as numbers without anything personal. This
        cannot be undone.
      </Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red" loading={erase.isPending} onClick={confirm}>
          Erase
        </Button>
      </Group>
    </Modal>
  )
}
