import type { ListedProvider, ProjectSettings, Provider } from '@fairway/api'
import {
  Button,
  Checkbox,
  Grid,
  Group,
  NumberInput,
  PasswordInput,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { useState } from 'react'
import {
  type ProviderInput,
  readProvider,
  useProviders,
  useSaveProvider,
  useSettings,
} from '../../api/settings.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { type Field, useCarefulSave } from '../../lib/careful-save.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { notifySuccess } from '../../lib/notify.tsx'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'

interface Fields {
  name: string
  host: string
  port: string | number
  secure: boolean
  user: string
  password: string
  perSecond: string | number
  connections: string | number
}

const initial: Fields = {
  name: '',
  host: '',
  port: 587,
  secure: false,
  user: '',
  password: '',
  perSecond: '',
  connections: '',
}

/** The password is never shown: what is left empty stays as it is. */
const toFields = ({ name, config, limits }: Provider): Fields => ({
  name,
  host: config.host,
  port: config.port,
  secure: config.secure,
  user: config.user ?? '',
  password: '',
  perSecond: limits.perSecond || '',
  connections: limits.connections ?? '',
})

interface ProviderDialogProps {
  project: string
  /** Undefined: a new one. */
  provider?: Provider
  onClose: () => void
}

/** Adds an SMTP server, or changes one. */
export function ProviderDialog({ project, provider, onClose }: ProviderDialogProps) {
  const [fields, setFields] = useState(provider ? toFields(provider) : initial)
  const unsaved = useUnsaved(fields)
  const save = useCarefulSave({
    stored: provider,
    draft: fields,
    toDraft: toFields,
    fields: shownFields,
    save: useSaveProvider(project, provider?.id),
    readAgain: () => readProvider(project, provider!.id),
    onTake: (theirs) => {
      setFields(theirs)
      unsaved.markSaved(theirs)
    },
  })
  const form = useRefusal('Could not save the SMTP server', save.error)
  const used = useProviders(project).data?.find(({ active }) => active)
  const settings = useSettings(project).data
  const set = (change: Partial<Fields>) => setFields((current) => ({ ...current, ...change }))
  const text = (name: 'name' | 'host' | 'user' | 'password') => ({
    value: fields[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => set({ [name]: event.currentTarget.value }),
  })
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    void save.write(
      (written) => toInput(written, provider),
      () => {
        unsaved.markSaved()
        if (provider)
          notifySuccess(
            'SMTP server saved',
            provider.active ? 'Mail that waits is tried through it now.' : undefined,
          )
        else notifySuccess(...addedWords(used, settings))
        onClose()
      },
    )
  }
  const hostError = fieldError(save.error, 'config.host')
  const passwordError = fieldError(save.error, 'config.password')
  return (
    <Dialog
      opened
      onClose={() => unsaved.leave(onClose)}
      title={provider ? 'Change the SMTP server' : 'Add an SMTP server'}
      size="lg"
    >
      {unsaved.guard}
      {save.dialog}
      <form ref={form} onSubmit={submit}>
        <Stack>
          <TextInput label="Name" placeholder="Production SMTP" data-autofocus {...text('name')} />
          <Grid>
            <Grid.Col span={{ base: 12, xs: 8 }}>
              <TextInput
                label="Host"
                required
                placeholder="smtp.example.com"
                error={hostError}
                {...text('host')}
              />
            </Grid.Col>
            <Grid.Col span={{ base: 12, xs: 4 }}>
              <NumberInput
                label="Port"
                required
                min={1}
                max={65_535}
                allowDecimal={false}
                thousandSeparator={false}
                value={fields.port}
                onChange={(port) => set({ port })}
              />
            </Grid.Col>
          </Grid>
          <Checkbox
            label="TLS from the first byte (usually port 465)"
            description="Otherwise the connection is upgraded with STARTTLS when the server offers it."
            checked={fields.secure}
            onChange={(event) => set({ secure: event.currentTarget.checked })}
          />
          <Group grow align="flex-start">
            <TextInput label="User" autoComplete="off" {...text('user')} />
            <PasswordInput
              label="Password"
              autoComplete="new-password"
              description={
                provider?.config.hasPassword
                  ? 'Empty keeps the stored one, as long as host, port and user stay the same.'
                  : 'Stored encrypted.'
              }
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              error={passwordError}
              {...text('password')}
            />
          </Group>
          <Group grow align="flex-start">
            <NumberInput
              label="Mails a second"
              description="Empty: no limit"
              min={1}
              value={fields.perSecond}
              onChange={(perSecond) => set({ perSecond })}
            />
            <NumberInput
              label="Connections"
              description="Empty: the default"
              min={1}
              max={100}
              allowDecimal={false}
              value={fields.connections}
              onChange={(connections) => set({ connections })}
            />
          </Group>
          {save.error && !hostError && !passwordError && (
            <ErrorState title="Could not save the SMTP server" error={save.error} />
          )}
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {provider && !provider.active && 'It is not in use.'}
            </Text>
            <Button type="submit" loading={save.isPending}>
              {provider ? 'Save' : 'Add'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

/** Whether it is used from now on, and what to do next. */
function addedWords(
  used: ListedProvider | undefined,
  settings: ProjectSettings | undefined,
): [title: string, text: string] {
  if (used)
    return [
      'SMTP server added, not in use yet',
      `Mail still leaves through ${used.name || used.config.host}. Send a test, then choose “Use this one”.`,
    ]
  return settings?.mode === 'live'
    ? ['SMTP server added', 'Mail leaves through it from now on. Send a test to see that it arrives.']
    : ['SMTP server added', 'Send a test before you switch the project to live.']
}

const shownFields = (fields: Fields): Field[] => [
  ['Name', fields.name],
  ['Host', fields.host],
  ['Port', fields.port],
  ['TLS from the first byte', fields.secure, fields.secure ? 'Yes' : 'No'],
  ['User', fields.user],
  ['Mails a second', fields.perSecond],
  ['Connections', fields.connections],
]

/** What the form does not show of a server stays as it is. */
function toInput(fields: Fields, provider: Provider | undefined): ProviderInput {
  const { name, host, port, secure, user, password, perSecond, connections } = fields
  const { hasPassword: _, user: __, ...kept } = provider?.config ?? { hasPassword: false }
  return {
    name: name.trim(),
    config: {
      ...kept,
      host: host.trim(),
      port: Number(port),
      secure,
      ...(user && { user }),
      ...(password && { password }),
    },
    limits: {
      ...(perSecond !== '' && { perSecond: Number(perSecond) }),
      ...(connections !== '' && { connections: Number(connections) }),
    },
  }
}
