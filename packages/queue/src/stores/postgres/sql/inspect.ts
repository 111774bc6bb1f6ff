/** $1 now. Waiting work comes from the heads' counters; the oldest age from the first page of each ready head. */
export const stats = (s: string) => `
with waiting as (
  select h.lane, sum(h.waiting_jobs) as jobs, sum(h.waiting_bytes) as bytes,
         count(*) filter (where h.ready) as tenants, min(p.ready_at) as oldest
  from ${s}.heads h
  left join ${s}.pages p on h.ready and p.lane = h.lane and p.tenant = h.tenant and p.seq = h.cursor + 1
  group by h.lane
), later as (
  select lane, sum(jobs) as jobs from ${s}.scheduled group by lane
), leased as (
  select u.lane, sum(p.jobs - coalesce(cardinality(p.done), 0)) as jobs
  from ${s}.leases l, unnest(l.lanes, l.tenants, l.seqs) as u (lane, tenant, seq)
  join ${s}.pages p on p.lane = u.lane and p.tenant = u.tenant and p.seq = u.seq
  group by u.lane
), dead as (
  select lane, count(*) as jobs from ${s}.dead_letters group by lane
)
select lane, coalesce(w.jobs, 0)::float8 as "waitingJobs", coalesce(w.bytes, 0)::float8 as "waitingBytes",
       coalesce(l.jobs, 0)::float8 as "scheduledJobs", coalesce(r.jobs, 0)::float8 as "leasedJobs",
       coalesce(d.jobs, 0)::float8 as "deadJobs",
       greatest(0, coalesce($1::float8 - w.oldest, 0)) as "oldestAgeMs", coalesce(w.tenants, 0)::float8 as tenants
from waiting w full join later l using (lane) full join leased r using (lane) full join dead d using (lane)
order by lane`

/** $1 now, $2 limit. */
export const tenants = (s: string) => `
select h.lane, h.tenant, h.waiting_jobs::float8 as "waitingJobs", h.waiting_bytes::float8 as "waitingBytes",
       greatest(0, coalesce($1::float8 - p.ready_at, 0)) as "oldestAgeMs", coalesce(t.weight, 1) as weight
from ${s}.heads h
left join ${s}.pages p on p.lane = h.lane and p.tenant = h.tenant and p.seq = h.cursor + 1
left join ${s}.tenants t on t.tenant = h.tenant
where h.ready
order by h.waiting_jobs desc limit $2`

export const setWeight = (s: string) => `
insert into ${s}.tenants (tenant, weight) values ($1, $2) on conflict (tenant) do update set weight = excluded.weight`

/** $1 lane, $2 tenant, $3 before (ISO time), $4 limit; nulls match all. */
export const deadLetters = (s: string) => `
select id, lane, tenant, name, data, attempts, reason, died_at as "diedAt" from ${s}.dead_letters
where ($1::text is null or lane = $1) and ($2::text is null or tenant = $2) and ($3::timestamptz is null or died_at < $3)
order by died_at desc limit $4`

export const takeDead = (s: string) => `
delete from ${s}.dead_letters where id = any ($1::text[]) returning id, lane, tenant, name, data`

/** Empties a tenant's heads under their locks, so that no claim sees a number without its page. $1 tenant. */
export const purgeTenant = (s: string) => `
with head as (
  select lane, tenant, cursor, tail from ${s}.heads where tenant = $1 order by lane for update
), emptied as (
  update ${s}.heads h set cursor = h.tail, ready = false, waiting_jobs = 0, waiting_bytes = 0
  from head where h.lane = head.lane and h.tenant = head.tenant
), waiting as (
  delete from ${s}.pages p using head
  where p.lane = head.lane and p.tenant = head.tenant and p.seq > head.cursor and p.seq <= head.tail returning p.jobs
), later as (
  delete from ${s}.scheduled where tenant = $1 returning jobs
), dead as (
  delete from ${s}.dead_letters where tenant = $1 returning 1 as jobs
)
select coalesce(sum(jobs), 0)::float8 as jobs
from (select jobs from waiting union all select jobs from later union all select jobs from dead) all_jobs`

export const lockHeads = (s: string) => `select 1 from ${s}.heads where tenant = $1 order by lane for update`

/** $1 lane, $2 tenant, $3 id, $4 name, $5 data, $6 attempts, $7 reason. */
export const bury = (s: string) => `
insert into ${s}.dead_letters (lane, tenant, id, name, data, attempts, reason) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (lane, tenant, id) do update set
  name = excluded.name, data = excluded.data, attempts = excluded.attempts, reason = excluded.reason, died_at = now()`
