import { Anchor, Group, Text, Textarea } from '@mantine/core'
import { isKnown } from './kinds.ts'
import type { Condition } from './language.ts'

const examples = [
  { label: 'has a property', value: { person: 'plan', operator: 'equals', value: 'pro' } },
  {
    label: 'did not buy lately',
    value: { event: 'Purchased item', did: false, within: { last: { days: 30 } } },
  },
  {
    label: 'both',
    value: {
      all: [{ person: 'total_spent', operator: '>=', value: 50 }, { not: { tag: 'staff' } }],
    },
  },
]

interface ConditionsJsonProps {
  value: string
  onChange: (value: string) => void
  /** The complaint of the parser or the server; the server's names the path, which may be deep inside. */
  error?: string
}

/** Conditions as JSON, with examples to start from. */
export function ConditionsJson({ value, onChange, error }: ConditionsJsonProps) {
  return (
    <div>
      <Textarea
        label="Conditions"
        autosize
        minRows={6}
        maxRows={24}
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error}
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

/** `conditions` is undefined when the text is none that can be shown by fields; then `problem` says why. */
export function parseJson(text: string): { conditions?: Condition | null; problem?: string } {
  if (text.trim() === '') return { conditions: null }
  try {
    const json: unknown = JSON.parse(text)
    const problem = strangeIn(json)
    return problem ? { problem } : { conditions: json as Condition }
  } catch (error) {
    return { problem: `This is not JSON yet: ${(error as Error).message}` }
  }
}

/** What is no condition at all. Whether its parts are right is the server's to say. */
function strangeIn(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return `A condition is an object, not ${JSON.stringify(json)}`
  if ('all' in json || 'any' in json) {
    const children = 'all' in json ? json.all : json.any
    if (!Array.isArray(children) || children.length === 0) return 'all and any hold a list of conditions'
    return children.map(strangeIn).find((problem) => problem !== undefined)
  }
  if ('not' in json) return strangeIn(json.not)
  return isKnown(json) ? undefined : `There is no such condition: ${JSON.stringify(json).slice(0, 80)}`
}
