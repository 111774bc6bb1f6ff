import { priorityStepMs } from '../../../pages/streams.ts'

/** A lane and a tenant as one text that no other pair gives. */
export const skipped = `char_length(lane) || ':' || lane || tenant`

/**
 * Claims for several lanes at once: the ready heads with the lowest virtual time, then the next pages of each, at one
 * charge of the estimated cost. Two claimers never wait for each other (SKIP LOCKED), and because a head knows the number
 * of its next page, the cost does not depend on how much waits or on dead rows left by finished pages.
 *
 * A claim need not survive a crash of the server (the pages would only be claimable again), so it does not wait for the
 * disk: `synchronous_commit` is off for this transaction alone.
 *
 * Heads with streams or with limits on their tenant are named only (`seq` is null); {@link claimSpecial} serves them.
 *
 * $1 worker, $2 lanes, $3 heads, $4 pages per head, $5 bytes, $6 skipped tenants, see {@link skipped}.
 */
export const claim = (s: string) => `
with mode as materialized (
  select set_config('synchronous_commit', 'off', true)
), want as materialized (
  select w.* from mode, unnest($2::text[], $3::int[], $4::int[], $5::int[]) as w (lane, heads, pages, bytes)
  left join ${s}.lanes l using (lane) where l.paused is not true
), picked as materialized (
  select h.*, w.pages, w.bytes as max_bytes, coalesce(t.weight, 1) as weight,
         h.streams or t.max_in_flight is not null or t.rate is not null as special
  from want w
  cross join lateral (
    select lane, tenant, cursor, vtime, cost, streams, cancels from ${s}.heads
    where lane = w.lane and ready and (${skipped}) <> all ($6::text[])
    order by vtime limit w.heads
    for no key update skip locked
  ) h
  left join ${s}.tenants t on t.tenant = h.tenant
), taken as materialized (
  select * from (
    select k.lane, k.tenant, k.cost, k.weight, k.vtime, k.max_bytes, k.cancels,
           p.seq, p.jobs, p.bytes, p.ready_at, p.first_at, p.done, p.body,
           sum(p.bytes) over (partition by k.lane order by k.vtime, k.tenant, p.seq rows unbounded preceding) - p.bytes
             as bytes_before
    from picked k
    cross join lateral (
      select * from ${s}.pages p
      where p.lane = k.lane and p.tenant = k.tenant and p.stream = '' and p.seq > k.cursor and p.seq <= k.cursor + k.pages
      order by p.seq
    ) p
    where not k.special
  ) fitting
  where bytes_before < max_bytes
), moved as (
  update ${s}.heads h set
    cursor = m.last,
    ready = m.last < h.tail,
    vtime = h.vtime + m.jobs * h.cost / m.weight,
    waiting_jobs = h.waiting_jobs - m.jobs,
    waiting_bytes = h.waiting_bytes - m.bytes
  from (
    select lane, tenant, weight, max(seq) as last, sum(jobs) as jobs, sum(bytes) as bytes
    from taken group by lane, tenant, weight
  ) m
  where h.lane = m.lane and h.tenant = m.tenant
), clock as (
  insert into ${s}.lanes as l (lane, vtime)
  select lane, min(vtime) from taken group by lane order by lane
  on conflict (lane) do update set vtime = excluded.vtime where l.vtime < excluded.vtime
), leased as (
  insert into ${s}.leases (worker, lanes, tenants, streams, seqs, jobs)
  select $1::bigint, array_agg(lane), array_agg(tenant), array_agg(''::text), array_agg(seq), sum(jobs)
  from taken having count(*) > 0
  returning id
)
select leased.id::float8 as lease, t.lane, t.tenant, t.seq::float8 as seq, t.jobs, t.bytes, t.ready_at as "readyAt",
       coalesce(t.first_at, t.ready_at) as "firstAt", t.done, t.body, t.cost, t.weight, t.cancels, t.vtime
from taken t, leased
union all
select null, lane, tenant, null, null, null, null, null, null, null, null, null, null, vtime from picked where special
order by 2, 14, 3, 4`

/**
 * The second half of a claim, a transaction, for heads that the first half only named: those with streams, and those of
 * tenants with `max_in_flight` or a rate. First the heads, locked. $1 lanes, $2 tenants.
 */
export const lockSpecial = (s: string) => `
select h.lane, h.tenant, h.cursor::float8 as cursor, h.vtime, h.cost, h.granted, h.cancels, h.open_at as "openAt",
       coalesce(t.weight, 1) as weight, t.max_in_flight as "maxInFlight", t.rate
from ${s}.heads h
join unnest($1::text[], $2::text[]) as g (lane, tenant) on h.lane = g.lane and h.tenant = g.tenant
left join ${s}.tenants t on t.tenant = h.tenant
where h.ready
order by h.lane, h.vtime
for no key update of h skip locked`

