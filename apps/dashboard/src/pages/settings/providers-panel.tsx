import type { ListedProvider } from '@fairway/api'
import { Badge, Button, Card, Group, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus, IconServer2 } from '@tabler/icons-react'
import { useState } from 'react'
import { useProjectQueue } from '../../api/queue.ts'
import { useChangeProvider, useDeleteProvider, useProviders, useTestProvider } from '../../api/settings.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { ReadOnlyNote } from '../../components/read-only-note.tsx'
import { RetryingMail } from '../../components/retrying-mail.tsx'
import { Section } from '../../components/section.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { WaitingMail } from '../../components/waiting-mail.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { ProviderDialog } from './provider-form.tsx'
import { afterwards, useRemovalWords, useSwitchWords } from './server-words.ts'

export function ProvidersPanel({ project }: { project: string }) {
  const providers = useProviders(project)
  const queue = useProjectQueue(project)
  const [adding, dialog] = useDisclosure(false)
  return (
    <Section
      title="Sending"
      description="The SMTP server that takes this project’s mail. Without one, mail of a live project waits, and that of test mode lands in the mailbox."
      actions={
        <NeedsRight right="sending.manage">
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
            Add SMTP server
          </Button>
        </NeedsRight>
      }
    >
      <WaitingMail project={project} waiting={queue.data?.waiting} />
      <ReadOnlyNote right="sending.manage" what="the SMTP servers" />
      <QueryView query={providers} what="the providers">
        {(data) =>
          data.length === 0 ? (
            <>
              {/* Through the installation's server. */}
              <RetryingMail project={project} retrying={queue.data?.retrying} />
              <NoProvider />
            </>
          ) : (
            <Stack>
              {data.map((provider) => (
                <ProviderCard key={provider.id} project={project} provider={provider} all={data} />
              ))}
            </Stack>
          )
        }
      </QueryView>
      {adding && <ProviderDialog project={project} onClose={dialog.close} />}
    </Section>
  )
}

const NoProvider = () => (
  <EmptyState icon={IconServer2} title="No SMTP server yet">
    Any provider’s SMTP access works. Until then nothing leaves this installation.
  </EmptyState>
)

interface ProviderCardProps {
  project: string
  provider: ListedProvider
  all: ListedProvider[]
}

function ProviderCard({ project, provider, all }: ProviderCardProps) {
  const [testing, dialog] = useDisclosure(false)
  const [editing, editor] = useDisclosure(false)
  const remove = useDeleteProvider(project)
  const removal = useRemovalWords(project, provider, all)
  const onRemove = () =>
    remove.mutateAsync(provider.id).then(
      ({ sending }) => notifySuccess('SMTP server removed', afterwards(sending)),
      (error) => {
        notifyError('Could not remove the SMTP server', error)
        throw error
      },
    )
  return (
    <Card padding="md">
      <RetryingMail project={project} retrying={provider.retrying} provider={provider.id} />
      <Group justify="space-between">
        <div>
          <Group gap="xs">
            <Text fw={600}>{provider.name || provider.config.host}</Text>
            <Badge color={provider.active ? 'lagoon' : 'gray'} variant="light" tt="none">
              {provider.active ? 'In use' : 'Not in use'}
            </Badge>
          </Group>
          <Text size="sm" c="dimmed">
            {describeProvider(provider)}
          </Text>
          <LastTest test={provider.lastTest} />
        </div>
        <Group gap="xs">
          {!provider.active && <Activate project={project} provider={provider} />}
          <NeedsRight right="sending.manage">
            <Button size="xs" variant="default" onClick={editor.open}>
              Change
            </Button>
          </NeedsRight>
          <NeedsRight right="sending.manage">
            <Button size="xs" variant="default" onClick={dialog.open}>
              Send a test
            </Button>
          </NeedsRight>
          <ConfirmButton
            needs="sending.manage"
            size="xs"
            variant="subtle"
            color="red"
            title="Remove this SMTP server?"
            message={removal}
            confirmLabel="Remove"
            onConfirm={onRemove}
          >
            Remove
          </ConfirmButton>
        </Group>
      </Group>
      {editing && <ProviderDialog project={project} provider={provider} onClose={editor.close} />}
      <Dialog opened={testing} onClose={dialog.close} title="Send a test mail">
        <TestForm project={project} provider={provider} onDone={dialog.close} />
      </Dialog>
    </Card>
  )
}

const LastTest = ({ test }: { test: ListedProvider['lastTest'] }) => (
  <Text size="sm" c={test?.error ? 'red' : 'dimmed'} style={{ overflowWrap: 'anywhere' }}>
    {test ? (
      <>
        Last test: {test.error ? 'failed' : 'accepted'} <TimeAgo at={test.at} />
        {test.error && `: ${test.error}`}
      </>
    ) : (
      'Not tested yet with these settings'
    )}
  </Text>
)

/** In a live project all mail goes another way at once: that is asked first. */
function Activate({ project, provider }: { project: string; provider: ListedProvider }) {
  const change = useChangeProvider(project)
  const words = useSwitchWords(project, provider)
  const activate = () =>
    change.mutateAsync({ id: provider.id, active: true }).then(
      () => notifySuccess(words.done),
      (error) => {
        notifyError('Could not switch the server', error)
        throw error
      },
    )
  if (words.question === undefined)
    return (
      <NeedsRight right="sending.manage">
        <Button
          size="xs"
          variant="light"
          loading={change.isPending}
          onClick={() => activate().catch(() => undefined)}
        >
          Use this one
        </Button>
      </NeedsRight>
    )
  return (
    <ConfirmButton
      needs="sending.manage"
      size="xs"
      variant="light"
      title="Send all mail through this server?"
      message={words.question}
      confirmLabel="Use this one"
      confirmColor={words.isTested ? 'lagoon' : 'red'}
      onConfirm={activate}
    >
      Use this one
    </ConfirmButton>
  )
}

function describeProvider({ config, limits }: ListedProvider): string {
  const parts = [`${config.host}:${config.port}`]
  if (limits.perSecond) parts.push(`at most ${limits.perSecond} mails a second`)
  if (limits.connections) parts.push(`${limits.connections} connections`)
  return parts.join(' · ')
}

function TestForm({
  project,
  provider,
  onDone,
}: {
  project: string
  provider: ListedProvider
  onDone: () => void
}) {
  const [to, setTo] = useState('')
  const [from, setFrom] = useState('')
  const test = useTestProvider(project)
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    test.mutate(
      { id: provider.id, to, from },
      {
        onSuccess: () => {
          notifySuccess('The server accepted the test mail', 'Whether it arrives, your inbox will tell.')
          onDone()
        },
      },
    )
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="To"
          type="email"
          required
          placeholder="you@example.com"
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label="From"
          type="email"
          description="Empty: the sender of the newest template that has one, else the recipient."
          placeholder="hello@example.com"
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
        />
        {test.error && <ErrorState title="The test failed" error={test.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={test.isPending}>
            Send
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
