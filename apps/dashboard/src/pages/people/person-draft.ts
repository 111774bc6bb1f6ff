import type { Json, PersonDetail } from '@fairway/api'
import type { PersonChanges } from '../../api/people.ts'

const contactNames = ['email', 'phone', 'timezone', 'language'] as const

export interface PersonDraft {
  /** Empty: none. */
  contact: Record<(typeof contactNames)[number], string>
  properties: { key: string; name: string; value: string; isNew?: boolean; was?: Json }[]
  tags: string[]
  /** Ids of segments. */
  lists: string[]
  topics: Record<string, boolean>
}

export const toDraft = ({ properties, tags, segments, topics, ...person }: PersonDetail): PersonDraft => ({
  contact: {
    email: person.email ?? '',
    phone: person.phone ?? '',
    timezone: person.timezone ?? '',
    language: person.language ?? '',
  },
  properties: Object.entries(properties).map(([name, was]) => ({ key: name, name, value: toText(was), was })),
  tags,
  lists: (segments ?? []).map(({ id }) => String(id)),
  topics,
})

/** What is to be sent: only what was changed, so that everything else stays as others leave it. */
export function changesOf(
  before: PersonDraft,
  after: PersonDraft,
  manual: ReadonlySet<string>,
): PersonChanges {
  const kept = new Set(after.properties.map(({ name }) => name))
  const properties: [string, Json][] = [
    ...before.properties
      .filter(({ name }) => !kept.has(name))
      .map(({ name }): [string, Json] => [name, null]),
    ...after.properties
      .filter(({ name, value, isNew, was }) => name.trim() !== '' && (isNew || value !== toText(was)))
      .map(({ name, value, was }): [string, Json] => [name.trim(), toValue(value, was)]),
  ]
  const contact = contactNames
    .filter((name) => after.contact[name].trim() !== before.contact[name])
    .map((name) => [name, after.contact[name].trim() || null])
  const topics = Object.entries(after.topics).filter(([name, wanted]) => before.topics[name] !== wanted)
  return {
    contact: Object.fromEntries(contact),
    properties: Object.fromEntries(properties),
    topics: Object.fromEntries(topics),
    tags: difference(before.tags, after.tags),
    lists: difference(
      before.lists.filter((list) => manual.has(list)),
      after.lists.filter((list) => manual.has(list)),
    ),
  }
}

/** Where facts stand that are no properties, though they may look like some. */
const elsewhere: Record<string, string> = {
  email: 'The address has a field of its own, above',
  phone: 'The phone number has a field of its own, above',
  timezone: 'The time zone has a field of its own, above',
  language: 'The language has a field of its own, above',
  tags: 'Tags have a field of their own, below',
  topics: 'Topics have a part of their own, below',
  id: 'The id is what your product calls the person, and no property',
  subscribed: 'Whether they are subscribed is changed by “Actions” on their page',
  unsubscribed: 'Whether they are subscribed is changed by “Actions” on their page',
  suppressed: 'Whether they are suppressed is changed by “Actions” on their page',
}

/** Why a new property can't have its name; undefined when it can. */
export function nameProblem(properties: PersonDraft['properties'], place: number): string | undefined {
  const { isNew, ...row } = properties[place]!
  const name = row.name.trim()
  if (!isNew || name === '') return undefined
  const plain = name.toLowerCase().replace(/[ _-]/g, '')
  if (Object.hasOwn(elsewhere, plain)) return elsewhere[plain]
  return properties.some((other, index) => index !== place && other.name.trim() === name)
    ? `There is a property ${name} already: change it there`
    : undefined
}

const difference = (before: string[], after: string[]) => ({
  add: after.filter((each) => !before.includes(each)),
  remove: before.filter((each) => !after.includes(each)),
})

const toText = (value: Json | undefined): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)

/** Text stays text, a list stays a list where it can be read as one; what is new is what it looks like. */
export function toValue(text: string, was: Json | undefined): Json {
  if (typeof was === 'string') return text
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/.test(text)) return Number(text)
  if (typeof was !== 'object' || was === null) return text
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
