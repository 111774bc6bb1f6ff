import type { Json } from '@fairway/queue'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'

const sampleSize = 2_000
const maxValues = 50
/** Longer ones are no help to choose from. */
const maxValueLength = 200

export interface ValueEntry {
  value: Json
  /** Of the people who have the property. */
  share: number
}

/**
 * What a property of people says most, from a sample: everybody of a small project, else people at random places of the
 * primary key. Of a list every element counts.
 */
export async function listValues(
  reading: Reading,
  projectId: number,
  property: string,
): Promise<ValueEntry[]> {
  const { rows } = await reading.pool.query<ValueEntry>(
    `with sample as materialized (${await sampleSql(reading, projectId)}),
     stated as (select properties -> $2 as value from sample where jsonb_typeof(properties -> $2) <> 'null'),
     single as (
       select v.value from stated h cross join lateral (
         select element as value from jsonb_array_elements(case when jsonb_typeof(h.value) = 'array' then h.value else '[]' end) as e (element)
         union select h.value where jsonb_typeof(h.value) <> 'array') as v
       where jsonb_typeof(v.value) in ('string', 'number', 'boolean') and length(v.value::text) <= ${maxValueLength})
     select value, round(count(*)::numeric / (select count(*) from stated), 4)::float8 as share
     from single group by value order by count(*) desc, value limit ${maxValues}`,
    [projectId, property],
  )
  return rows
}

async function sampleSql(reading: Reading, projectId: number): Promise<string> {
  const { rows } = await reading.pool.query<{ count: number }>(
    `select count(*) as count from (select from people where project_id = $1 limit ${sampleSize + 1}) as p`,
    [projectId],
  )
  if (rows[0]!.count <= sampleSize) return 'select id, properties from people where project_id = $1'
  return `
    select distinct on (p.id) p.id, p.properties
    from (select (select id from people where project_id = $1 order by id limit 1) as least,
                 (select id from people where project_id = $1 order by id desc limit 1) as most) as bounds
    cross join (select random() as place from generate_series(1, ${sampleSize})) as r
    cross join lateral (
      select id, properties from people
      where project_id = $1 and id >= least + floor(r.place * (most - least + 1))::bigint order by id limit 1) as p`
}
