import { Button, Checkbox, Grid, Group, NumberInput, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { type ProviderInput, useCreateProvider } from '../../api/settings.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { notifySuccess } from '../../lib/notify.ts'

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

export function ProviderForm({ project, onDone }: { project: string; onDone: () => void }) {
  const [fields, setFields] = useState(initial)
  const create = useCreateProvider(project)
  const set = (change: Partial<Fields>) => setFields((current) => ({ ...current, ...change }))
  const text = (name: 'name' | 'host' | 'user' | 'password') => ({
    value: fields[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => set({ [name]: event.currentTarget.value }),
  })
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    create.mutate(toInput(fields), {
      onSuccess: () => {
        notifySuccess('SMTP server added', 'Send a test before you switch the project to live.')
        onDone()
      },
    })
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput label="Name" placeholder="Production SMTP" data-autofocus {...text('name')} />
        <Grid>
          <Grid.Col span={{ base: 12, xs: 8 }}>
            <TextInput label="Host" required placeholder="smtp.example.com" {...text('host')} />
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
            description="Stored encrypted."
            inputWrapperOrder={['label', 'input', 'description']}
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
        {create.error && <ErrorState title="Could not add the SMTP server" error={create.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            Add
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function toInput({
  name,
  host,
  port,
  secure,
  user,
  password,
  perSecond,
  connections,
}: Fields): ProviderInput {
  return {
    kind: 'smtp',
    name: name.trim(),
    config: {
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
