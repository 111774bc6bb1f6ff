import { Box, Group, Loader, Tabs, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { type TemplateInput, usePreview } from '../../api/templates.ts'
import { CodeBlock } from '../../components/code-block.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { HtmlFrame } from '../../components/html-frame.tsx'
import { SkeletonLines } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'

/** The draft rendered by the server as you type: the same engine that sends. */
export function TemplatePreview({ project, draft }: { project: string; draft: TemplateInput }) {
  const [settled] = useDebouncedValue(draft, 400)
  const preview = usePreview(project, settled)
  return (
    <Section
      title="Preview"
      description="Rendered for a sample person, by the engine that sends."
      actions={preview.isFetching ? <Loader size="xs" aria-label="Rendering" /> : undefined}
    >
      {preview.isError && (
        <Box mb="md">
          <ErrorState title="This draft cannot be rendered" error={preview.error} />
        </Box>
      )}
      {preview.data ? <Rendered {...preview.data} /> : !preview.isError && <SkeletonLines />}
    </Section>
  )
}

function Rendered({ subject, html, text }: { subject: string; html: string; text: string }) {
  return (
    <>
      <Group gap="xs" mb="md" wrap="nowrap" align="baseline">
        <Text size="sm" c="dimmed">
          Subject
        </Text>
        <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
          {subject || '(empty)'}
        </Text>
      </Group>
      <Tabs defaultValue="html" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="html">HTML</Tabs.Tab>
          <Tabs.Tab value="text">Text</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="html">
          <HtmlFrame html={html} title="Preview of the mail" />
        </Tabs.Panel>
        <Tabs.Panel value="text">
          <CodeBlock code={text} label="the text version" maxHeight="60vh" />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}
