import type { PoolClient } from 'pg'
import type { App } from '../app.ts'
import { ConditionCompiler } from '../conditions/condition-sql.ts'
import { type Condition, leavesOf } from '../conditions/language.ts'
import { withTransaction } from '../db/transaction.ts'
import { loadEntries, type PersonEntry } from '../people/list.ts'
import { expandFor } from './segment.ts'

/** What a condition would select. */
export interface Preview {
  count: number
  /** False: estimated from a sample. */
  exact: boolean
  /** People looked at; null when it is everybody. */
  sampled: number | null
  /** Everybody in the project. */
  total: number
  sample: PersonEntry[]
}

/** Places in the order of ids where the sample looks, and people at each: 2,000 in well under a second. */
const places = 40
const peoplePerPlace = 50
const sampleSize = places * peoplePerPlace
const mostShown = 10
const timeoutMs = 60_000
/** Counting them takes 7 ms and more, and a thousand more or fewer don't show. */
const largeProject = 100_000
const totalMs = 10_000
/** Where conditions on people themselves leave fewer than this, their history is asked for one by one. */
const fewShare = 0.01

/**
 * Estimates from a sample of people, or counts exactly.
 *
 * @param conditions checked, for segments
 * @throws {ApiError} 422
 */
export async function previewSegment(
  app: App,
  projectId: number,
  conditions: Condition,
  { exact, signal }: { exact: boolean; signal?: AbortSignal },
): Promise<Preview> {
  const expanded = await expandFor(app, app.pool, projectId, conditions)
  const counting = countPeople(app, projectId)
  counting.catch(() => {})
  const look = await lookAtSample(app, projectId, expanded)
  const few = look.found.slice(0, mostShown)
  if (!exact && (await counting) > sampleSize * 5) {
    const total = await counting
    const count = Math.round((look.found.length / look.looked) * total)
    return {
      count,
      exact: false,
      sampled: look.looked,
      total,
      sample: await loadEntries(app, projectId, few),
    }
  }
  const [total, { count, found }] = await Promise.all([
    counting,
    countExactly(app, projectId, expanded, look, signal),
  ])
  const sample = await loadEntries(app, projectId, found ?? few)
  return { count, exact: true, sampled: null, total: Math.max(total, count), sample }
}

const totals = new WeakMap<App, Map<number, { count: number; at: number }>>()

/** Of a large project as of the last seconds: somebody who builds a segment asks with every change of it. */
async function countPeople(app: App, projectId: number): Promise<number> {
  const known = totals.get(app) ?? new Map<number, { count: number; at: number }>()
  totals.set(app, known)
  for (const [project, { at }] of known) if (app.now().getTime() - at > totalMs) known.delete(project)
  const last = known.get(projectId)
  if (last) return last.count
  const { rows } = await app.pool.query<{ count: number }>(
    'select count(*) from people where project_id = $1',
    [projectId],
  )
  const { count } = rows[0]!
  if (count >= largeProject) known.set(projectId, { count, at: app.now().getTime() })
  return count
}

/** What a look at some of the people shows. */
interface Look {
  looked: number
  /** Of them selected. */
  found: number[]
  /** Share of them whom the conditions on people themselves leave; 1 when these conditions decide nothing, or everything. */
  left: number
}

/** Runs of neighbours at random places: as good as single people as far as ids follow the time of joining. */
async function lookAtSample(app: App, projectId: number, condition: Condition): Promise<Look> {
  const compiler = new ConditionCompiler(projectId, app.now(), 'probes')
  const { project, parameters } = compiler.context
  const belongs = compiler.compile(condition)
  const alone = ofPeopleThemselves(condition)
  const { rows } = await app.pool.query<{ id: number; belongs: boolean; left: boolean }>(
    `with ends as (
       select (select id from people where project_id = ${project} order by id limit 1) as first,
         (select id from people where project_id = ${project} order by id desc limit 1) as last),
     starts as (
       select distinct first + floor(random_place * (last - first + 1))::bigint as start
       from ends, unnest(${parameters.add(randomPlaces(), 'float8[]')}) as r (random_place)),
     chosen as (
       select distinct p.id from starts cross join lateral (
         select id from people where project_id = ${project} and id >= start order by id limit ${peoplePerPlace}) as p)
     select p.id, ${belongs} as belongs, ${alone ? compiler.compile(alone) : 'true'} as left
     from chosen join people p on p.project_id = ${project} and p.id = chosen.id`,
    compiler.values,
  )
  return {
    looked: rows.length,
    found: rows.filter(({ belongs }) => belongs).map(({ id }) => id),
    left: rows.filter(({ left }) => left).length / Math.max(1, rows.length),
  }
}

/** One in each fortieth, so that no part of the ids is left out. */
const randomPlaces = (): number[] =>
  Array.from({ length: places }, (_, place) => (place + Math.random()) / places)

/** @returns some of those found, unless the look showed enough of them */
async function countExactly(
  app: App,
  projectId: number,
  condition: Condition,
  look: Look,
  signal: AbortSignal | undefined,
): Promise<{ count: number; found: number[] | undefined }> {
  const isFew = look.left < fewShare
  const compiler = new ConditionCompiler(projectId, app.now(), isFew ? 'probes' : 'sets')
  const belongs = compiler.compile(condition)
  const enough = look.found.length >= mostShown
  return withTransaction(app.pool, async (client) => {
    // Memory for the sets: as a hash they are looked up, otherwise joined in parts on disk. How many people a condition
    // leaves is a guess of PostgreSQL's: a loop over what it takes for few costs 9 µs for each of many.
    await client.query(`set local statement_timeout = ${timeoutMs}; set local work_mem = '128MB';
      set local enable_nestloop = ${isFew ? 'on' : 'off'}`)
    const stop = await cancelOn(app, client, signal)
    try {
      const { rows } = await client.query<{ count: number; found: number[] }>(
        `select count(*), ${enough ? "'{}'::bigint[]" : `(array_agg(p.id))[1:${mostShown}]`} as found
         from people p ${compiler.joins} where p.project_id = ${compiler.context.project} and ${belongs}`,
        compiler.values,
      )
      const { count, found } = rows[0]!
      return { count, found: enough ? undefined : (found ?? []).map(Number) }
    } finally {
      stop()
    }
  })
}

/** Ends the statement under way when nobody waits for it any more. */
async function cancelOn(app: App, client: PoolClient, signal: AbortSignal | undefined): Promise<() => void> {
  if (!signal) return () => {}
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const cancel = () => void app.pool.query('select pg_cancel_backend($1)', [rows[0]!.pid]).catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  return () => signal.removeEventListener('abort', cancel)
}

/** The part of a condition that must hold and looks at no history; undefined when there is none, or no history either. */
function ofPeopleThemselves(condition: Condition): Condition | undefined {
  const parts = 'all' in condition ? condition.all : [condition]
  const simple = parts.filter(
    (part) => ![...leavesOf(part)].some((leaf) => 'event' in leaf || 'message' in leaf),
  )
  return simple.length === 0 || simple.length === parts.length ? undefined : { all: simple }
}
