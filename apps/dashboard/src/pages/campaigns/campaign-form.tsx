import type { Wait } from '@fairway/api'
import { Button, Group, Input, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { type CampaignInput, readCampaign, useSaveCampaign } from '../../api/campaigns.ts'
import { useEveryTemplate } from '../../api/templates.ts'
import type { Campaign } from '../../api/types.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { Section } from '../../components/section.tsx'
import { asBuilt, type Built, ConditionBuilder } from '../../conditions/condition-builder.tsx'
import { type Names, useNames } from '../../conditions/use-names.ts'
import { describeConditions } from '../../conditions/words.ts'
import { type Field, useCarefulSave } from '../../lib/careful-save.tsx'
import { describeConsent } from '../../lib/consent-words.ts'
import { fieldError } from '../../lib/field-error.ts'
import { notifySuccess } from '../../lib/notify.tsx'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'
import { type ConsentDraft, ConsentFields, toConsent, toConsentDraft } from './consent-fields.tsx'
import { TriggerField } from './trigger-field.tsx'
import { WaitFields } from './wait-fields.tsx'
import { describeWait } from './wait-words.ts'

interface Draft {
  name: string
  triggerEvent: string
  wait: Wait
  conditions: Built
  notAgainWithinDays: string | number
  templateId: number | undefined
  consent: ConsentDraft
}

interface CampaignFormProps {
  project: string
  campaign?: Campaign
  onSaved?: (campaign: Campaign) => void
}

const shownAtFields = ['name', 'triggerEvent', 'wait', 'conditions', 'frequency', 'templateId', 'consent']

export function CampaignForm({ project, campaign, onSaved }: CampaignFormProps) {
  const [draft, setDraft] = useState(() => toDraft(campaign))
  const unsaved = useUnsaved(draft)
  const names = useNames(project)
  const save = useCarefulSave({
    stored: campaign,
    draft,
    toDraft,
    fields: (shown) => fields(shown, names),
    save: useSaveCampaign(project, campaign?.id),
    readAgain: () => readCampaign(project, campaign!.id),
    onTake: (theirs) => {
      setDraft(theirs)
      unsaved.markSaved(theirs)
    },
  })
  const form = useRefusal('Could not save the campaign', save.error)
  const set = (change: Partial<Draft>) => setDraft((current) => ({ ...current, ...change }))
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    if (draft.conditions.problem) return
    void save.write(toInput, (saved) => {
      unsaved.markSaved()
      notifySuccess('Campaign saved')
      onSaved?.(saved)
    })
  }
  const told = shownAtFields.some((name) => fieldError(save.error, name))
  const missing =
    draft.conditions.problem ?? (draft.templateId === undefined ? 'Choose a template' : undefined)
  return (
    <form ref={form} onSubmit={submit}>
      {unsaved.guard}
      {save.dialog}
      <Stack gap="lg">
        <Section title="When">
          <Stack>
            <TextInput
              label="Name"
              required
              value={draft.name}
              onChange={(event) => set({ name: event.currentTarget.value })}
              error={fieldError(save.error, 'name')}
            />
            <TriggerField
              project={project}
              value={draft.triggerEvent}
              onChange={(triggerEvent) => set({ triggerEvent })}
              error={fieldError(save.error, 'triggerEvent')}
            />
            <WaitFields
              wait={draft.wait}
              onChange={(wait) => set({ wait })}
              error={fieldError(save.error, 'wait')}
            />
          </Stack>
        </Section>
        <Section title="Who">
          <Stack>
            <Input.Wrapper
              label="Conditions"
              labelElement="div"
              description="Checked again just before sending."
            >
              <ConditionBuilder
                key={save.taken}
                project={project}
                initial={draft.conditions.conditions}
                onChange={(conditions) => set({ conditions })}
                trigger={draft.triggerEvent}
                error={save.error}
                everybody="Everybody who triggers it."
              />
            </Input.Wrapper>
            <NumberInput
              label="Not again within days"
              description="For the same person. Empty: as often as it is triggered. -1: only once ever."
              min={-1}
              allowDecimal={false}
              value={draft.notAgainWithinDays}
              onChange={(notAgainWithinDays) => set({ notAgainWithinDays })}
              error={fieldError(save.error, 'frequency')}
            />
          </Stack>
        </Section>
        <Section title="What">
          <Stack>
            <TemplateSelect
              project={project}
              value={draft.templateId}
              onChange={(templateId) => set({ templateId })}
              error={fieldError(save.error, 'templateId')}
            />
            <ConsentFields
              project={project}
              value={draft.consent}
              onChange={(consent) => set({ consent })}
              error={save.error}
            />
          </Stack>
        </Section>
        {save.error && !told && <ErrorState title="Could not save the campaign" error={save.error} />}
        <Group>
          <Button type="submit" loading={save.isPending} disabled={missing !== undefined}>
            {campaign ? 'Save' : 'Create campaign'}
          </Button>
          {missing && (
            <Text size="sm" c="dimmed">
              {missing}.
            </Text>
          )}
        </Group>
      </Stack>
    </form>
  )
}

interface TemplateSelectProps {
  project: string
  value: number | undefined
  onChange: (id: number) => void
  error?: string
}

function TemplateSelect({ project, value, onChange, error }: TemplateSelectProps) {
  const templates = useEveryTemplate(project).data
  if (templates?.length === 0)
    return (
      <div>
        A campaign needs a template.{' '}
        <AnchorLink underline="always" to="/projects/$project/templates/new" params={{ project }}>
          Write one first
        </AnchorLink>
        .
      </div>
    )
  return (
    <Select
      label="Template"
      required
      searchable
      data={(templates ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
      value={value === undefined ? null : String(value)}
      onChange={(id) => id && onChange(Number(id))}
      error={error}
    />
  )
}

const toDraft = (campaign?: Campaign): Draft => ({
  name: campaign?.name ?? '',
  triggerEvent: campaign?.triggerEvent ?? '',
  wait: campaign?.wait ?? { kind: 'immediately' },
  conditions: asBuilt(campaign?.conditions ?? null),
  notAgainWithinDays: campaign?.frequency?.notAgainWithinDays ?? '',
  templateId: campaign?.templateId,
  consent: toConsentDraft(campaign?.consent),
})

const fields = (draft: Draft, names: Names): Field[] => [
  ['Name', draft.name],
  ['Event', draft.triggerEvent],
  ['Wait', draft.wait, describeWait(draft.wait)],
  [
    'Conditions',
    draft.conditions.conditions,
    draft.conditions.conditions
      ? describeConditions(draft.conditions.conditions, names)
      : 'Everybody who triggers it.',
  ],
  ['Not again within days', draft.notAgainWithinDays],
  [
    'Template',
    draft.templateId,
    draft.templateId === undefined ? undefined : names.template(draft.templateId),
  ],
  ['Why it may be sent', toConsent(draft.consent), describeConsent(toConsent(draft.consent))],
]

const toInput = (draft: Draft): CampaignInput => ({
  name: draft.name.trim(),
  triggerEvent: draft.triggerEvent.trim(),
  wait: draft.wait,
  conditions: draft.conditions.conditions,
  frequency:
    draft.notAgainWithinDays === '' ? null : { notAgainWithinDays: Number(draft.notAgainWithinDays) },
  templateId: draft.templateId!,
  consent: toConsent(draft.consent),
})
