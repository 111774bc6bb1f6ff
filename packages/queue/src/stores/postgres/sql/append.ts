import { pressureFrom } from '../../store.ts'

const newHeads = (s: string) => `
  insert into ${s}.heads as h (lane, tenant, cursor, tail, ready, paused, vtime, waiting_jobs, waiting_bytes)
  select g.lane, g.tenant, 0, g.pages, t.paused is not true, coalesce(t.paused, false), coalesce(l.vtime, 0), g.jobs, g.bytes`

const lengthen = (now: string) => `
  on conflict (lane, tenant) do update set
    tail = h.tail + excluded.tail,
    ready = not (h.saturated or h.paused) and h.open_at <= ${now},
    vtime = case when h.ready then h.vtime else greatest(h.vtime, excluded.vtime) end,
    waiting_jobs = h.waiting_jobs + excluded.waiting_jobs,
    waiting_bytes = h.waiting_bytes + excluded.waiting_bytes
  returning lane, tenant, tail, waiting_jobs, waiting_bytes`

/** Tenants near a quota, of a CTE `head`. `jobs` and `bytes` are the default quotas. */
const nearQuota = (s: string, jobs: string, bytes: string) => `
select h.lane, h.tenant, h.waiting_jobs::float8 as jobs, h.waiting_bytes::float8 as bytes,
       coalesce(t.max_jobs, ${jobs}::bigint)::float8 as "maxJobs", coalesce(t.max_bytes, ${bytes}::bigint)::float8 as "maxBytes"
from head h left join ${s}.tenants t using (tenant)
where h.waiting_jobs >= ${pressureFrom}::float8 * coalesce(t.max_jobs, ${jobs}::bigint)
   or h.waiting_bytes >= ${pressureFrom}::float8 * coalesce(t.max_bytes, ${bytes}::bigint)`

/**
 * Turns the rows of a CTE `input (lane, tenant, jobs, bytes, body, first_at, followers)` into pages of the ordinary stream,
 * giving them the next numbers of their heads; `followers` is how many pages of the same head come after the page. Heads are
 * locked in (lane, tenant) order, so that two appends never wait for each other in a circle. A head that was idle starts at
 * its lane's virtual time.
 *
 * A page finds its head's tail by place in an array: joined by name, the planner, which can't know how many rows there are,
 * compared every page with every head (128 heads: 2.2 of 4.8 ms; 10,000: 30 s).
 */
export const appendInput = (s: string, now: string) => `
placed as (
  select *, dense_rank() over (order by lane collate "C", tenant collate "C") as place from input
), grouped as (
  select lane, tenant, count(*) as pages, sum(jobs) as jobs, sum(bytes) as bytes from input group by lane, tenant
), head as (
  ${newHeads(s)}
  from grouped g left join ${s}.lanes l using (lane) left join ${s}.tenants t using (tenant)
  order by g.lane collate "C", g.tenant collate "C"
  ${lengthen(now)}
), tails as materialized (
  select array_agg(tail order by lane collate "C", tenant collate "C") as of_place from head
), appended as (
  insert into ${s}.pages (lane, tenant, stream, seq, jobs, bytes, ready_at, first_at, body)
  select i.lane, i.tenant, '', tails.of_place[i.place] - i.followers, i.jobs, i.bytes, ${now}, i.first_at, i.body
  from placed i, tails
)`

/**
 * Rows of pages from parallel arrays and one byte string that holds all bodies one after the other: as an array of text
 * each body would be quoted, sent, and unquoted byte by byte.
 *
 * $1 lanes, $2 tenants, $3 jobs, $4 bytes, $5 all bodies, $6 due times (null: ready now), $7 alone, $8 followers,
 * $9 streams, $10 times of the first attempt (null: when it becomes ready).
 */
const given = `
given as (
  select lane, tenant, jobs, bytes, due_at, alone, followers, stream, first_at,
         convert_from(substring($5::bytea from (sum(bytes) over (order by n) - bytes + 1)::int for bytes), 'UTF8') as body
  from unnest($1::text[], $2::text[], $3::int[], $4::int[], $6::float8[], $7::boolean[], $8::int[], $9::text[], $10::float8[])
       with ordinality as t (lane, tenant, jobs, bytes, due_at, alone, followers, stream, first_at, n)
)`

const schedule = (s: string, rows: string) => `
  insert into ${s}.scheduled (due_at, alone, lane, tenant, stream, jobs, bytes, first_at, body)
  select due_at, alone, lane, tenant, stream, jobs, bytes, first_at, body from ${rows}`

/**
 * One statement stores a whole group commit: pages of ordinary streams, and of any stream for later.
 * $1–$10 the pages, $11 now, $12 and $13 default quotas (jobs, bytes; null: none). Returns tenants near a quota.
 */
export const append = (s: string) => `
with ${given}, input as (
  select lane, tenant, jobs, bytes, body, first_at, followers from given where due_at is null
), later as (${schedule(s, 'given where due_at is not null')}
), ${appendInput(s, '$11::float8')}${nearQuota(s, '$12', '$13')}`

