import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useSetPassword } from '../api/session.ts'
import { ErrorState } from '../components/error-state.tsx'
import { notifySuccess } from '../lib/notify.ts'

interface PasswordDialogProps {
  opened: boolean
  onClose: () => void
  hasPassword: boolean
}

export function PasswordDialog({ opened, onClose, hasPassword }: PasswordDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title={hasPassword ? 'Change your password' : 'Set a password'}>
      <PasswordForm hasPassword={hasPassword} onDone={onClose} />
    </Modal>
  )
}

function PasswordForm({ hasPassword, onDone }: { hasPassword: boolean; onDone: () => void }) {
  const [currentPassword, setCurrent] = useState('')
  const [newPassword, setNew] = useState('')
  const save = useSetPassword()
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    save.mutate(
      { newPassword, ...(hasPassword && { currentPassword }) },
      {
        onSuccess: () => {
          notifySuccess('Password saved', 'You can sign in with your email and this password from now on.')
          onDone()
        },
      },
    )
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {hasPassword
            ? 'Your other sessions end.'
            : 'With a password you can sign in without a link from the terminal.'}
        </Text>
        {hasPassword && (
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            value={currentPassword}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
        )}
        <PasswordInput
          label="New password"
          description="At least 12 characters."
          autoComplete="new-password"
          required
          minLength={12}
          value={newPassword}
          onChange={(event) => setNew(event.currentTarget.value)}
        />
        {save.error && <ErrorState title="Could not save the password" error={save.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
