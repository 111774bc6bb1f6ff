import { allowOnly, object, refuse, wholeNumber } from '../../audience/conditions/check.ts'
import { ConditionCompiler } from '../../audience/conditions/condition-sql.ts'
import type { Condition } from '../../audience/conditions/language.ts'
import { loadZones } from '../../audience/conditions/load-zones.ts'
import { parseConditions } from '../../audience/conditions/parse.ts'
import type { Zones } from '../../audience/conditions/zones.ts'
import { expandFor } from '../../audience/segments/segment.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'

/** Who is meant: members of a segment, people for whom conditions hold, both, or everybody. */
export interface Chosen {
  segment?: number
  conditions?: Condition
}

/** Checks `segment` and `conditions` of a body. Throws a 422 that names the place. */
export async function parseChosen(
  reading: Reading,
  projectId: number,
  { segment, conditions }: { segment?: unknown; conditions?: unknown },
  path = '',
): Promise<Chosen> {
  const chosen: Chosen = {}
  if (segment !== undefined) {
    wholeNumber(segment, `${path}segment`, 1, 2_147_483_647)
    const { rows } = await reading.pool.query('select from segments where project_id = $1 and id = $2', [
      projectId,
      segment,
    ])
    if (rows.length === 0) throw refuse(`${path}segment`, `names segment ${segment}, which does not exist`)
    chosen.segment = segment as number
  }
  if (conditions !== undefined) {
    chosen.conditions = parseConditions(conditions, { trigger: false, path: `${path}conditions` })
    await expandFor(reading, reading.pool, projectId, chosen.conditions)
  }
  return chosen
}

/** An object with these members and no others. */
export function parseMembers(body: unknown, path: string, allowed: string[]): Record<string, unknown> {
  const members = object(body, path, 'must be a JSON object')
  allowOnly(members, path, allowed)
  return members
}

export interface ExaminedPeople {
  ids: number[]
  examined: number
  /** The id of the last person looked at; null where there was nobody. */
  last: number | null
}

interface Where {
  after: number | null
  upTo?: number
  most: number
  newestFirst?: boolean
}

/**
 * Looks at the next people in the order of their ids, along the primary key of people or of the segment's members, and
 * tells which of them are meant. `most` bounds the work, whatever the conditions.
 */
export class ChosenPeople {
  readonly #reading: Reading
  readonly #projectId: number
  readonly #segment: number | undefined
  readonly #condition: Condition | undefined
  readonly #zones: Zones | undefined

  private constructor(
    reading: Reading,
    projectId: number,
    { segment, conditions }: Chosen,
    zones: Zones | undefined,
  ) {
    this.#reading = reading
    this.#projectId = projectId
    this.#segment = segment
    this.#condition = conditions
    this.#zones = zones
  }

  /** @throws {ApiError} 422 for conditions that name what is not there any more */
  static async of(reading: Reading, projectId: number, chosen: Chosen): Promise<ChosenPeople> {
    if (!chosen.conditions) return new ChosenPeople(reading, projectId, chosen, undefined)
    const conditions = await expandFor(reading, reading.pool, projectId, chosen.conditions)
    const zones = await loadZones(reading.pool, projectId, conditions)
    return new ChosenPeople(reading, projectId, { ...chosen, conditions }, zones)
  }

  /** `upTo`: nobody with a greater id is looked at. */
  async look({ after, upTo, most, newestFirst = false }: Where): Promise<ExaminedPeople> {
    const compiler = new ConditionCompiler(this.#projectId, this.#reading.now(), 'probes', {
      zones: this.#zones,
    })
    const { parameters, project } = compiler.context
    const [table, column] = this.#segment === undefined ? ['people', 'id'] : ['segment_members', 'person_id']
    const where = [`t.project_id = ${project}`]
    if (this.#segment !== undefined) where.push(`t.segment_id = ${parameters.add(this.#segment, 'integer')}`)
    if (after !== null)
      where.push(`t.${column} ${newestFirst ? '<' : '>'} ${parameters.add(after, 'bigint')}`)
    if (upTo !== undefined) where.push(`t.${column} <= ${parameters.add(upTo, 'bigint')}`)
    const order = newestFirst ? 'desc' : 'asc'
    const belongs = this.#condition === undefined ? 'true' : compiler.compile(this.#condition)
    const { rows } = await this.#reading.pool.query<{ ids: number[]; examined: number; last: number | null }>(
      `with looked as materialized (
         select t.${column} as id from ${table} t where ${where.join(' and ')}
         order by t.${column} ${order} limit ${parameters.add(most, 'integer')}),
       belonging as (
         select p.id from looked join people p on p.project_id = ${project} and p.id = looked.id ${compiler.joins}
         where ${belongs})
       select array(select id from belonging order by id ${order}) as ids, (select count(*) from looked) as examined,
         (select ${newestFirst ? 'min' : 'max'}(id) from looked) as last`,
      compiler.values,
    )
    const { ids, examined, last } = rows[0]!
    // Elements of an array come as text.
    return { ids: ids.map(Number), examined, last }
  }
}
