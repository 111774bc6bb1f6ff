import { Avatar, Box, Group, Menu, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBook, IconKeyboard, IconLogout, IconUserCircle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { sessionQuery, useSignOut } from '../api/session.ts'
import { notifyError } from '../lib/notify.tsx'
import { anyUnsaved } from '../lib/unsaved-forms.ts'
import { AccountDialog } from './account-dialog.tsx'

export function AccountMenu({ onShowShortcuts }: { onShowShortcuts: () => void }) {
  const user = useQuery(sessionQuery).data?.user
  const signOut = useSignOut()
  const navigate = useNavigate()
  const leave = () =>
    signOut.mutate(undefined, {
      // Otherwise the layout leads there; who says so themselves is asked about what was not saved.
      onSuccess: () => anyUnsaved() && navigate({ to: '/sign-in' }),
      onError: (error) => notifyError('Could not sign out', error),
    })
  const [changing, dialog] = useDisclosure(false)
  return (
    <>
      <Menu position="top-start" width={220}>
        <Menu.Target>
          <UnstyledButton p={4} style={{ minWidth: 0, borderRadius: 8 }}>
            <Group gap="xs" wrap="nowrap">
              <Avatar size={30} radius="xl" color="lagoon" name={user?.name || user?.email} alt="" />
              <Box miw={0}>
                <VisuallyHidden>Account of</VisuallyHidden>
                <Text size="sm" fw={550} truncate>
                  {user?.name || user?.email}
                </Text>
              </Box>
            </Group>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{user?.email}</Menu.Label>
          <Menu.Item
            leftSection={<IconBook size={16} aria-hidden />}
            component="a"
            href="/docs"
            target="_blank"
          >
            API reference
          </Menu.Item>
          <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={onShowShortcuts}>
            Keyboard shortcuts
          </Menu.Item>
          <Menu.Item leftSection={<IconUserCircle size={16} aria-hidden />} onClick={dialog.open}>
            Your account
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={leave}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {user && <AccountDialog opened={changing} onClose={dialog.close} user={user} />}
    </>
  )
}
