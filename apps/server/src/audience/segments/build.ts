import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { TaskFailed, type TaskKind, type TaskSession } from '../../platform/tasks/kind.ts'
import type { TaskRow } from '../../platform/tasks/task.ts'
import { ConditionCompiler } from '../conditions/condition-sql.ts'
import { relativeLeavesOf } from '../conditions/due.ts'
import { dueSql } from '../conditions/due-sql.ts'
import { loadZones } from '../conditions/load-zones.ts'
import { holdPeople } from '../people/session.ts'
import { type Definition, loadDefinitions } from './definitions.ts'
import { lockSegments } from './lock.ts'
import { changeSizes } from './membership.ts'

/** People of one step: with a condition on events a second at most, and everybody else waits that long for the lock. */
const peoplePerStep = 20_000

/**
 * Task kind `segment_build`: looks at everybody once after a segment was made or its conditions changed, a range of ids
 * at a time, in the database. Nobody enters or leaves by it as far as campaigns are concerned. People who change while
 * it runs are looked at by `evaluate.ts` as always.
 */
export const segmentBuild: TaskKind<number> = {
  open: async (app, task) => new BuildSession(app, task),
  async ended(app, client, { project_id, id }, state) {
    if (state !== 'done') return
    await client.query(
      `update segments set state = 'ready', built_at = $3, build_task = null where project_id = $1 and build_task = $2`,
      [project_id, id, app.now()],
    )
  },
}

class BuildSession implements TaskSession<number> {
  readonly #app: App
  readonly #projectId: number
  readonly #segmentId: number
  #builtTo: number

  constructor(app: App, task: TaskRow) {
    this.#app = app
    this.#projectId = task.project_id
    this.#segmentId = Number(task.input.segment)
    this.#builtTo = (task.cursor as number | null) ?? 0
  }

  /** The last id of the next range. */
  async next(): Promise<number | undefined> {
    const { rows } = await this.#app.pool.query<{ id: number }>(
      `select max(id) as id from (
         select id from people where project_id = $1 and id > $2 order by id limit ${peoplePerStep}) as p`,
      [this.#projectId, this.#builtTo],
    )
    return rows[0]?.id ?? undefined
  }

  async write(client: PoolClient, to: number) {
    const from = this.#builtTo
    await holdPeople(client, this.#projectId, { exclusive: false })
    await lockSegments(client, this.#projectId)
    const { dynamic } = await loadDefinitions(this.#app, client, this.#projectId)
    const definition = dynamic.find(({ id }) => id === this.#segmentId)
    if (!definition) throw new TaskFailed('The segment was deleted')
    const { looked, grown } = await buildRange(
      client,
      this.#projectId,
      definition,
      { from, to },
      this.#app.now(),
    )
    await changeSizes(client, this.#projectId, new Map([[this.#segmentId, grown]]))
    await client.query('update segments set built_to = $3 where project_id = $1 and id = $2', [
      this.#projectId,
      this.#segmentId,
      to,
    ])
    this.#builtTo = to
    return { cursor: to, done: looked, detail: { members: grown } }
  }
}

async function buildRange(
  client: PoolClient,
  projectId: number,
  { id, condition }: Definition,
  { from, to }: { from: number; to: number },
  now: Date,
): Promise<{ looked: number; grown: number }> {
  const zones = await loadZones(client, projectId, condition, { from, to })
  const compiler = new ConditionCompiler(projectId, now, 'probes', { zones })
  const { parameters, project } = compiler.context
  const segment = parameters.add(id, 'integer')
  const range = (column: string) =>
    `${column} > ${parameters.add(from, 'bigint')} and ${column} <= ${parameters.add(to, 'bigint')}`
  const belongs = compiler.compile(condition)
  const due = dueSql(relativeLeavesOf(condition), compiler.context)
  const { rows } = await client.query<{ looked: number; added: number; removed: number }>(
    `with looked as materialized (
       select p.id, ${belongs} as belongs, ${due ?? 'null::timestamptz'} as due
       from people p ${compiler.joins} where p.project_id = ${project} and ${range('p.id')}),
     removed as (
       delete from segment_members m
       where m.project_id = ${project} and m.segment_id = ${segment} and ${range('m.person_id')}
         and not exists (select from looked l where l.id = m.person_id and l.belongs) returning 1),
     added as (
       insert into segment_members (project_id, segment_id, person_id, entered_at)
       select ${project}, ${segment}, id, ${parameters.add(now, 'timestamptz')} from looked where belongs
       on conflict do nothing returning 1),
     noted as (
       insert into segment_due as d (project_id, person_id, due_at)
       select ${project}, id, due from looked where due is not null
       on conflict (project_id, person_id) do update set due_at = excluded.due_at where excluded.due_at < d.due_at)
     select (select count(*) from looked) as looked, (select count(*) from added) as added,
       (select count(*) from removed) as removed`,
    compiler.values,
  )
  const { looked, added, removed } = rows[0]!
  return { looked, grown: added - removed }
}
