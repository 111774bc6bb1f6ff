import { Alert, Button, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useCreateKey } from '../../api/settings.ts'
import { CodeBlock } from '../../components/code-block.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { Step } from './step.tsx'

interface KeyStepProps {
  project: string
  apiKey: string
  onKey: (key: string) => void
}

export function KeyStep({ project, apiKey, onKey }: KeyStepProps) {
  return (
    <Step
      number={1}
      title="Your tracking key"
      description="It names the project that an event belongs to. It can only write, so it may stand in a web page."
      done={apiKey !== ''}
    >
      {apiKey ? <Known apiKey={apiKey} onKey={onKey} /> : <Unknown project={project} onKey={onKey} />}
    </Step>
  )
}

function Known({ apiKey, onKey }: Omit<KeyStepProps, 'project'>) {
  return (
    <Stack gap="xs" align="stretch">
      <CodeBlock code={apiKey} label="the tracking key" />
      <Group>
        <Button size="compact-xs" variant="subtle" color="gray" onClick={() => onKey('')}>
          Use another key
        </Button>
      </Group>
    </Stack>
  )
}

function Unknown({ project, onKey }: Omit<KeyStepProps, 'apiKey'>) {
  const [typed, setTyped] = useState('')
  const create = useCreateKey(project)
  const createKey = () =>
    create.mutate({ kind: 'tracking', name: 'First steps' }, { onSuccess: ({ key }) => onKey(key) })
  const keep = (event: React.FormEvent) => {
    event.preventDefault()
    onKey(typed.trim())
  }
  return (
    <Stack gap="md">
      <Alert variant="light" color="gray">
        Fairway stores only a hash of every key, so it cannot show you one that exists already. The terminal
        printed the first project’s key when Fairway started.
      </Alert>
      <form onSubmit={keep}>
        <Group align="flex-end" gap="xs">
          <TextInput
            label="A key you have"
            placeholder="fw_track_…"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            style={{ flex: '1 1 240px' }}
          />
          <Button type="submit" variant="default" disabled={typed.trim() === ''}>
            Use it
          </Button>
          <NeedsRight right="keys.manage">
            <Button loading={create.isPending} onClick={createKey}>
              Create a new key
            </Button>
          </NeedsRight>
        </Group>
      </form>
      {create.error && <ErrorState title="Could not create a key" error={create.error} />}
    </Stack>
  )
}