/**
 * Their next pages: of the ordinary stream up to `pages`, of each other stream that is ready one, of at most `streams` of
 * them: priorities first, then the keys served longest ago. In the order of coming, priorities earlier by a step each, keys
 * not before they were served last: so they take turns.
 * $1 lanes, $2 tenants, $3 cursors, $4 pages, $5 bytes (per lane, repeated), $6 streams.
 */
export const specialPages = (s: string) => `
with head as (
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::int[]) with ordinality
    as g (lane, tenant, cursor, pages, max_bytes, place)
), next as (
  select h.lane, h.tenant, h.max_bytes, h.place, p.ready_at as turn, p.*
  from head h cross join lateral (
    select stream, seq, jobs, bytes, ready_at, first_at, done, body from ${s}.pages p
    where p.lane = h.lane and p.tenant = h.tenant and p.stream = '' and p.seq > h.cursor and p.seq <= h.cursor + h.pages
  ) p
  union all
  select h.lane, h.tenant, h.max_bytes, h.place,
         case when x.stream like 'p%' then p.ready_at - substr(x.stream, 2)::int * ${priorityStepMs}
              else greatest(p.ready_at, x.vtime) end, p.*
  from head h cross join lateral (
    select stream, cursor, vtime from ${s}.streams x
    where x.lane = h.lane and x.tenant = h.tenant and x.ready
    order by x.vtime limit $6
  ) x cross join lateral (
    select stream, seq, jobs, bytes, ready_at, first_at, done, body from ${s}.pages p
    where p.lane = h.lane and p.tenant = h.tenant and p.stream = x.stream and p.seq = x.cursor + 1
    limit 1
  ) p
)
select lane, tenant, stream, seq::float8 as seq, jobs, bytes, ready_at as "readyAt",
       coalesce(first_at, ready_at) as "firstAt", done, body
from (
  select *, sum(bytes) over (partition by lane order by place, turn, seq rows unbounded preceding) - bytes as bytes_before
  from next
) fitting
where bytes_before < max_bytes
order by place, turn, seq`

/**
 * $1 worker, $2 lanes, $3 tenants, $4 streams, $5 seqs, $6 jobs in all;
 * grants: $7 lanes, $8 tenants, $9 slots. Returns the lease.
 */
export const leaseSpecial = (s: string) => `
with leased as (
  insert into ${s}.leases (worker, lanes, tenants, streams, seqs, jobs)
  values ($1::bigint, $2::text[], $3::text[], $4::text[], $5::bigint[], $6)
  returning id
), granted as (
  insert into ${s}.grants (lease, lane, tenant, slots)
  select leased.id, g.lane, g.tenant, g.slots from leased, unnest($7::text[], $8::text[], $9::int[]) as g (lane, tenant, slots)
)
select id::float8 as lease from leased`

/** Streams of which a page was taken; a key's virtual time is when it was served last. $1 lanes, $2 tenants, $3 streams, $4 seqs, $5 now. */
export const advanceStreams = (s: string) => `
update ${s}.streams t set
  cursor = g.seq,
  held = t.stream like 'k%',
  ready = g.seq < t.tail and t.stream not like 'k%',
  vtime = case when t.stream like 'k%' then $5::float8 else t.vtime end
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as g (lane, tenant, stream, seq)
where t.lane = g.lane and t.tenant = g.tenant and t.stream = g.stream`

/** $1 lanes, $2 tenants, $3 cursors, $4 jobs, $5 bytes, $6 virtual time, $7 slots, $8 open times. */
export const advanceHeads = (s: string) => `
with given as (
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::float8[], $7::int[], $8::float8[])
    as g (lane, tenant, cursor, jobs, bytes, charge, slots, open_at)
), clock as (
  insert into ${s}.lanes as l (lane, vtime)
  select h.lane, min(h.vtime) from given g join ${s}.heads h using (lane, tenant) group by h.lane order by h.lane
  on conflict (lane) do update set vtime = excluded.vtime where l.vtime < excluded.vtime
)
update ${s}.heads h set
  cursor = g.cursor,
  vtime = h.vtime + g.charge,
  waiting_jobs = h.waiting_jobs - g.jobs,
  waiting_bytes = h.waiting_bytes - g.bytes,
  granted = h.granted + g.slots,
  open_at = greatest(h.open_at, g.open_at)
from given g
where h.lane = g.lane and h.tenant = g.tenant`
