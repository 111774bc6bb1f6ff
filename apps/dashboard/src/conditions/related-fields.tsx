import { Button, Checkbox, Group, Stack } from '@mantine/core'
import { IconFilterPlus } from '@tabler/icons-react'
import { Choice } from './choice.tsx'
import { firstOf, missingInFilters, unnamed } from './completeness.ts'
import { EventName, ScopedBy } from './event-names.tsx'
import { emptyFilter, Filters, RemoveIcon } from './filters.tsx'
import { type Related, withoutEmpty } from './language.ts'
import { filterWords, property, quote } from './phrases.ts'

interface RelatedFieldsProps {
  related: Related
  /** The counted event. */
  event: string
  onChange: (related: Related | undefined) => void
}

/** Another event that must be beside the counted one, or must not. */
export function RelatedFields({ related, event, onChange }: RelatedFieldsProps) {
  const set = (change: Partial<Related>) => onChange(withoutEmpty({ ...related, ...change }))
  const setDid = (did: boolean) => set({ did: did ? undefined : false })
  return (
    <Stack gap="xs" role="group" aria-label="Another event">
      <Group gap="xs">
        <Choice
          label="With or without"
          w={110}
          yes="with"
          no="without"
          value={related.did !== false}
          onChange={setDid}
        />
        <EventName label="Other event" value={related.event} onChange={(name) => set({ event: name })} />
        <ScopedBy
          event={event}
          words="of the same"
          value={related.scopedBy}
          onChange={(scopedBy) => set({ scopedBy })}
        />
        <Checkbox
          size="xs"
          label="at the same time or later"
          checked={related.after === true}
          onChange={(change) => set({ after: change.currentTarget.checked || undefined })}
        />
        <RemoveIcon label="Remove the other event" onClick={() => onChange(undefined)} />
      </Group>
      <Filters event={related.event} where={related.where ?? []} onChange={(where) => set({ where })} />
      <Group gap="xs">
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconFilterPlus size={14} aria-hidden />}
          onClick={() => set({ where: [...(related.where ?? []), emptyFilter()] })}
        >
          Add filter on the other event
        </Button>
      </Group>
    </Stack>
  )
}

export function relatedWords({ event, did, scopedBy, after, where = [] }: Related): string {
  const filters = where.length > 0 ? ` where ${filterWords(where)}` : ''
  return `${did === false ? 'and no' : 'and a'} ${after ? 'later ' : ''}${quote(event)} of the same ${property(scopedBy)}${filters}`
}

export const missingInRelated = ({ event, scopedBy, where }: Related) =>
  firstOf([
    unnamed(event, 'the other event'),
    unnamed(scopedBy, 'the shared property'),
    missingInFilters(where),
  ])
