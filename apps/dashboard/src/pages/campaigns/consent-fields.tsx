import type { Consent } from '@fairway/api'
import { Autocomplete, Radio, Stack, TextInput } from '@mantine/core'
import { useCatalogTopics } from '../../api/catalog.ts'
import { fieldError } from '../../lib/field-error.ts'

/** A consent while it is being written: what belongs to another kind is kept, should somebody choose that again. */
export interface ConsentDraft {
  kind: Consent['kind']
  topic: string
  reason: string
}

export const toConsentDraft = (consent: Consent | undefined): ConsentDraft => ({
  kind: consent?.kind ?? 'marketing',
  topic: consent?.kind === 'marketing' ? (consent.topic ?? '') : '',
  reason: consent?.kind === 'legal' ? consent.reason : '',
})

export function toConsent({ kind, topic, reason }: ConsentDraft): Consent {
  if (kind === 'legal') return { kind, reason: reason.trim() }
  if (kind === 'transactional' || topic.trim() === '') return { kind }
  return { kind, topic: topic.trim() }
}

const kinds: { value: Consent['kind']; label: string; description: string }[] = [
  {
    value: 'marketing',
    label: 'Marketing',
    description: 'For people who are subscribed. Each mail has a link to unsubscribe.',
  },
  {
    value: 'transactional',
    label: 'Transactional',
    description:
      'For mail that somebody waits for, such as a receipt. Also reaches people who unsubscribed from marketing, and goes ahead of other mail.',
  },
  {
    value: 'legal',
    label: 'Legal',
    description:
      'For what the law asks you to tell, such as new terms. Also reaches people who unsubscribed from marketing; the reason is kept with each message.',
  },
]

interface ConsentFieldsProps {
  project: string
  value: ConsentDraft
  onChange: (value: ConsentDraft) => void
  error: Error | null
}

/** Why the campaign's mail may be sent. */
export function ConsentFields({ project, value, onChange, error }: ConsentFieldsProps) {
  const topics = useCatalogTopics(project).data ?? []
  return (
    <Radio.Group
      label="Why it may be sent"
      value={value.kind}
      onChange={(kind) => onChange({ ...value, kind: kind as Consent['kind'] })}
      error={fieldError(error, 'consent')}
    >
      <Stack gap="sm" mt="xs">
        {kinds.map(({ value: kind, label, description }) => (
          <div key={kind}>
            <Radio value={kind} label={label} description={description} />
            {kind === value.kind && kind === 'marketing' && (
              <Autocomplete
                mt="xs"
                ml={30}
                maw={420}
                label="Topic"
                description="People may opt out of this topic alone. Empty: of all marketing only."
                maxLength={255}
                limit={50}
                data={[...new Set(topics.map(({ name }) => name))]}
                value={value.topic}
                onChange={(topic) => onChange({ ...value, topic })}
                error={fieldError(error, 'consent.topic')}
              />
            )}
            {kind === value.kind && kind === 'legal' && (
              <TextInput
                mt="xs"
                ml={30}
                maw={420}
                label="Reason"
                description="What the law asks for, as you would tell an authority."
                required
                maxLength={300}
                value={value.reason}
                onChange={(event) => onChange({ ...value, reason: event.currentTarget.value })}
                error={fieldError(error, 'consent.reason')}
              />
            )}
          </div>
        ))}
      </Stack>
    </Radio.Group>
  )
}
