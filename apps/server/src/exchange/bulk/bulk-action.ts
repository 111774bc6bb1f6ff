import type { Json } from '@fairway/queue'
import {
  allowOnly,
  list,
  object,
  refuse,
  requireTrue,
  text,
  wholeNumber,
} from '../../audience/conditions/check.ts'
import type { IngestItem } from '../../audience/items/item.ts'
import { maxPersonPathLength, parsePersonPath } from '../../audience/people/edit.ts'
import { findPersonIds } from '../../audience/people/lookup.ts'
import { requireManualSegment } from '../../audience/segments/members.ts'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import type { Right } from '../../platform/rights.ts'
import { startTask, type Task, toTask } from '../../platform/tasks/task.ts'
import { type Chosen, parseChosen, parseMembers } from './chosen.ts'

/** What to do with each person. */
export type BulkAction =
  | { kind: 'add_tag' | 'remove_tag'; tag: string }
  | { kind: 'subscribe' | 'unsubscribe' | 'suppress' | 'erase' }
  | { kind: 'add_to_segment' | 'remove_from_segment'; segment: number }
  | { kind: 'set_property'; name: string; value: Json }
  | { kind: 'set_topic'; topic: string; wanted: boolean }

/** The task's input. */
export interface BulkInput {
  /** Our own ids, ascending; otherwise whoever is chosen. */
  ids: number[] | null
  chosen: Chosen
  action: BulkAction
  /** Epoch ms of the request: the time of every write, so that what people do meanwhile is newer. */
  at: number
  /** Nobody who was created later is meant. */
  upTo: number
  requestedBy: string
}

const kinds = [
  'add_tag',
  'remove_tag',
  'subscribe',
  'unsubscribe',
  'suppress',
  'erase',
  'add_to_segment',
  'remove_from_segment',
  'set_property',
  'set_topic',
] as const
/** What can't be taken back, or is for each person to say, needs more than editing. */
const rightsOfKinds: Record<BulkAction['kind'], Right> = {
  add_tag: 'people.edit',
  remove_tag: 'people.edit',
  add_to_segment: 'people.edit',
  remove_from_segment: 'people.edit',
  set_property: 'people.edit',
  set_topic: 'people.consent',
  subscribe: 'people.consent',
  unsubscribe: 'people.consent',
  suppress: 'people.consent',
  erase: 'people.erase',
}
const maxIds = 10_000
const maxNameLength = 255

export const rightOf = ({ kind }: BulkAction): Right => rightsOfKinds[kind]

/** Of a body that is not checked yet; undefined for an action that is none, which {@link startBulkAction} refuses. */
export function rightOfBody(body: unknown): Right | undefined {
  const kind = (body as { action?: { kind?: unknown } | null } | null)?.action?.kind
  return typeof kind === 'string' && Object.hasOwn(rightsOfKinds, kind)
    ? rightsOfKinds[kind as BulkAction['kind']]
    : undefined
}

/** @throws {ApiError} 404, 409 or 422 */
export async function startBulkAction(
  app: App,
  projectId: number,
  body: unknown,
  requestedBy: string,
): Promise<Task> {
  const members = parseMembers(body, 'body', ['people', 'action'])
  const action = await parseAction(app, projectId, members.action)
  const { ids, chosen } = await parsePeople(app, projectId, members.people)
  const { rows } = await app.pool.query<{ most: number; size: number | null }>(
    `select coalesce((select id from people where project_id = $1 order by id desc limit 1), 0) as most,
       (select size from segments where project_id = $1 and id = $2) as size`,
    [projectId, chosen.segment ?? null],
  )
  const { most, size } = rows[0]!
  const input: BulkInput = { ids, chosen, action, at: app.now().getTime(), upTo: most, requestedBy }
  const row = await withTransaction(app.pool, (client) =>
    startTask(app, client, projectId, {
      kind: 'bulk_action',
      title: titleOf(action),
      input: input as unknown as Record<string, Json>,
      total: ids?.length ?? size,
    }),
  )
  return toTask(row)
}

async function parsePeople(
  app: App,
  projectId: number,
  people: unknown,
): Promise<{ ids: number[] | null; chosen: Chosen }> {
  const members = parseMembers(people, 'people', ['ids', 'segment', 'conditions', 'everybody'])
  const { ids, everybody, ...chosen } = members
  if (Object.keys(members).length !== 1)
    throw refuse('people', 'must have one of ids, segment, conditions, everybody')
  if (ids !== undefined) return { ids: await resolveIds(app, projectId, ids), chosen: {} }
  if (everybody !== undefined && everybody !== true) throw refuse('people.everybody', 'must be true')
  return { ids: null, chosen: await parseChosen(app, projectId, chosen, 'people.') }
}

