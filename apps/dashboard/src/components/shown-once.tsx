import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { CodeBlock } from './code-block.tsx'

interface ShownOnceProps {
  keys: { label: string; value: string; note?: string }[]
  doneLabel: string
  onDone: () => void
}

/** New keys, at the only moment when they can be read. */
export function ShownOnce({ keys, doneLabel, onDone }: ShownOnceProps) {
  return (
    <Stack>
      {keys.map(({ label, value, note }) => (
        <div key={value}>
          <Text size="sm" fw={600} mb={4}>
            {label}
          </Text>
          <CodeBlock code={value} label={label.toLowerCase()} />
          {note && (
            <Text size="xs" c="dimmed" mt={4}>
              {note}
            </Text>
          )}
        </div>
      ))}
      <Alert color="buoy" title={`This is the only time ${keys.length === 1 ? 'it is' : 'they are'} shown`}>
        Fairway stores only hashes. Copy now; a lost key can be revoked and replaced.
      </Alert>
      <Group justify="flex-end">
        <Button onClick={onDone}>{doneLabel}</Button>
      </Group>
    </Stack>
  )
}
