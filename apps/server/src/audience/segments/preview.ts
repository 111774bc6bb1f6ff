import type { Seat } from '../../platform/capacity/expensive-reads.ts'
import { ConditionCompiler } from '../conditions/condition-sql.ts'
import type { Condition } from '../conditions/language.ts'
import { loadZones } from '../conditions/load-zones.ts'
import { needsOf } from '../conditions/needs.ts'
import { countPeople } from '../people/count.ts'
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
const maxShown = 10
/** Where conditions on people themselves leave fewer than this, their history is asked for one by one. */
const fewShare = 0.01

/**
 * Estimates from a sample of people, or counts exactly.
 *
 * @param conditions checked, for segments
 * @throws {ApiError} 422
 */
export async function previewSegment(
  seat: Seat,
  projectId: number,
  conditions: Condition,
  { exact }: { exact: boolean },
): Promise<Preview> {
  const expanded = await expandFor(seat, seat.pool, projectId, conditions)
  const total = await countPeople(seat, projectId)
  const look = await lookAtSample(seat, projectId, expanded)
  const few = look.found.slice(0, maxShown)
  if (!exact && total > sampleSize * 5) {
    const count = Math.round((look.found.length / look.looked) * total)
    return {
      count,
      exact: false,
      sampled: look.looked,
      total,
      sample: await loadEntries(seat, projectId, few),
    }
  }
  const { count, found } = await countExactly(seat, projectId, expanded, look)
  const sample = await loadEntries(seat, projectId, found ?? few)
  return { count, exact: true, sampled: null, total: Math.max(total, count), sample }
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
async function lookAtSample(seat: Seat, projectId: number, condition: Condition): Promise<Look> {
  const zones = await loadZones(seat.pool, projectId, condition)
  const compiler = new ConditionCompiler(projectId, seat.now(), 'probes', { zones })
  const { project, parameters } = compiler.context
  const belongs = compiler.compile(condition)
  const alone = ofPeopleThemselves(condition)
  const { rows } = await seat.pool.query<{ id: number; belongs: boolean; left: boolean }>(
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
  seat: Seat,
  projectId: number,
  condition: Condition,
  look: Look,
): Promise<{ count: number; found: number[] | undefined }> {
  const isFew = look.left < fewShare
  const zones = await loadZones(seat.pool, projectId, condition)
  const compiler = new ConditionCompiler(projectId, seat.now(), isFew ? 'probes' : 'sets', { zones })
  const belongs = compiler.compile(condition)
  const enough = look.found.length >= maxShown
  // Memory for the sets: as a hash they are looked up, otherwise joined in parts on disk. How many people a condition
  // leaves is a guess of PostgreSQL's: a loop over what it takes for few costs 9 µs for each of many.
  const setUp = `set local work_mem = '128MB'; set local enable_nestloop = ${isFew ? 'on' : 'off'}`
  return seat.transaction(setUp, async (client) => {
    const { rows } = await client.query<{ count: number; found: number[] }>(
      `select count(*), ${enough ? "'{}'::bigint[]" : `(array_agg(p.id))[1:${maxShown}]`} as found
       from people p ${compiler.joins} where p.project_id = ${compiler.context.project} and ${belongs}`,
      compiler.values,
    )
    const { count, found } = rows[0]!
    return { count, found: enough ? undefined : (found ?? []).map(Number) }
  })
}

/** The part of a condition that must hold and looks at no history; undefined when there is none, or no history either. */
function ofPeopleThemselves(condition: Condition): Condition | undefined {
  const parts = 'all' in condition ? condition.all : [condition]
  const simple = parts.filter((part) => needsOf(part).historic.size === 0)
  return simple.length === 0 || simple.length === parts.length ? undefined : { all: simple }
}
