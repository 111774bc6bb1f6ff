import { Button, Group, Stack } from '@mantine/core'
import { IconBolt, IconFilterPlus, IconLink, IconSum } from '@tabler/icons-react'
import { AggregateFields, aggregateWords, missingInAggregate, newAggregate } from '../aggregate-fields.tsx'
import { useBuilder } from '../builder-context.ts'
import { Choice } from '../choice.tsx'
import { firstOf, missingDate, missingInFilters, missingInWindow, unnamed } from '../completeness.ts'
import { EventName, ScopedBy } from '../event-names.tsx'
import { emptyFilter, Filters } from '../filters.tsx'
import { CountFields, type When, WhenFields } from '../how-often-fields.tsx'
import { type EventLeaf, withoutEmpty } from '../language.ts'
import { filterWords, howOften, momentWords, property, quote } from '../phrases.ts'
import { missingInRelated, RelatedFields, relatedWords } from '../related-fields.tsx'
import type { EditorProps, Kind } from './kind.ts'

export const event: Kind<EventLeaf> = {
  title: 'Event they did or did not do',
  label: 'Event',
  icon: IconBolt,
  start: { event: '' },
  Editor,
  words: (leaf) => `who ${act(leaf)}`,
  missing: ({ event, within, first, last, aggregate, where, related }) =>
    firstOf([
      unnamed(event, 'an event'),
      missingDate((first ?? last)?.value),
      missingInWindow(within),
      aggregate && missingInAggregate(aggregate),
      missingInFilters(where),
      related && missingInRelated(related),
    ]),
}

function act({ event, did = true, count, within, where = [], related, ...rest }: EventLeaf): string {
  const words = [did ? 'did' : 'did not do', quote(event)]
  if (where.length > 0) words.push(`where ${filterWords(where)}`)
  if (rest.scopedBy) words.push(`with the same ${property(rest.scopedBy)} as the trigger`)
  words.push(...howOften(count, within))
  if (rest.first) words.push(`for the first time ${momentWords(rest.first)}`)
  if (rest.last) words.push(`for the last time ${momentWords(rest.last)}`)
  if (rest.aggregate) words.push(aggregateWords(rest.aggregate))
  if (related) words.push(relatedWords(related))
  return words.join(' ')
}

function Editor({ leaf, onChange }: EditorProps<EventLeaf>) {
  const { trigger } = useBuilder()
  const set = (change: Partial<EventLeaf>) => onChange(withoutEmpty({ ...leaf, ...change }))
  const setWhen = ({ within, first, last }: When) =>
    set({ within, first, last, ...((first || last) && { count: undefined, aggregate: undefined }) })
  const setDid = (did: boolean) => set({ did: did ? undefined : false })
  const isCounted = !leaf.first && !leaf.last && !leaf.aggregate
  const addFilter = () => set({ where: [...(leaf.where ?? []), emptyFilter()] })
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Choice
          label="Did or did not"
          w={110}
          yes="did"
          no="did not do"
          value={leaf.did !== false}
          onChange={setDid}
        />
        <EventName label="Event" value={leaf.event} onChange={(event) => set({ event })} />
        {isCounted && <CountFields count={leaf.count} onChange={(count) => set({ count })} />}
        <WhenFields when={leaf} ofEvents={!leaf.aggregate} onChange={setWhen} />
      </Group>
      {leaf.aggregate && (
        <AggregateFields
          aggregate={leaf.aggregate}
          event={leaf.event}
          onChange={(aggregate) => set({ aggregate })}
        />
      )}
      <Filters event={leaf.event} where={leaf.where ?? []} onChange={(where) => set({ where })} />
      {leaf.scopedBy !== undefined && (
        <ScopedBy
          event={leaf.event}
          words="with the same value as the trigger in"
          value={leaf.scopedBy}
          onChange={(scopedBy) => set({ scopedBy })}
          onRemove={() => set({ scopedBy: undefined })}
        />
      )}
      {leaf.related && (
        <RelatedFields related={leaf.related} event={leaf.event} onChange={(related) => set({ related })} />
      )}
      <Group gap="xs">
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconFilterPlus size={14} aria-hidden />}
          onClick={addFilter}
        >
          Add filter
        </Button>
        {isCounted && (
          <Button
            variant="subtle"
            size="compact-xs"
            leftSection={<IconSum size={14} aria-hidden />}
            onClick={() => set({ aggregate: newAggregate, count: undefined })}
          >
            Sum or average
          </Button>
        )}
        {trigger !== undefined && leaf.scopedBy === undefined && (
          <Button
            variant="subtle"
            size="compact-xs"
            leftSection={<IconLink size={14} aria-hidden />}
            onClick={() => set({ scopedBy: '' })}
          >
            Same as the trigger
          </Button>
        )}
        {!leaf.related && (
          <Button
            variant="subtle"
            size="compact-xs"
            leftSection={<IconLink size={14} aria-hidden />}
            onClick={() => set({ related: { event: '', did: false, scopedBy: '' } })}
          >
            Without another event
          </Button>
        )}
      </Group>
    </Stack>
  )
}
