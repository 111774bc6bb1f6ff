import type { PersonDetail } from '@fairway/api'
import { ActionIcon, Button, Group, Menu, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconBan,
  IconDots,
  IconFileDownload,
  IconMailOff,
  IconMailOpened,
  IconTrash,
} from '@tabler/icons-react'
import { type PersonSwitch, personExportPath, useSwitchPerson } from '../../api/people.ts'
import { useMay } from '../../api/rights.ts'
import { Dialog } from '../../components/dialog.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { EraseDialog } from './erase-dialog.tsx'

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
  const may = useMay()
  const [erasing, dialog] = useDisclosure(false)
  const [asked, suppressing] = useDisclosure(false)
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
            onClick={person.suppressed ? turn('unsuppress') : suppressing.open}
          >
            {person.suppressed ? 'Lift the suppression' : 'Suppress: never send again…'}
          </Menu.Item>
          <Menu.Divider />
          {!may('people.erase') && <Menu.Label>Only for administrators</Menu.Label>}
          <Menu.Item
            component="a"
            href={personExportPath(project, id)}
            download
            disabled={!may('people.export')}
            leftSection={<IconFileDownload size={16} aria-hidden />}
          >
            Export everything we hold
          </Menu.Item>
          <Menu.Item
            color="red"
            disabled={!may('people.erase')}
            leftSection={<IconTrash size={16} aria-hidden />}
            onClick={dialog.open}
          >
            Erase…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Dialog opened={asked} onClose={suppressing.close} title="Never send to this person again?">
        <Text size="sm">
          Nothing is sent to them any more, receipts and password resets included, nor to their address,
          whoever has it. It can be lifted here. To stop marketing mail alone, unsubscribe them.
        </Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={suppressing.close} data-autofocus>
            Cancel
          </Button>
          <Button
            color="red"
            loading={change.isPending}
            onClick={() => {
              turn('suppress')()
              suppressing.close()
            }}
          >
            Suppress
          </Button>
        </Group>
      </Dialog>
      <EraseDialog project={project} id={id} opened={erasing} onClose={dialog.close} />
    </>
  )
}
