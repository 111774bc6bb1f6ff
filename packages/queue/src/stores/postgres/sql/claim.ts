/**
 * Claims for several lanes at once: the ready heads with the lowest virtual time, then the next pages of each, at one
 * charge of the estimated cost. Two claimers never wait for each other (SKIP LOCKED), and because a head knows the number
 * of its next page, the cost does not depend on how much waits or on dead rows left by finished pages.
 *
 * A claim need not survive a crash of the server (the pages would only be claimable again), so it does not wait for the
 * disk: `synchronous_commit` is off for this transaction alone.
 *
 * $1 worker, $2 lanes, $3 heads, $4 pages per head, $5 bytes, $6 skipped lane/tenant pairs joined by U+001F.
 */
export const claim = (s: string) => `
with mode as materialized (
  select set_config('synchronous_commit', 'off', true)
), want as materialized (
  select w.* from mode, unnest($2::text[], $3::int[], $4::int[], $5::int[]) as w (lane, heads, pages, bytes)
), picked as materialized (
  select h.*, w.pages, w.bytes as max_bytes, coalesce(t.weight, 1) as weight
  from want w
  cross join lateral (
    select lane, tenant, cursor, vtime, cost from ${s}.heads
    where lane = w.lane and ready and (lane || E'\\x1f' || tenant) <> all ($6::text[])
    order by vtime limit w.heads
    for no key update skip locked
  ) h
  left join ${s}.tenants t on t.tenant = h.tenant
), taken as materialized (
  select * from (
    select k.lane, k.tenant, k.cost, k.weight, k.vtime, k.max_bytes, p.seq, p.jobs, p.bytes, p.ready_at, p.done, p.body,
           sum(p.bytes) over (partition by k.lane order by k.vtime, k.tenant, p.seq rows unbounded preceding) - p.bytes
             as bytes_before
    from picked k
    cross join lateral (
      select * from ${s}.pages p
      where p.lane = k.lane and p.tenant = k.tenant and p.seq > k.cursor and p.seq <= k.cursor + k.pages
      order by p.seq
    ) p
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
  insert into ${s}.leases (worker, lanes, tenants, seqs, jobs)
  select $1::bigint, array_agg(lane), array_agg(tenant), array_agg(seq), sum(jobs)
  from taken having count(*) > 0
  returning id
)
select leased.id::float8 as lease, t.lane, t.tenant, t.seq::float8 as seq, t.jobs, t.bytes, t.ready_at as "readyAt",
       t.done, t.body, t.cost, t.weight
from taken t, leased
order by t.lane, t.vtime, t.tenant, t.seq`
