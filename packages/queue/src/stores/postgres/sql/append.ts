/**
 * Turns the rows of a CTE `input (lane, tenant, jobs, bytes, body, followers)` into pages, giving them the next numbers of
 * their heads; `followers` is how many pages of the same head come after the page. Heads are locked in (lane, tenant) order, so that two appends never wait for each other in a circle. A head that
 * was idle starts at its lane's virtual time.
 */
export const appendInput = (s: string, now: string) => `
grouped as (
  select lane, tenant, count(*) as pages, sum(jobs) as jobs, sum(bytes) as bytes from input group by lane, tenant
), head as (
  insert into ${s}.heads as h (lane, tenant, cursor, tail, ready, vtime, waiting_jobs, waiting_bytes)
  select g.lane, g.tenant, 0, g.pages, true, coalesce(l.vtime, 0), g.jobs, g.bytes
  from grouped g left join ${s}.lanes l using (lane)
  order by g.lane, g.tenant
  on conflict (lane, tenant) do update set
    tail = h.tail + excluded.tail,
    ready = true,
    vtime = case when h.ready then h.vtime else greatest(h.vtime, excluded.vtime) end,
    waiting_jobs = h.waiting_jobs + excluded.waiting_jobs,
    waiting_bytes = h.waiting_bytes + excluded.waiting_bytes
  returning lane, tenant, tail
), appended as (
  insert into ${s}.pages (lane, tenant, seq, jobs, bytes, ready_at, body)
  select i.lane, i.tenant, h.tail - i.followers, i.jobs, i.bytes, ${now}, i.body
  from input i join head h using (lane, tenant)
)`

/**
 * Rows of pages from parallel arrays and one byte string that holds all bodies one after the other: as an array of text
 * each body would be quoted, sent, and unquoted byte by byte.
 */
const given = `
given as (
  select lane, tenant, jobs, bytes, due_at, alone, followers,
         convert_from(substring($5::bytea from (sum(bytes) over (order by n) - bytes + 1)::int for bytes), 'UTF8') as body
  from unnest($1::text[], $2::text[], $3::int[], $4::int[], $6::float8[], $7::boolean[], $8::int[])
       with ordinality as t (lane, tenant, jobs, bytes, due_at, alone, followers, n)
)`

/**
 * One statement stores a whole group commit.
 * $1 lanes, $2 tenants, $3 jobs, $4 bytes, $5 all bodies, $6 due times (null: ready now), $7 alone, $8 followers, $9 now.
 */
export const append = (s: string) => `
with ${given}, input as (
  select lane, tenant, jobs, bytes, body, followers from given where due_at is null
), later as (
  insert into ${s}.scheduled (due_at, alone, lane, tenant, jobs, bytes, body)
  select due_at, alone, lane, tenant, jobs, bytes, body from given where due_at is not null
), ${appendInput(s, '$9::float8')}
select 1`

/** $1–$8 as {@link append}, $9 the channel to notify at commit. Runs inside the caller's transaction. */
export const scheduleIn = (s: string) => `
with ${given}, later as (
  insert into ${s}.scheduled (due_at, alone, lane, tenant, jobs, bytes, body)
  select due_at, alone, lane, tenant, jobs, bytes, body from given
)
select pg_notify($9, 'scheduled')`
