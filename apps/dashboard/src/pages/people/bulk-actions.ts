import type { BulkAction } from '../../api/people.ts'
import type { ProjectRight } from '../../api/types.ts'

export type BulkKind = BulkAction['kind']

interface BulkWords {
  kind: BulkKind
  label: string
  right: ProjectRight
  /** What happens, where the label does not say it all. */
  meaning?: string
  /** Cannot be taken back, or reaches far. */
  grave?: boolean
}

export const bulkKinds: BulkWords[] = [
  { kind: 'add_tag', label: 'Add a tag', right: 'people.edit' },
  { kind: 'remove_tag', label: 'Remove a tag', right: 'people.edit' },
  { kind: 'set_property', label: 'Set a property', right: 'people.edit' },
  { kind: 'set_topic', label: 'Set a topic', right: 'people.consent' },
  { kind: 'add_to_segment', label: 'Add to a list by hand', right: 'people.edit' },
  { kind: 'remove_from_segment', label: 'Remove from a list by hand', right: 'people.edit' },
  {
    kind: 'subscribe',
    label: 'Subscribe',
    right: 'people.consent',
    meaning: 'They get marketing mail again. Do this only for people who asked for it.',
  },
  {
    kind: 'unsubscribe',
    label: 'Unsubscribe',
    right: 'people.consent',
    meaning: 'They get no marketing mail any more.',
  },
  {
    kind: 'suppress',
    label: 'Suppress',
    right: 'people.consent',
    meaning: 'Nothing is sent to them any more, not even receipts.',
    grave: true,
  },
  {
    kind: 'erase',
    label: 'Erase',
    right: 'people.erase',
    meaning:
      'Their data, events and history are deleted; messages stay as numbers without anything personal. This cannot be undone.',
    grave: true,
  },
]

/** What is filled in; each action takes what it needs. */
export interface BulkFields {
  name: string
  value: string
  wanted: boolean
  segment: string
}

export const emptyFields: BulkFields = { name: '', value: '', wanted: true, segment: '' }

/** Undefined while something is missing. */
export function toAction(kind: BulkKind, fields: BulkFields): BulkAction | undefined {
  const name = fields.name.trim()
  switch (kind) {
    case 'add_tag':
    case 'remove_tag':
      return name ? { kind, tag: name } : undefined
    case 'set_topic':
      return name ? { kind, topic: name, wanted: fields.wanted } : undefined
    case 'set_property':
      return name && fields.value !== '' ? { kind, name, value: toValue(fields.value) } : undefined
    case 'add_to_segment':
    case 'remove_from_segment':
      return fields.segment ? { kind, segment: Number(fields.segment) } : undefined
    default:
      return { kind }
  }
}

/** Numbers and truths become what they look like, as the hint at the field says. */
function toValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/.test(text) ? Number(text) : text
}
