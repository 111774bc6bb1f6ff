import type { Properties, TemplatePreview as TemplatePreviewData } from '@fairway/api'
import { Alert, Box, Loader, Tabs, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { ApiError } from '../../api/client.ts'
import { type TemplateInput, usePreview } from '../../api/templates.ts'
import { CodeBlock } from '../../components/code-block.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { HtmlFrame } from '../../components/html-frame.tsx'
import { PropertyList } from '../../components/property-list.tsx'
import { SkeletonLines } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'

/** The draft rendered by the server as you type: the same engine that sends. */
export function TemplatePreview({ project, draft }: { project: string; draft: TemplateInput }) {
  const [settled] = useDebouncedValue(draft, 400)
  const [sample, setSample] = useState('{}')
  const properties = parseProperties(sample)
  const preview = usePreview(project, settled, properties ?? {})
  return (
    <Section
      title="Preview"
      description={sampleWords(preview.data?.person)}
      actions={preview.isFetching ? <Loader size="xs" role="status" aria-label="Rendering" /> : undefined}
    >
      {preview.isError && (
        <Box mb="md">
          <ErrorState title={`This draft cannot be rendered${lineOf(preview.error)}`} error={preview.error} />
        </Box>
      )}
      <Textarea
        mb="md"
        label="Trigger event’s properties"
        description="For {{ event.… }}, as JSON."
        autosize
        maxRows={8}
        spellCheck={false}
        value={sample}
        onChange={(event) => setSample(event.currentTarget.value)}
        error={properties ? undefined : 'This is not a JSON object yet.'}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
      />
      {preview.data ? <Rendered {...preview.data} /> : !preview.isError && <SkeletonLines />}
    </Section>
  )
}

function Rendered({ from, replyTo, subject, html, text, senderProblem }: TemplatePreviewData) {
  return (
    <>
      {senderProblem && (
        <Alert color="red" mb="md" title="No mail can leave with this sender">
          {senderProblem}
        </Alert>
      )}
      {from === '' && (
        <Alert color="buoy" mb="md" title="No sender">
          Mail without a From address goes no further than the mailbox of this installation: nobody gets it.
        </Alert>
      )}
      <Box mb="md">
        <PropertyList
          label="Envelope of the preview"
          entries={[
            ['From', from || '(none)'],
            ...(replyTo ? [['Reply to', replyTo] as [string, string]] : []),
            ['Subject', subject || '(empty)'],
          ]}
        />
      </Box>
      <Tabs defaultValue="html" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="html">HTML</Tabs.Tab>
          <Tabs.Tab value="text">Text</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="html">
          <HtmlFrame source={{ srcDoc: html }} title="Preview of the mail" />
        </Tabs.Panel>
        <Tabs.Panel value="text">
          <CodeBlock code={text} label="the text version" maxHeight="60vh" />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

const sampleWords = (person: TemplatePreviewData['person'] | undefined) =>
  person?.email ? `As ${person.email}, seen last, would get it.` : 'As a made-up person would get it.'

/** The engine names the line of a Liquid mistake. */
const lineOf = (error: Error): string =>
  error instanceof ApiError && typeof error.problem.line === 'number' ? ` (line ${error.problem.line})` : ''

/** Undefined while it is not a JSON object. */
function parseProperties(text: string): Properties | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Properties)
      : undefined
  } catch {
    return undefined
  }
}
