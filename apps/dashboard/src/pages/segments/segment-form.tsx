import { Button, Grid, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { readSegment, type Segment, useSaveSegment } from '../../api/segments.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { Section } from '../../components/section.tsx'
import { asBuilt, ConditionBuilder } from '../../conditions/condition-builder.tsx'
import { useNames } from '../../conditions/use-names.ts'
import { describeConditions } from '../../conditions/words.ts'
import { useCarefulSave } from '../../lib/careful-save.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { useUnsaved } from '../../lib/unsaved.tsx'
import { useRefusal } from '../../lib/use-refusal.ts'
import { LiveCount } from './live-count.tsx'

interface SegmentFormProps {
  project: string
  segment?: Segment
  onSaved: (segment: Segment) => void
  onCancel?: () => void
}

/** A segment's name and conditions, and beside them who would be in it. */
export function SegmentForm({ project, segment, onSaved, onCancel }: SegmentFormProps) {
  const [name, setName] = useState(segment?.name ?? '')
  const [built, setBuilt] = useState(asBuilt(segment?.conditions ?? null))
  const draft = { name, built }
  const unsaved = useUnsaved(draft)
  const names = useNames(project)
  const save = useCarefulSave({
    stored: segment,
    draft,
    toDraft: ({ name, conditions }) => ({ name, built: asBuilt(conditions) }),
    fields: ({ name, built: { conditions } }) => [
      ['Name', name],
      ['Conditions', conditions, conditions ? describeConditions(conditions, names) : undefined],
    ],
    save: useSaveSegment(project, segment?.id),
    readAgain: () => readSegment(project, segment!.id),
    onTake: (theirs) => {
      setName(theirs.name)
      setBuilt(theirs.built)
      unsaved.markSaved(theirs)
    },
  })
  const form = useRefusal('Could not save the segment', save.error)
  const usable = built.conditions !== null && built.problem === undefined
  const missing =
    built.problem ??
    (name.trim() === '' ? 'Give it a name' : usable ? undefined : 'Add a condition to say who is in it')
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    if (!usable) return
    void save.write(
      ({ name, built }) => ({ name: name.trim(), conditions: built.conditions! }),
      (saved) => {
        unsaved.markSaved()
        onSaved(saved)
      },
    )
  }
  const told = ['name', 'conditions'].some((field) => fieldError(save.error, field))
  return (
    <form ref={form} onSubmit={submit}>
      {unsaved.guard}
      {save.dialog}
      <Grid gap="lg" align="flex-start">
        <Grid.Col span={{ base: 12, lg: 9 }}>
          <Stack gap="lg">
            <Section title="Who is in it">
              <Stack>
                <TextInput
                  label="Name"
                  required
                  maxLength={200}
                  value={name}
                  onChange={(event) => setName(event.currentTarget.value)}
                  error={fieldError(save.error, 'name')}
                />
                <ConditionBuilder
                  key={save.taken}
                  project={project}
                  initial={built.conditions}
                  onChange={setBuilt}
                  error={save.error}
                  everybody="Add a condition to say who is in it."
                />
              </Stack>
            </Section>
            {save.error && !told && <ErrorState title="Could not save the segment" error={save.error} />}
            <Group>
              <Button type="submit" loading={save.isPending} disabled={missing !== undefined}>
                {segment ? 'Save' : 'Create segment'}
              </Button>
              {onCancel && (
                <Button variant="default" onClick={onCancel}>
                  Cancel
                </Button>
              )}
              {segment && !missing && (
                <Text size="sm" c="dimmed">
                  Other conditions put people in and out of it without starting campaigns.
                </Text>
              )}
              {missing && (
                <Text size="sm" c="dimmed">
                  {missing}.
                </Text>
              )}
            </Group>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 3 }} pos="sticky" top={16}>
          <LiveCount project={project} conditions={usable ? built.conditions : null} />
        </Grid.Col>
      </Grid>
    </form>
  )
}
