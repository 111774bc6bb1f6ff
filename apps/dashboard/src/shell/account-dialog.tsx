import type { Session } from '@fairway/api'
import { Button, Divider, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useChangeAccount, useSetPassword } from '../api/session.ts'
import { ErrorState } from '../components/error-state.tsx'
import { FormDialog, useDialogDraft } from '../components/form-dialog.tsx'
import { fieldError } from '../lib/field-error.ts'
import { notifySuccess } from '../lib/notify.tsx'

type User = Session['user']

export function AccountDialog({
  opened,
  onClose,
  user,
}: {
  opened: boolean
  onClose: () => void
  user: User
}) {
  return (
    <FormDialog opened={opened} onClose={onClose} title="Your account">
      <ProfileForm user={user} />
      <Divider my="lg" />
      <PasswordForm hasPassword={user.hasPassword} />
    </FormDialog>
  )
}

/** The first owner starts with a made-up address; it can be replaced once. */
const isMadeUp = (email: string) => email.endsWith('.invalid')

function ProfileForm({ user }: { user: User }) {
  const madeUp = isMadeUp(user.email)
  const [name, setName] = useState(user.name)
  const [email, setEmail] = useState(madeUp ? '' : user.email)
  const save = useChangeAccount()
  const unsaved = useDialogDraft({ name, email })
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    save.mutate(
      { name, ...(madeUp && email && { email }) },
      {
        onSuccess: () => {
          unsaved.markSaved()
          notifySuccess('Account saved')
        },
      },
    )
  }
  const emailError = fieldError(save.error, 'email')
  return (
    <form onSubmit={submit}>
      {unsaved.guard}
      <Stack gap="sm">
        <TextInput
          label="Name"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="Email"
          type="email"
          description={madeUp ? 'You need one to sign in with a password. It can be set once.' : undefined}
          placeholder="you@example.com"
          disabled={!madeUp}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={emailError}
        />
        {save.error && !emailError && <ErrorState title="Could not save your account" error={save.error} />}
        <Group justify="flex-end">
          <Button type="submit" variant="default" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function PasswordForm({ hasPassword }: { hasPassword: boolean }) {
  const [currentPassword, setCurrent] = useState('')
  const [newPassword, setNew] = useState('')
  const save = useSetPassword()
  const unsaved = useDialogDraft({ currentPassword, newPassword })
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    save.mutate(
      { newPassword, ...(hasPassword && { currentPassword }) },
      {
        onSuccess: () => {
          setCurrent('')
          setNew('')
          unsaved.markSaved({ currentPassword: '', newPassword: '' })
          notifySuccess('Password saved', 'From now on you can sign in with your email and this password.')
        },
      },
    )
  }
  return (
    <form onSubmit={submit}>
      {unsaved.guard}
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {hasPassword
            ? 'Changing your password ends your other sessions.'
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
          <Button type="submit" variant="default" loading={save.isPending}>
            {hasPassword ? 'Change password' : 'Set password'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
