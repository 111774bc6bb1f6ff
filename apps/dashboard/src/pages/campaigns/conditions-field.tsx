import { Anchor, Group, Text, Textarea } from '@mantine/core'

const examples = [
  { label: 'has a property', value: { person: 'plan', operator: 'equals', value: 'pro' } },
  { label: 'did not buy since', value: { event: 'Purchased item', did: false, within: 'since_trigger' } },
  {
    label: 'both',
    value: {
      all: [{ trigger: 'total', operator: '>=', value: 50 }, { not: { tag: 'staff' } }],
    },
  },
]

interface ConditionsFieldProps {
  value: string
  onChange: (value: string) => void
  /** The server's complaint; it names the path, which may be deep inside. */
  error?: string
}

/** Conditions as JSON, with examples to start from. */
export function ConditionsField({ value, onChange, error }: ConditionsFieldProps) {
  return (
    <div>
      <Textarea
        label="Conditions"
        description="Checked again just before sending. Empty: everybody."
        autosize
        minRows={4}
        maxRows={20}
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error ?? syntaxError(value)}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
      />
      <Group gap={10} mt={6}>
        <Text size="xs" c="dimmed">
          Examples:
        </Text>
        {examples.map((example) => (
          <Anchor
            key={example.label}
            component="button"
            type="button"
            size="xs"
            onClick={() => onChange(JSON.stringify(example.value, null, 2))}
          >
            {example.label}
          </Anchor>
        ))}
      </Group>
    </div>
  )
}

export function syntaxError(value: string): string | undefined {
  if (value.trim() === '') return undefined
  try {
    JSON.parse(value)
    return undefined
  } catch (error) {
    return `This is not JSON yet: ${(error as Error).message}`
  }
}
