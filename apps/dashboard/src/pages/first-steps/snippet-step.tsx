import { Stack, Tabs, Text } from '@mantine/core'
import { CodeBlock } from '../../components/code-block.tsx'
import { keyPlaceholder, snippets } from './snippets.ts'
import { Step } from './step.tsx'

export function SnippetStep({ apiKey }: { apiKey: string }) {
  const all = snippets(window.location.origin, apiKey || keyPlaceholder)
  return (
    <Step
      number={2}
      title="Send an event"
      description="Somebody signs up in your product. Send it once, from wherever you like."
    >
      <Tabs defaultValue="curl" keepMounted={false}>
        <Tabs.List mb="sm">
          {all.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {all.map(({ value, label, hint, code }) => (
          <Tabs.Panel key={value} value={value}>
            <Stack gap={6}>
              <CodeBlock code={code} label={`the ${label} snippet`} />
              <Text size="xs" c="dimmed">
                {hint}
              </Text>
            </Stack>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Step>
  )
}
