import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict } from '../../platform/errors.ts'
import { nextUpdatedAt, requireUnchanged } from '../../platform/read-at.ts'
import { startTask } from '../../platform/tasks/task.ts'
import type { Condition } from '../conditions/language.ts'
import { holdPeople } from '../people/session.ts'
import { lockSegments } from './lock.ts'
import {
  describeSegment,
  expandFor,
  maxSegments,
  type NewSegment,
  requireSegment,
  type Segment,
  type SegmentRow,
} from './segment.ts'
import { enteredEvent, leftEvent } from './segment-events.ts'
import { refuseWhileUsed, type SegmentUsers } from './used-by.ts'

/** @throws {ApiError} 409 for a name that is taken, 422 */
export async function createSegment(
  app: App,
  projectId: number,
  { name, conditions }: NewSegment,
): Promise<Segment> {
  const id = await unlessTaken(name, () =>
    withTransaction(app.pool, async (client) => {
      // Writers announce changes only where there are segments: none may be under way that saw none.
      await holdPeople(client, projectId, { exclusive: true })
      await lockSegments(client, projectId)
      if (conditions) await expandFor(app, client, projectId, conditions)
      await refuseTooMany(client, projectId)
      const { rows } = await client.query<{ id: number }>(
        `insert into segments (project_id, name, kind, conditions, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5) returning id`,
        [
          projectId,
          name,
          conditions ? 'dynamic' : 'manual',
          conditions && JSON.stringify(conditions),
          app.now(),
        ],
      )
      const { id } = rows[0]!
      if (conditions) await startBuild(app, client, projectId, { id, name })
      return id
    }),
  )
  return describeSegment(app, projectId, id)
}

/**
 * @param readAt see {@link requireUnchanged}
 * @throws {ApiError} 404, 409, 422
 */
export async function changeSegment(
  app: App,
  users: readonly SegmentUsers[],
  projectId: number,
  id: number,
  { name, conditions }: Partial<{ name: string; conditions: Condition }>,
  readAt?: string,
): Promise<Segment> {
  await unlessTaken(name, () =>
    withTransaction(app.pool, async (client) => {
      await lockSegments(client, projectId)
      const segment = await requireSegment(client, projectId, id)
      requireUnchanged('segment', readAt, segment.updated_at)
      if (name !== undefined && name !== segment.name)
        await rename(app, client, users, projectId, segment, name)
      if (conditions !== undefined) await redefine(app, client, projectId, segment, conditions)
    }),
  )
  return describeSegment(app, projectId, id)
}

/** What its people trigger follows the name. */
async function rename(
  app: App,
  client: PoolClient,
  users: readonly SegmentUsers[],
  projectId: number,
  segment: SegmentRow,
  name: string,
): Promise<void> {
  await client.query('update segments set name = $3, updated_at = $4 where project_id = $1 and id = $2', [
    projectId,
    segment.id,
    name,
    nextUpdatedAt(app.now(), segment.updated_at),
  ])
  for (const event of [enteredEvent, leftEvent])
    for (const { renameTrigger } of users)
      await renameTrigger(client, projectId, { from: event(segment.name), to: event(name) }, app.now())
}

async function redefine(
  app: App,
  client: PoolClient,
  projectId: number,
  segment: SegmentRow,
  conditions: Condition,
): Promise<void> {
  if (segment.kind === 'manual')
    throw conflict('A manual segment has no conditions; its people are added one by one')
  await expandFor(app, client, projectId, conditions, segment.id)
  await client.query(
    `update segments set conditions = $3, version = version + 1, updated_at = $4 where project_id = $1 and id = $2`,
    [projectId, segment.id, JSON.stringify(conditions), nextUpdatedAt(app.now(), segment.updated_at)],
  )
  await startBuild(app, client, projectId, segment)
  // Those who name it, directly or not, mean something else now.
  for (const dependent of await findDependents(client, projectId, segment.id))
    await startBuild(app, client, projectId, dependent)
}

async function startBuild(
  app: App,
  client: PoolClient,
  projectId: number,
  { id, name }: { id: number; name: string },
): Promise<void> {
  await cancelBuild(app, client, projectId, id)
  const { rows } = await client.query<{ count: number }>(
    'select count(*) from people where project_id = $1',
    [projectId],
  )
  const task = await startTask(app, client, projectId, {
    kind: 'segment_build',
    title: `Build segment ${name}`,
    input: { segment: id },
    total: rows[0]!.count,
  })
  await client.query(
    `update segments set state = 'building', built_to = 0, build_task = $3 where project_id = $1 and id = $2`,
    [projectId, id, task.id],
  )
}

const cancelBuild = (app: App, client: PoolClient, projectId: number, segmentId: number) =>
  client.query(
    `update tasks t set state = 'cancelled', finished_at = $3, steps = steps + 1
     from segments s where s.project_id = $1 and s.id = $2 and t.project_id = $1 and t.id = s.build_task
       and t.state in ('waiting', 'running', 'paused')`,
    [projectId, segmentId, app.now()],
  )

async function findDependents(
  client: PoolClient,
  projectId: number,
  id: number,
): Promise<{ id: number; name: string }[]> {
  const { rows } = await client.query<{ id: number; name: string }>(
    `with recursive dependents (id) as (
       select $2::integer
       union
       select s.id from segments s join dependents d
         on s.conditions @? format('strict $.**.segment ? (@ == %s)', d.id)::jsonpath
       where s.project_id = $1 and s.kind = 'dynamic')
     select s.id, s.name from segments s join dependents d on d.id = s.id
     where s.project_id = $1 and s.id <> $2 order by s.id`,
    [projectId, id],
  )
  return rows
}

/** Its members are removed by housekeeping. @throws {ApiError} 404, 409 while something uses it */
export const deleteSegment = (
  app: App,
  users: readonly SegmentUsers[],
  projectId: number,
  id: number,
): Promise<void> =>
  withTransaction(app.pool, async (client) => {
    await lockSegments(client, projectId)
    const segment = await requireSegment(client, projectId, id)
    await refuseWhileUsed(client, users, projectId, segment)
    await cancelBuild(app, client, projectId, id)
    await client.query('delete from segments where project_id = $1 and id = $2', [projectId, id])
  })

async function refuseTooMany(client: PoolClient, projectId: number): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    'select count(*) from segments where project_id = $1',
    [projectId],
  )
  if (rows[0]!.count >= maxSegments) throw conflict(`A project has ${maxSegments} segments at most`)
}

async function unlessTaken<T>(name: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, constraint } = error as { code?: string; constraint?: string }
    if (code === '23505' && constraint === 'segments_name')
      throw conflict(`There is a segment named ${name} already`)
    throw error
  }
}