/** Numbers of people who are gone meanwhile are passed over; an id that nobody has is a mistake. */
async function resolveIds(app: App, projectId: number, ids: unknown): Promise<number[]> {
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > maxIds)
    throw refuse('people.ids', `must be a list of 1 to ${maxIds.toLocaleString('en')} people`)
  const references = ids.map((id, place) => {
    const path = Number.isInteger(id) ? String(id) : id
    if (typeof path !== 'string' || path.length > maxPersonPathLength)
      throw refuse(`people.ids.${place}`, 'must be a number or a text')
    const parsed = parsePersonPath(path)
    return 'internal' in parsed ? { internalId: parsed.internal } : { id: parsed.external }
  })
  const found = await findPersonIds(app.pool, projectId, references)
  for (const [place, id] of found.entries())
    if (id === null && 'id' in references[place]!)
      throw refuse(`people.ids.${place}`, `names ${ids[place]}, whom nobody is`)
  return [...new Set(found.filter((id) => id !== null))].sort((a, b) => a - b)
}

async function parseAction(app: App, projectId: number, input: unknown): Promise<BulkAction> {
  const action = object(input, 'action', 'must be a JSON object')
  const { kind } = action
  switch (kind) {
    case 'add_tag':
    case 'remove_tag':
      allowOnly(action, 'action', ['kind', 'tag'])
      return { kind, tag: text(action.tag, 'action.tag', maxNameLength) }
    case 'subscribe':
    case 'unsubscribe':
    case 'suppress':
    case 'erase':
      allowOnly(action, 'action', ['kind'])
      return { kind }
    case 'add_to_segment':
    case 'remove_from_segment': {
      allowOnly(action, 'action', ['kind', 'segment'])
      wholeNumber(action.segment, 'action.segment', 1, 2_147_483_647)
      const { id } = await requireManualSegment(app, projectId, action.segment as number)
      return { kind, segment: id }
    }
    case 'set_property':
      allowOnly(action, 'action', ['kind', 'name', 'value'])
      return {
        kind,
        name: text(action.name, 'action.name', maxNameLength),
        value: parseValue(action.value),
      }
    case 'set_topic':
      allowOnly(action, 'action', ['kind', 'topic', 'wanted'])
      requireTrue(action.wanted, 'action.wanted')
      return {
        kind,
        topic: text(action.topic, 'action.topic', maxNameLength),
        wanted: action.wanted as boolean,
      }
    default:
      throw refuse('action.kind', `must be one of ${list(kinds)}`)
  }
}

function parseValue(value: unknown): Json {
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === '') return value
  if (typeof value === 'string') return text(value, 'action.value', 10_000)
  throw refuse('action.value', 'must be text, a number, true, false, or null to remove the property')
}

function titleOf(action: BulkAction): string {
  switch (action.kind) {
    case 'add_tag':
      return `Add the tag ${action.tag}`
    case 'remove_tag':
      return `Remove the tag ${action.tag}`
    case 'set_property':
      return action.value === null ? `Remove the property ${action.name}` : `Set the property ${action.name}`
    case 'set_topic':
      return `${action.wanted ? 'Subscribe to' : 'Unsubscribe from'} the topic ${action.topic}`
    case 'add_to_segment':
      return `Add to segment ${action.segment}`
    case 'remove_from_segment':
      return `Remove from segment ${action.segment}`
    default:
      return `${action.kind[0]!.toUpperCase()}${action.kind.slice(1)} people`
  }
}

type Written = IngestItem extends infer Item
  ? Item extends IngestItem
    ? Omit<Item, 'person' | 'at' | 'acceptedAt' | 'source'>
    : never
  : never

/** The item that does it to one person; undefined for what segments do. */
export function itemOf(action: BulkAction, requestedBy: string): Written | undefined {
  switch (action.kind) {
    case 'add_tag':
      return { kind: 'tags', add: [action.tag], remove: [] }
    case 'remove_tag':
      return { kind: 'tags', add: [], remove: [action.tag] }
    case 'subscribe':
    case 'unsubscribe':
      return { kind: 'subscription', subscribed: action.kind === 'subscribe' }
    case 'suppress':
      return { kind: 'suppression', suppressed: true }
    case 'erase':
      return { kind: 'delete', requestedBy }
    case 'set_property':
      return {
        kind: 'identify',
        updateOnly: true,
        properties: Object.fromEntries([[action.name, action.value]]),
      }
    case 'set_topic':
      return {
        kind: 'identify',
        updateOnly: true,
        topics: Object.fromEntries([[action.topic, action.wanted]]),
      }
    default:
      return undefined
  }
}
