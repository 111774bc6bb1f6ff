import type { Pool, PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import { type Page, readCursor, writeCursor } from '../../platform/db/cursor.ts'
import type { Statements } from '../../platform/db/statements.ts'
import { notFound } from '../../platform/errors.ts'
import { type Task, type TaskRow, taskColumns, toTask } from '../../platform/tasks/task.ts'
import { allowOnly, object, refuse, text } from '../conditions/check.ts'
import { expandSegments, segmentsIn } from '../conditions/expand.ts'
import type { Condition } from '../conditions/language.ts'
import { parseConditions } from '../conditions/parse.ts'
import { loadDefinitions } from './definitions.ts'

/** A segment as the REST API tells it. */
export interface Segment {
  id: number
  name: string
  kind: 'dynamic' | 'manual'
  /** Null for a manual one. */
  conditions: Condition | null
  /** While building, members are complete up to where the task is. */
  state: 'building' | 'ready'
  size: number
  builtAt: Date | null
  /** While building. */
  task: Task | null
  createdAt: Date
  updatedAt: Date
}

export interface SegmentRow {
  id: number
  name: string
  kind: 'dynamic' | 'manual'
  conditions: Condition | null
  state: 'building' | 'ready'
  size: number
  built_at: Date | null
  build_task: number | null
  created_at: Date
  updated_at: Date
}

export const segmentColumns =
  'id, name, kind, conditions, state, size, built_at, build_task, created_at, updated_at'

/** Segments of a project at most: each costs every changed person an evaluation. */
export const maxSegments = 1_000

/** By name, which is unique but for capitals. */
export async function listSegments(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<Segment>> {
  const [after] = cursor === undefined ? [null] : readCursor(cursor, /^/)
  const query = `select ${segmentColumns}, lower(name) as folded, ${bytesOf('conditions')} as bytes from segments
    where project_id = $1 and ($2::text is null or lower(name) > $2) order by lower(name) limit $3`
  const { items, nextCursor } = await readPage<SegmentRow & { folded: string }, SegmentRow>(
    app.pool,
    { query, values: [projectId, after, limit + 1], order: 'folded', limit },
    ({ folded }) => writeCursor(folded),
    (row) => row,
  )
  return { items: await withTasks(app, projectId, items), nextCursor }
}

/** @throws {ApiError} 404 */
export async function describeSegment(app: App, projectId: number, id: number): Promise<Segment> {
  const row = await requireSegment(app.pool, projectId, id)
  return (await withTasks(app, projectId, [row]))[0]!
}

/** @throws {ApiError} 404 */
export async function requireSegment(
  client: Pool | PoolClient,
  projectId: number,
  id: number,
): Promise<SegmentRow> {
  const { rows } = await client.query<SegmentRow>(
    `select ${segmentColumns} from segments where project_id = $1 and id = $2`,
    [projectId, id],
  )
  if (!rows[0]) throw notFound('Segment')
  return rows[0]
}

async function withTasks(app: App, projectId: number, rows: SegmentRow[]): Promise<Segment[]> {
  const ids = rows.flatMap(({ build_task }) => (build_task === null ? [] : [build_task]))
  const { rows: tasks } = await app.pool.query<TaskRow>(
    `select ${taskColumns} from tasks where project_id = $1 and id = any($2::bigint[])`,
    [projectId, ids],
  )
  const byId = new Map(tasks.map((task) => [task.id, toTask(task)]))
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    kind: row.kind,
    conditions: row.conditions,
    state: row.state,
    size: row.size,
    builtAt: row.built_at,
    task: row.build_task === null ? null : (byId.get(row.build_task) ?? null),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }))
}

export type NewSegment = { name: string; conditions: Condition | null }

/** Checks a body for a new segment. Throws a 422 that names the place. */
export function parseSegment(body: unknown): NewSegment {
  const members = object(body, 'body', 'must be a JSON object')
  allowOnly(members, 'body', ['name', 'conditions', 'manual'])
  if (members.manual !== undefined && typeof members.manual !== 'boolean')
    throw refuse('manual', 'must be true or false')
  if ((members.manual === true) === (members.conditions !== undefined))
    throw refuse('conditions', 'must be given, or "manual": true instead')
  return {
    name: parseName(members.name),
    conditions: members.manual ? null : parseConditions(members.conditions, { trigger: false }),
  }
}

/** Checks a body of changes. */
export function parseSegmentChanges(body: unknown): Partial<{ name: string; conditions: Condition }> {
  const members = object(body, 'body', 'must be a JSON object')
  allowOnly(members, 'body', ['name', 'conditions'])
  return {
    ...(members.name !== undefined && { name: parseName(members.name) }),
    ...(members.conditions !== undefined && {
      conditions: parseConditions(members.conditions, { trigger: false }),
    }),
  }
}

function parseName(input: unknown): string {
  const name = text(input, 'name', 200).trim()
  if (name === '') throw refuse('name', 'must have a letter or digit')
  return name
}

/**
 * Expands conditions with the project's segments.
 *
 * @throws {ApiError} 422 for a circle, one that is too large, or a segment that does not exist
 */
export async function expandFor(
  reading: Pick<Reading, 'expensiveReads'>,
  client: Statements,
  projectId: number,
  conditions: Condition,
  /** The segment that is to get them: another one that leads back to it closes a circle. */
  self?: number,
): Promise<Condition> {
  const { find } = await loadDefinitions(reading, client, projectId)
  const expanded = expandSegments(conditions, (id) => (id === self ? conditions : find(id)))
  await requireManual(client, projectId, expanded)
  return expanded
}

async function requireManual(client: Statements, projectId: number, expanded: Condition): Promise<void> {
  const named = segmentsIn(expanded)
  if (named.length === 0) return
  const { rows } = await client.query<{ id: number }>(
    'select id from segments where project_id = $1 and id = any($2::integer[])',
    [projectId, named],
  )
  const missing = named.find((id) => !rows.some((row) => row.id === id))
  if (missing !== undefined) throw refuse('conditions', `names segment ${missing}, which does not exist`)
}
