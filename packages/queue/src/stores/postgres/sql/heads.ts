/**
 * Statements of transactions that change more of a head than a plain append, claim or settlement does. They lock the heads
 * first, in order; every statement after the lock sees what was committed before it, and {@link refreshHeads} at the end
 * computes from that what the plain statements rely on.
 */

/** $1 lanes, $2 tenants. */
export const lockHeads = (s: string) => `
select h.lane, h.tenant from ${s}.heads h
join unnest($1::text[], $2::text[]) as g (lane, tenant) on h.lane = g.lane and h.tenant = g.tenant
order by h.lane collate "C", h.tenant collate "C" for no key update of h`

/**
 * Whether a head is saturated, has streams with work, and is ready. One that becomes ready starts at its lane's virtual
 * time: having been closed earns no credit. $1 lanes, $2 tenants, $3 now.
 */
export const refreshHeads = (s: string) => `
update ${s}.heads h set
  saturated = f.saturated,
  streams = f.streams,
  ready = f.ready,
  vtime = case when h.ready or not f.ready then h.vtime else greatest(h.vtime, f.lane_vtime) end
from (
  select o.lane, o.tenant, x.streams, x.saturated, coalesce(l.vtime, 0) as lane_vtime,
         not (x.saturated or o.paused) and o.open_at <= $3::float8 and (o.cursor < o.tail or x.streams) as ready
  from unnest($1::text[], $2::text[]) as g (lane, tenant)
  join ${s}.heads o on o.lane = g.lane and o.tenant = g.tenant
  left join ${s}.tenants t on t.tenant = o.tenant
  left join ${s}.lanes l on l.lane = o.lane
  cross join lateral (
    select coalesce(o.granted >= t.max_in_flight, false) as saturated,
           exists (select from ${s}.streams x where x.lane = o.lane and x.tenant = o.tenant and x.ready) as streams
  ) x
) f
where h.lane = f.lane and h.tenant = f.tenant`

/** Heads and streams whose time has come. $1 now, $2 limit. */
export const closedHeads = (s: string) => `
select lane, tenant from ${s}.heads
where not ready and not paused and open_at > 0 and open_at <= $1::float8
order by open_at limit $2`

export const closedStreams = (s: string) => `
select lane, tenant, stream from ${s}.streams
where not ready and not held and open_at > 0 and open_at <= $1::float8
order by open_at limit $2`

/** $1 lanes, $2 tenants, $3 now. */
export const openHeads = (s: string) => `
update ${s}.heads h set open_at = 0 from unnest($1::text[], $2::text[]) as g (lane, tenant)
where h.lane = g.lane and h.tenant = g.tenant and h.open_at <= $3::float8`

/** $1 lanes, $2 tenants, $3 streams, $4 now. */
export const openStreams = (s: string) => `
update ${s}.streams t set open_at = 0, ready = t.cursor < t.tail
from unnest($1::text[], $2::text[], $3::text[]) as g (lane, tenant, stream)
where t.lane = g.lane and t.tenant = g.tenant and t.stream = g.stream and not t.held and t.open_at <= $4::float8`

/** Not to be claimed from before a time. $1 lanes, $2 tenants, $3 times. */
export const closeHeads = (s: string) => `
update ${s}.heads h set open_at = greatest(h.open_at, g.until)
from unnest($1::text[], $2::text[], $3::float8[]) as g (lane, tenant, until)
where h.lane = g.lane and h.tenant = g.tenant`

/** Grants of leases, given back to their heads. $1 leases, $2 lanes, $3 tenants. */
export const releaseGrants = (s: string) => `
with freed as (
  delete from ${s}.grants g using unnest($1::bigint[], $2::text[], $3::text[]) as r (lease, lane, tenant)
  where g.lease = r.lease and g.lane = r.lane and g.tenant = r.tenant
  returning g.lane, g.tenant, g.slots
)
update ${s}.heads h set granted = greatest(0, h.granted - f.slots)
from (select lane, tenant, sum(slots) as slots from freed group by lane, tenant) f
where h.lane = f.lane and h.tenant = f.tenant`

/** Grants that dead workers held. $1 leases. */
export const lostGrants = (s: string) =>
  `select lease, lane, tenant from ${s}.grants where lease = any ($1::bigint[])`

/**
 * Pages of exclusive streams are finished: the next page may be leased; streams with nothing left are forgotten.
 * $1 lanes, $2 tenants, $3 streams, $4 now.
 */
export const freeStreams = (s: string) => `
with given as (
  select * from unnest($1::text[], $2::text[], $3::text[]) as g (lane, tenant, stream)
), gone as (
  delete from ${s}.streams t using given g
  where t.lane = g.lane and t.tenant = g.tenant and t.stream = g.stream and t.cursor >= t.tail
)
update ${s}.streams t set held = false, ready = t.open_at <= $4::float8
from given g
where t.lane = g.lane and t.tenant = g.tenant and t.stream = g.stream and t.cursor < t.tail`

/**
 * What is left of a leased page of an exclusive stream goes back to its place, before all that waits behind it.
 * $1 lanes, $2 tenants, $3 streams, $4 seqs, $5 jobs, $6 bytes, $7 bodies, $8 first times, $9 open times, $10 now.
 */
export const restorePages = (s: string) => `
with given as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::int[], $7::text[], $8::float8[], $9::float8[])
    as g (lane, tenant, stream, seq, jobs, bytes, body, first_at, open_at)
), page as (
  insert into ${s}.pages as p (lane, tenant, stream, seq, jobs, bytes, ready_at, first_at, body)
  select lane, tenant, stream, seq, jobs, bytes, $10::float8, first_at, body from given
  on conflict (lane, tenant, stream, seq) do update set
    jobs = excluded.jobs, bytes = excluded.bytes, body = excluded.body, first_at = excluded.first_at, done = null
), counted as (
  update ${s}.heads h set waiting_jobs = h.waiting_jobs + g.jobs, waiting_bytes = h.waiting_bytes + g.bytes
  from (select lane, tenant, sum(jobs) as jobs, sum(bytes) as bytes from given group by lane, tenant) g
  where h.lane = g.lane and h.tenant = g.tenant
)
update ${s}.streams t set cursor = g.seq - 1, held = false, open_at = g.open_at, ready = g.open_at <= $10::float8
from given g
where t.lane = g.lane and t.tenant = g.tenant and t.stream = g.stream`
