import type { Json } from '@fairway/queue'
import type { PersonState } from './person.ts'
import { sameValue } from './registers.ts'
import type { PeopleSession } from './session.ts'

/** An entry of a person's history. */
export interface Change {
  kind: 'updated' | 'tags' | 'topics' | 'devices' | 'subscription' | 'suppression' | 'merged'
  detail: Record<string, Json>
}

/** Longer values are named in the history but not repeated. */
const maxValueLength = 500

const columns = ['external_id', 'email', 'phone', 'timezone', 'language'] as const

/** What differs between two states, the times of writes aside. Empty when nothing does. */
export function changesBetween(before: PersonState, after: PersonState): Change[] {
  const changes: Change[] = []
  const fields: Record<string, Json> = {}
  for (const column of columns)
    if (before[column] !== after[column]) fields[column] = fromTo(before[column], after[column])
  const properties = changedMembers(before.properties, after.properties)
  if (properties) fields.properties = properties
  if (Object.keys(fields).length > 0) changes.push({ kind: 'updated', detail: fields })

  const tags = addedAndRemoved(before.tags, after.tags)
  if (tags) changes.push({ kind: 'tags', detail: tags })
  const topics = changedMembers(before.topics, after.topics)
  if (topics) changes.push({ kind: 'topics', detail: topics })
  const devices = addedAndRemoved(before.channels.map(describe), after.channels.map(describe))
  if (devices) changes.push({ kind: 'devices', detail: devices })
  if (before.subscribed !== after.subscribed)
    changes.push({ kind: 'subscription', detail: { subscribed: after.subscribed } })
  if (before.suppressed !== after.suppressed)
    changes.push({ kind: 'suppression', detail: { suppressed: after.suppressed } })
  return changes
}

/** A new person's history begins with what is not as usual; the rest is the person. */
export function firstChanges({ subscribed, suppressed }: PersonState): Change[] {
  const changes: Change[] = []
  if (!subscribed) changes.push({ kind: 'subscription', detail: { subscribed } })
  if (suppressed) changes.push({ kind: 'suppression', detail: { suppressed } })
  return changes
}

function changedMembers(
  before: Record<string, Json>,
  after: Record<string, Json>,
): Record<string, Json> | undefined {
  const changed: [string, Json][] = []
  for (const name in after) {
    const was = Object.hasOwn(before, name) ? before[name]! : null
    if (!sameValue(was, after[name])) changed.push([name, fromTo(was, after[name]!)])
  }
  for (const name in before)
    if (!Object.hasOwn(after, name)) changed.push([name, fromTo(before[name]!, null)])
  return changed.length > 0 ? Object.fromEntries(changed) : undefined
}

function fromTo(from: Json, to: Json): Json {
  const short = JSON.stringify(from).length <= maxValueLength && JSON.stringify(to).length <= maxValueLength
  return short ? { from, to } : { long: true }
}

function addedAndRemoved(before: string[], after: string[]) {
  const added = after.filter((value) => !before.includes(value))
  const removed = before.filter((value) => !after.includes(value))
  return added.length + removed.length > 0 ? { added, removed } : undefined
}

const describe = ({ address, platform }: PersonState['channels'][number]) =>
  platform ? `${platform} ${address}` : address

/** Appends to the history of people. `at` is epoch ms. */
export async function recordChanges(
  { client, projectId }: PeopleSession,
  people: { id: number; at: number; changes: Change[] }[],
): Promise<void> {
  const rows = people.flatMap(({ id, at, changes }) =>
    changes.map(({ kind, detail }) => ({ id, kind, detail, at: new Date(at) })),
  )
  if (rows.length === 0) return
  await client.query({
    name: 'people_changes_insert',
    text: `insert into person_changes (project_id, person_id, kind, detail, at)
           select $1, id, kind, detail, at
           from json_to_recordset($2) as r (id bigint, kind text, detail jsonb, at timestamptz)`,
    values: [projectId, JSON.stringify(rows)],
  })
}
