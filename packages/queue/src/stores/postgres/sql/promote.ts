import { maxPageBytes, maxPageJobs } from '../../../pages/page.ts'
import { appendInput } from './append.ts'

/**
 * Moves due pages of ordinary streams to the end of their heads, joining small ones (single retries, small transactional
 * adds) into full pages. Rows that became due before the floor are left out: while some transaction is held open for long,
 * moved rows can't be vacuumed, and every promotion would step over all of them again. Now and then it runs without a floor.
 * $1 now, $2 rows at most, $3 floor.
 */
export const promote = (s: string) => `
with due as (
  delete from ${s}.scheduled where id in (
    select id from ${s}.scheduled where due_at <= $1::float8 and due_at >= $3::float8 and stream = ''
    order by due_at, id limit $2 for update skip locked
  )
  returning id, due_at, alone, lane, tenant, jobs, bytes, body, coalesce(first_at, due_at) as first_at
), chunked as (
  select *, (sum(jobs) over w - jobs) / ${maxPageJobs} as jobs_chunk, (sum(bytes) over w - bytes) / ${maxPageBytes} as bytes_chunk,
         case when alone then id end as own_chunk
  from due window w as (partition by lane, tenant order by due_at, id)
), joined as (
  select lane, tenant, sum(jobs)::int as jobs, (sum(bytes) + count(*) - 1)::int as bytes,
         string_agg(body, ',' order by due_at, id) as body, min(first_at) as first_at, min(id) as n
  from chunked group by lane, tenant, jobs_chunk, bytes_chunk, own_chunk
), input as (
  select lane, tenant, jobs, bytes, body, first_at, count(*) over (partition by lane, tenant) - row_number() over (partition by lane, tenant order by n) as followers
  from joined
), ${appendInput(s, '$1::float8')}
select coalesce(sum(jobs), 0)::float8 as jobs from due`

/** Due pages of other streams; locked until they are moved. $1 now, $2 rows at most. */
export const dueStreams = (s: string) => `
select id::float8 as id, lane, tenant, stream, jobs, bytes, body, coalesce(first_at, due_at) as "firstAt"
from ${s}.scheduled where stream <> '' and due_at <= $1::float8
order by due_at, id limit $2 for update skip locked`

/** $1 ids. */
export const dropScheduled = (s: string) => `delete from ${s}.scheduled where id = any ($1::bigint[])`

/** When something is due next: scheduled pages, closed heads, closed streams. $1 floor. */
export const nextDue = (s: string) => `
select least(
  (select min(due_at) from ${s}.scheduled where due_at >= $1::float8),
  (select min(open_at) from ${s}.heads where not ready and not paused and open_at > 0),
  (select min(open_at) from ${s}.streams where not ready and not held and open_at > 0)
) as at`
