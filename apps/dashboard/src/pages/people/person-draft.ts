import type { PersonChanges } from '../../api/people.ts'
import type { Json, PersonDetail } from '../../api/types.ts'

export interface PersonDraft {
  properties: { key: string; name: string; value: string; isNew?: boolean; was?: Json }[]
  tags: string[]
  /** Ids of segments. */
  lists: string[]
  topics: Record<string, boolean>
}

export const toDraft = ({ properties, tags, segments, topics }: PersonDetail): PersonDraft => ({
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
  const topics = Object.entries(after.topics).filter(([name, wanted]) => before.topics[name] !== wanted)
  return {
    properties: Object.fromEntries(properties),
    topics: Object.fromEntries(topics),
    tags: difference(before.tags, after.tags),
    lists: difference(
      before.lists.filter((list) => manual.has(list)),
      after.lists.filter((list) => manual.has(list)),
    ),
  }
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
