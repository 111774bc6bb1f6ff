import type { ApiKey, KeyKind } from '@fairway/api'
import { Badge, Button, Code, Group, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useMay } from '../../api/rights.ts'
import { useCreateKey, useKeys, useRevokeKey } from '../../api/settings.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { FormDialog, useDialogDraft } from '../../components/form-dialog.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { ShownOnce } from '../../components/shown-once.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import classes from './keys-panel.module.css'

export function KeysPanel({ project }: { project: string }) {
  const may = useMay()
  if (!may('keys.manage'))
    return (
      <EmptyState icon={IconKey} title="Keys are for administrators">
        Ask an owner or administrator of the organization for a key, or to replace one.
      </EmptyState>
    )
  return <Keys project={project} />
}

function Keys({ project }: { project: string }) {
  const keys = useKeys(project)
  const [creating, dialog] = useDisclosure(false)
  return (
    <Section
      title="API keys"
      description="A tracking key may only write people and events; a secret key may do nearly everything in this project."
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
          New key
        </Button>
      }
    >
      <QueryView query={keys} what="the keys">
        {(data) => <KeyTable project={project} keys={data.filter((key) => !key.revokedAt)} />}
      </QueryView>
      <FormDialog opened={creating} onClose={dialog.close} title="New key">
        <NewKey project={project} onDone={dialog.close} />
      </FormDialog>
    </Section>
  )
}

function KeyTable({ project, keys }: { project: string; keys: ApiKey[] }) {
  if (keys.length === 0)
    return (
      <EmptyState icon={IconKey} title="No keys">
        Your product needs a tracking key to send events.
      </EmptyState>
    )
  return (
    <ul className={classes.keys} aria-label="API keys">
      {keys.map((key) => (
        <li key={key.id} className={classes.key}>
          <div>
            <Group gap="xs" mb={4}>
              <Text size="sm" fw={550}>
                {key.name || 'Unnamed'}
              </Text>
              <Badge variant="light" color={key.kind === 'secret' ? 'buoy' : 'lagoon'} tt="none">
                {key.kind}
              </Badge>
            </Group>
            <Code>{key.prefix}…</Code>
          </div>
          <Group gap="md">
            <Text size="xs" c="dimmed">
              {key.lastUsedAt ? 'used ' : 'never used'}
              {key.lastUsedAt && <TimeAgo at={key.lastUsedAt} />}
            </Text>
            <Revoke project={project} apiKey={key} />
          </Group>
        </li>
      ))}
    </ul>
  )
}

function Revoke({ project, apiKey }: { project: string; apiKey: ApiKey }) {
  const revoke = useRevokeKey(project)
  return (
    <ConfirmButton
      size="xs"
      variant="subtle"
      color="red"
      title={`Revoke ${apiKey.name || apiKey.prefix}?`}
      message="Requests with this key are refused from now on. This cannot be undone."
      confirmLabel="Revoke the key"
      onConfirm={() =>
        revoke.mutateAsync(apiKey.id).then(
          () => notifySuccess('Key revoked'),
          (error) => {
            notifyError('Could not revoke the key', error)
            throw error
          },
        )
      }
    >
      Revoke
    </ConfirmButton>
  )
}

function NewKey({ project, onDone }: { project: string; onDone: () => void }) {
  const [kind, setKind] = useState<KeyKind>('tracking')
  const [name, setName] = useState('')
  const create = useCreateKey(project)
  const unsaved = useDialogDraft({ kind, name })
  if (create.data)
    return (
      <ShownOnce
        keys={[{ label: `New ${create.data.kind} key`, value: create.data.key }]}
        doneLabel="I have copied it"
        onDone={onDone}
      />
    )
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    create.mutate({ kind, name: name.trim() }, { onSuccess: () => unsaved.markSaved() })
  }
  return (
    <form onSubmit={submit}>
      {unsaved.guard}
      <Stack>
        <TextInput
          label="Name"
          description="Where it will be used, so that you recognise it."
          placeholder="Website"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <Radio.Group label="Kind" value={kind} onChange={(value) => setKind(value as KeyKind)}>
          <Stack gap="xs" mt="xs">
            <Radio
              value="tracking"
              label="Tracking"
              description="Writes people and events. Fit for a browser or an app."
            />
            <Radio
              value="secret"
              label="Secret"
              description="Everything in this project. For your servers only."
            />
          </Stack>
        </Radio.Group>
        {create.error && <ErrorState title="Could not create the key" error={create.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            Create key
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
