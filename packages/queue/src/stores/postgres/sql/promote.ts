import { maxPageBytes, maxPageJobs } from '../../../page.ts'
import { appendInput } from './append.ts'

/**
 * Moves due pages to the end of their heads, joining small ones (single retries, small transactional adds) into full pages.
 * $1 now, $2 rows at most.
 */
export const promote = (s: string) => `
with due as (
  delete from ${s}.scheduled where id in (
    select id from ${s}.scheduled where due_at <= $1::float8 order by due_at, id limit $2 for update skip locked
  )
  returning id, due_at, alone, lane, tenant, jobs, bytes, body
), chunked as (
  select *, (sum(jobs) over w - jobs) / ${maxPageJobs} as jobs_chunk, (sum(bytes) over w - bytes) / ${maxPageBytes} as bytes_chunk,
         case when alone then id end as own_chunk
  from due window w as (partition by lane, tenant order by due_at, id)
), joined as (
  select lane, tenant, sum(jobs)::int as jobs, (sum(bytes) + count(*) - 1)::int as bytes,
         string_agg(body, ',' order by due_at, id) as body, min(id) as n
  from chunked group by lane, tenant, jobs_chunk, bytes_chunk, own_chunk
), input as (
  select lane, tenant, jobs, bytes, body, count(*) over (partition by lane, tenant) - row_number() over (partition by lane, tenant order by n) as followers
  from joined
), ${appendInput(s, '$1::float8')}
select coalesce(sum(jobs), 0)::float8 as jobs from due`

export const nextDue = (s: string) => `select min(due_at) as at from ${s}.scheduled`