/**
 * The same for the most frequent commits, whose pages are all of ordinary streams and ready now. The pages come sorted by
 * head, in bytes, with the place of their head, and so do the heads: nothing is grouped here, and what is sorted is sorted
 * already. Against {@link append}, 10 pages take 0.82, 64 pages 0.83 and 10,000 pages 0.59 of the time.
 *
 * The pages: $1 lanes, $2 tenants, $3 jobs, $4 bytes, $5 bodies, $6 places, $7 followers; their heads: $8 lanes, $9 tenants,
 * $10 pages, $11 jobs, $12 bytes (all null: every page has its own); $13 now, $14 and $15 default quotas.
 */
export const appendReady = (s: string) => `
with head as (${newHeads(s)}
  from unnest(coalesce($8::text[], $1::text[]), coalesce($9::text[], $2::text[]), $10::int[],
              coalesce($11::int[], $3::int[]), coalesce($12::int[], $4::int[])) as o (lane, tenant, pages, jobs, bytes)
  cross join lateral (select o.lane, o.tenant, coalesce(o.pages, 1) as pages, o.jobs, o.bytes) g
  left join ${s}.lanes l on l.lane = g.lane left join ${s}.tenants t on t.tenant = g.tenant
  order by g.lane collate "C", g.tenant collate "C"
  ${lengthen('$13::float8')}
), tails as materialized (
  select array_agg(tail order by lane collate "C", tenant collate "C") as of_place from head
), appended as (
  insert into ${s}.pages (lane, tenant, stream, seq, jobs, bytes, ready_at, body)
  select i.lane, i.tenant, '', tails.of_place[i.place] - i.followers, i.jobs, i.bytes, $13::float8, i.body
  from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[], $6::int[], $7::int[])
       as i (lane, tenant, jobs, bytes, body, place, followers), tails
)${nearQuota(s, '$14', '$15')}`

/** $1–$10 the pages, $11 the channel to notify at commit. Runs inside the caller's transaction. */
export const scheduleIn = (s: string) => `
with ${given}, later as (${schedule(s, 'given')}
)
select pg_notify($11, 'scheduled')`

/**
 * Pages of streams: to be run in a transaction, after {@link lockHeads}. Each page's number follows from the stream's tail.
 * $1–$10 the pages, $11 now.
 */
export const appendStreams = (s: string) => `
with ${given}, grouped as (
  select lane, tenant, stream, count(*) as pages from given group by lane, tenant, stream
), counted as (
  update ${s}.heads h set waiting_jobs = h.waiting_jobs + g.jobs, waiting_bytes = h.waiting_bytes + g.bytes
  from (select lane, tenant, sum(jobs) as jobs, sum(bytes) as bytes from given group by lane, tenant) g
  where h.lane = g.lane and h.tenant = g.tenant
), stream as (
  insert into ${s}.streams as t (lane, tenant, stream, tail, vtime)
  select g.lane, g.tenant, g.stream, g.pages,
         -- Priorities are always looked at; a new key was never served.
         case when g.stream like 'p%' then '-infinity'::float8 else 0 end
  from grouped g
  on conflict (lane, tenant, stream) do update set
    tail = t.tail + excluded.tail,
    ready = not t.held and t.open_at <= $11::float8
  returning lane, tenant, stream, tail
)
insert into ${s}.pages (lane, tenant, stream, seq, jobs, bytes, ready_at, first_at, body)
select i.lane, i.tenant, i.stream, t.tail - i.followers, i.jobs, i.bytes, $11::float8, i.first_at, i.body
from given i join stream t using (lane, tenant, stream)`

/**
 * Makes missing heads and locks all of them in order; the statements after it see what others committed before the locks
 * were had. $1 lanes, $2 tenants.
 */
export const makeHeads = (s: string) => `
insert into ${s}.heads (lane, tenant, ready, paused, vtime)
select g.lane, g.tenant, false, coalesce(t.paused, false), coalesce(l.vtime, 0)
from unnest($1::text[], $2::text[]) as g (lane, tenant)
left join ${s}.lanes l using (lane) left join ${s}.tenants t using (tenant)
order by g.lane collate "C", g.tenant collate "C"
on conflict (lane, tenant) do nothing`

/** Takes unique keys that are free or whose window is over. $1 lanes, $2 tenants, $3 keys, $4 ids, $5 untils, $6 now. */
export const takeKeys = (s: string) => `
with given as (
  select distinct on (lane, tenant, key) *
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[]) with ordinality
       as g (lane, tenant, key, id, until, n)
  order by lane, tenant, key, n
), taken as (
  insert into ${s}.unique_keys as u (lane, tenant, key, id, until)
  select lane, tenant, key, id, until from given order by lane, tenant, key
  on conflict (lane, tenant, key) do update set id = excluded.id, until = excluded.until where u.until <= $6::float8
  returning lane, tenant, key, id
)
select lane, tenant, key, id from taken`

/** Who has the keys now. $1 lanes, $2 tenants, $3 keys. */
export const keyHolders = (s: string) => `
select u.lane, u.tenant, u.key, u.id
from ${s}.unique_keys u join unnest($1::text[], $2::text[], $3::text[]) as g (lane, tenant, key) using (lane, tenant, key)`

/** $1 ids, $2 lanes, $3 tenants, $4 data. */
export const storeBlobs = (s: string) => `
insert into ${s}.blobs (id, lane, tenant, data)
select id, lane, tenant, data from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as b (id, lane, tenant, data)
on conflict (id) do nothing`
