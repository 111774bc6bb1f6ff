import type { Template } from '@fairway/api'
import { Button, Grid, Group, Stack, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { readTemplate, type TemplateInput, useSaveTemplate } from '../../api/templates.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { Section } from '../../components/section.tsx'
import { type Field, useCarefulSave } from '../../lib/careful-save.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { notifySuccess } from '../../lib/notify.tsx'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'
import { TemplatePreview } from './template-preview.tsx'

interface TemplateEditorProps {
  project: string
  /** Undefined: a new one, which begins with `initial`. */
  template?: Template
  initial: TemplateInput
  onSaved?: (template: Template) => void
}

const fieldNames = ['name', 'key', 'fromAddress', 'replyTo', 'subject', 'preheader', 'html', 'text'] as const

/** The source on the left, what becomes of it on the right. */
export function TemplateEditor({ project, template, initial, onSaved }: TemplateEditorProps) {
  const [draft, setDraft] = useState<TemplateInput>(() => pick(initial))
  const unsaved = useUnsaved(draft)
  const save = useCarefulSave({
    stored: template,
    draft,
    toDraft: pick,
    fields,
    save: useSaveTemplate(project, template?.id),
    readAgain: () => readTemplate(project, template!.id),
    onTake: (theirs) => {
      setDraft(theirs)
      unsaved.markSaved(theirs)
    },
  })
  const form = useRefusal('Could not save the template', save.error)
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    void save.write(pick, (saved) => {
      unsaved.markSaved()
      notifySuccess('Template saved')
      onSaved?.(saved)
    })
  }
  const told = fieldNames.some((name) => fieldError(save.error, name))
  return (
    <Grid gap="lg" align="flex-start">
      {unsaved.guard}
      {save.dialog}
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <form ref={form} onSubmit={submit}>
          <Stack gap="lg">
            <Section title="Envelope">
              <EnvelopeFields draft={draft} onChange={setDraft} error={save.error} />
            </Section>
            <Section title="Content">
              <ContentFields draft={draft} onChange={setDraft} error={save.error} />
            </Section>
            {save.error && !told && <ErrorState title="Could not save the template" error={save.error} />}
            <Group>
              <Button type="submit" loading={save.isPending}>
                {template ? 'Save' : 'Create template'}
              </Button>
            </Group>
          </Stack>
        </form>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <TemplatePreview project={project} draft={draft} />
      </Grid.Col>
    </Grid>
  )
}

interface FieldsProps {
  draft: TemplateInput
  onChange: (draft: TemplateInput) => void
  error: Error | null
}

/** Binds one member of the draft to one input; an empty optional member is null. */
function bind({ draft, onChange, error }: FieldsProps) {
  return (name: (typeof fieldNames)[number], optional = false) => ({
    value: draft[name] ?? '',
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
      const value = event.currentTarget.value
      onChange({ ...draft, [name]: optional && value === '' ? null : value })
    },
    error: fieldError(error, name),
  })
}

function EnvelopeFields(props: FieldsProps) {
  const field = bind(props)
  return (
    <Stack>
      <TextInput label="Name" required description="For you; nobody else sees it." {...field('name')} />
      <TextInput label="Subject" {...field('subject')} />
      <TextInput
        label="Preheader"
        description="The line that inboxes show after the subject."
        {...field('preheader', true)}
      />
      <Group grow align="flex-start">
        <TextInput label="From" placeholder="Shop <hello@example.com>" {...field('fromAddress', true)} />
        <TextInput label="Reply to" {...field('replyTo', true)} />
      </Group>
      <TextInput
        label="Name for the API"
        description="What API callers may use instead of the number: order-receipt"
        {...field('key', true)}
      />
    </Stack>
  )
}

function ContentFields(props: FieldsProps) {
  const field = bind(props)
  return (
    <Stack>
      <Textarea
        label="HTML"
        autosize
        minRows={14}
        maxRows={30}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        {...field('html')}
      />
      <Textarea
        label="Plain text"
        description="Empty: made from the HTML."
        autosize
        minRows={2}
        maxRows={16}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        {...field('text', true)}
      />
    </Stack>
  )
}

const fields = (draft: TemplateInput): Field[] => [
  ['Name', draft.name],
  ['Subject', draft.subject],
  ['Preheader', draft.preheader],
  ['From', draft.fromAddress],
  ['Reply to', draft.replyTo],
  ['Name for the API', draft.key],
  ['HTML', draft.html],
  ['Plain text', draft.text],
]

function pick(template: TemplateInput): TemplateInput {
  const { name, key, fromAddress, replyTo, subject, preheader, html, text } = template
  return { name, key, fromAddress, replyTo, subject, preheader, html, text }
}
