import type { Import, ImportKind, ImportSource, ImportState } from '@fairway/api'
import { formatNumber, plural } from '../../lib/format.ts'

interface KindWords {
  kind: ImportKind
  label: string
  description: string
}

export const kindWords: KindWords[] = [
  {
    kind: 'people',
    label: 'People',
    description: 'Ids, emails, properties, tags, topics: created or updated.',
  },
  {
    kind: 'events',
    label: 'Events',
    description: 'What people did in the past. They start no campaigns unless you say so.',
  },
  { kind: 'tags', label: 'Tags', description: 'Add tags to people, or remove them.' },
  {
    kind: 'segment',
    label: 'A list by hand',
    description: 'People who become members of a segment by hand.',
  },
  { kind: 'unsubscribes', label: 'Unsubscribes', description: 'People who want no marketing mail.' },
  {
    kind: 'suppressions',
    label: 'Suppressions',
    description: 'Addresses to which nothing may be sent: bounces, complaints.',
  },
]

export const labelOf = (kind: ImportKind): string => kindWords.find((each) => each.kind === kind)!.label

/** Products whose exports are known, by the names that people know. */
export const sources: { value: ImportSource; label: string }[] = [
  { value: 'vero', label: 'Vero' },
  { value: 'customerio', label: 'Customer.io' },
  { value: 'klaviyo', label: 'Klaviyo' },
  { value: 'mailchimp', label: 'Mailchimp' },
  { value: 'hubspot', label: 'HubSpot' },
  { value: 'google', label: 'Google Contacts' },
  { value: 'outlook', label: 'Outlook' },
  { value: 'fairway', label: 'another Fairway project' },
]

export const sourceLabel = (source: ImportSource): string =>
  sources.find(({ value }) => value === source)?.label ?? source

interface StateWords {
  label: string
  color: string
  meaning: string
}

/** What a state does and does not promise. */
export const importStates: Record<ImportState, StateWords> = {
  uploading: {
    label: 'Uploading',
    color: 'blue',
    meaning: 'The file is on its way. Nothing is imported yet.',
  },
  fetching: {
    label: 'Being read',
    color: 'blue',
    meaning: 'The file is fetched and looked at. Nothing is imported yet.',
  },
  ready: {
    label: 'Not started',
    color: 'gray',
    meaning: 'The file is here. Nothing is imported until you start it.',
  },
  dry_run: { label: 'Dry run', color: 'blue', meaning: 'Every row is checked, and nothing is changed.' },
  importing: { label: 'Importing', color: 'blue', meaning: 'Rows become people and events, part by part.' },
  undoing: { label: 'Being undone', color: 'buoy', meaning: 'What it changed is put back.' },
  undone: { label: 'Undone', color: 'gray', meaning: 'What it changed was put back.' },
  failed: { label: 'Failed', color: 'red', meaning: 'It stopped. What was imported before stays.' },
  done: {
    label: 'Imported',
    color: 'lagoon',
    meaning: 'Every row was imported or rejected with its reason.',
  },
  cancelled: { label: 'Stopped', color: 'gray', meaning: 'It was stopped. What was imported before stays.' },
}

/** An archive of several files was read no further: nothing went wrong, one of them has to be chosen. */
export const needsChoice = ({ state, files, columns }: Pick<Import, 'state' | 'files' | 'columns'>) =>
  state === 'failed' && files.length > 0 && columns.length === 0

/** Of an import: the state, and for one that ended what it came to. Rejected rows are no success. */
export function wordsOf(of: Pick<Import, 'state' | 'counts' | 'files' | 'columns'>): StateWords {
  const { state, counts } = of
  const { rows, rejected } = counts
  if (needsChoice(of))
    return {
      label: 'Choose a file',
      color: 'yellow',
      meaning: `The archive holds ${plural(of.files.length, 'file')}: choose the one that this import is of. Nothing is imported yet.`,
    }
  if (state !== 'done' || rejected === 0) return importStates[state]
  return rejected >= rows
    ? { label: 'All rejected', color: 'red', meaning: 'No row was imported; each has its reason.' }
    : {
        label: 'Partly imported',
        color: 'yellow',
        meaning: `${plural(rejected, 'row')} of ${formatNumber(rows)} ${rejected === 1 ? 'was' : 'were'} rejected, each with its reason.`,
      }
}

/** A dry run says what would be. */
export const isDry = ({ state }: Pick<Import, 'state'>) => state === 'ready' || state === 'dry_run'

/** "120 created · 30 updated · 2 rejected"; of a dry run "120 would be created · …" */
export function countWords({ state, counts }: Pick<Import, 'state' | 'counts'>): string {
  const would = isDry({ state }) ? 'would be ' : ''
  const parts = (['created', 'updated', 'unchanged', 'rejected'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${formatNumber(counts[name])} ${would}${name}`)
  return parts.length > 0 ? parts.join(' · ') : plural(counts.rows, 'row')
}

/** What a column can become, by the kind of the import. */
const fields: Record<ImportKind, { value: string; label: string }[]> = {
  people: [
    { value: 'id', label: 'Id (yours)' },
    { value: 'email', label: 'Email' },
    { value: 'phone', label: 'Phone' },
    { value: 'timezone', label: 'Time zone' },
    { value: 'language', label: 'Language' },
    { value: 'created_at', label: 'Created at' },
    { value: 'updated_at', label: 'Updated at' },
    { value: 'anonymous_id', label: 'Anonymous id' },
    { value: 'tags', label: 'Tags' },
    { value: 'topics', label: 'Topics (JSON)' },
    { value: 'subscribed', label: 'Subscribed' },
    { value: 'unsubscribed', label: 'Unsubscribed' },
    { value: 'devices', label: 'Devices (JSON)' },
    { value: 'suppressed', label: 'Suppressed' },
    { value: 'properties', label: 'Properties (JSON)' },
  ],
  events: [
    { value: 'id', label: 'Person’s id (yours)' },
    { value: 'email', label: 'Person’s email' },
    { value: 'anonymous_id', label: 'Person’s anonymous id' },
    { value: 'event', label: 'Event name' },
    { value: 'time', label: 'Time' },
    { value: 'event_id', label: 'Event id' },
    { value: 'properties', label: 'Properties (JSON)' },
  ],
  tags: [
    { value: 'id', label: 'Id (yours)' },
    { value: 'email', label: 'Email' },
    { value: 'tags', label: 'Tags' },
  ],
  segment: [
    { value: 'id', label: 'Id (yours)' },
    { value: 'email', label: 'Email' },
  ],
  unsubscribes: [
    { value: 'id', label: 'Id (yours)' },
    { value: 'email', label: 'Email' },
  ],
  suppressions: [
    { value: 'id', label: 'Id (yours)' },
    { value: 'email', label: 'Email' },
  ],
}

/** What has a time: how it is written can be told. */
export const isTime = (to: string): boolean => ['created_at', 'updated_at', 'time'].includes(to)

/** The choices for one column; properties and topics are named beside them. */
export const targetsOf = (kind: ImportKind) => [
  { group: 'Field', items: fields[kind] },
  {
    group: 'Named',
    items: [
      ...(kind === 'people' || kind === 'events' ? [{ value: 'property:', label: 'Property' }] : []),
      ...(kind === 'people' ? [{ value: 'topic:', label: 'Topic' }] : []),
    ],
  },
  { group: 'Nothing', items: [{ value: 'ignore', label: 'Leave it out' }] },
]

/** Where a column of this name goes, of which nothing else is known. */
export function targetNamed(kind: ImportKind, column: string): string {
  const name = column.toLowerCase()
  if (fields[kind].some(({ value }) => value === name)) return name
  return kind === 'people' || kind === 'events' ? `property:${column}` : 'ignore'
}
