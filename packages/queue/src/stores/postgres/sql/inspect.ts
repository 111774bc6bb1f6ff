/** $1 now. Waiting work comes from the heads' counters; the oldest age from the first page of each stream with work. */
export const stats = (s: string) => `
with waiting as (
  select h.lane, sum(h.waiting_jobs) as jobs, sum(h.waiting_bytes) as bytes,
         count(*) filter (where h.waiting_jobs > 0) as tenants, min(p.first_at) as oldest
  from ${s}.heads h
  left join lateral (
    select min(first_at) as first_at from (
      select coalesce(p.first_at, p.ready_at) as first_at from ${s}.pages p
      where h.cursor < h.tail and p.lane = h.lane and p.tenant = h.tenant and p.stream = '' and p.seq = h.cursor + 1
      union all
      select coalesce(p.first_at, p.ready_at) from ${s}.streams x join ${s}.pages p using (lane, tenant, stream)
      where x.lane = h.lane and x.tenant = h.tenant and p.seq = x.cursor + 1
    ) next
  ) p on true
  group by h.lane
), later as (
  select lane, sum(jobs) as jobs from ${s}.scheduled group by lane
), leased as (
  select u.lane, sum(p.jobs - coalesce(cardinality(p.done), 0)) as jobs
  from ${s}.leases l, unnest(l.lanes, l.tenants, l.streams, l.seqs) as u (lane, tenant, stream, seq)
  join ${s}.pages p on p.lane = u.lane and p.tenant = u.tenant and p.stream = coalesce(u.stream, '') and p.seq = u.seq
  group by u.lane
), dead as (
  select lane, count(*) as jobs from ${s}.dead_letters group by lane
)
select lane, coalesce(w.jobs, 0)::float8 as "waitingJobs", coalesce(w.bytes, 0)::float8 as "waitingBytes",
       coalesce(l.jobs, 0)::float8 as "scheduledJobs", coalesce(r.jobs, 0)::float8 as "leasedJobs",
       coalesce(d.jobs, 0)::float8 as "deadJobs",
       greatest(0, coalesce($1::float8 - w.oldest, 0)) as "oldestAgeMs", coalesce(w.tenants, 0)::float8 as tenants,
       coalesce(n.paused, false) as paused
from waiting w full join later l using (lane) full join leased r using (lane) full join dead d using (lane)
left join ${s}.lanes n using (lane)
order by lane`

/** $1 now, $2 limit, $3 lane, $4 tenant; nulls match all. */
export const tenants = (s: string) => `
select h.lane, h.tenant, h.waiting_jobs::float8 as "waitingJobs", h.waiting_bytes::float8 as "waitingBytes",
       greatest(0, coalesce($1::float8 - p.first_at, 0)) as "oldestAgeMs", coalesce(t.weight, 1) as weight,
       coalesce(t.paused, false) as paused
from (
  select * from ${s}.heads
  where waiting_jobs > 0 and ($3::text is null or lane = $3) and ($4::text is null or tenant = $4)
  order by waiting_jobs desc limit $2
) h
left join lateral (
  select min(coalesce(p.first_at, p.ready_at)) as first_at from ${s}.pages p
  where p.lane = h.lane and p.tenant = h.tenant and (
    (p.stream = '' and p.seq = h.cursor + 1)
    or (p.stream, p.seq) in (select x.stream, x.cursor + 1 from ${s}.streams x where x.lane = h.lane and x.tenant = h.tenant))
) p on true
left join ${s}.tenants t on t.tenant = h.tenant
order by h.waiting_jobs desc`

/** $1 lanes, $2 tenants, $3 and $4 default quotas. */
export const usage = (s: string) => `
select g.lane, g.tenant, coalesce(h.waiting_jobs, 0)::float8 as jobs, coalesce(h.waiting_bytes, 0)::float8 as bytes,
       coalesce(t.max_jobs, $3::bigint)::float8 as "maxJobs", coalesce(t.max_bytes, $4::bigint)::float8 as "maxBytes"
from unnest($1::text[], $2::text[]) as g (lane, tenant)
left join ${s}.heads h using (lane, tenant) left join ${s}.tenants t using (tenant)`

export const waitingUsage = (s: string) => `
select coalesce(sum(waiting_jobs), 0)::float8 as jobs, coalesce(sum(waiting_bytes), 0)::float8 as bytes from ${s}.heads`

export const scheduledUsage = (s: string) => `
select coalesce(sum(jobs), 0)::float8 as jobs, coalesce(sum(bytes), 0)::float8 as bytes from ${s}.scheduled`

/**
 * $1 lane, $2 tenant, $3 name, $4 reason as a pattern, $5 before (ISO time), $6 after (ref), $7 limit, $8 with data; nulls
 * match all.
 */
export const deadLetters = (s: string) => letters(s, 'true')

/** The same of some letters, $9. A statement of its own: `$9 is null or …` would be planned without the index on n. */
export const deadLettersOfRefs = (s: string) => letters(s, 'd.n = any ($9::bigint[])')

const letters = (s: string, which: string) => `
select d.n::text as ref, d.id, d.lane, d.tenant, d.name, d.attempts, d.reason, extract(epoch from d.died_at)::float8 * 1000 as "diedAt",
       case when $8::boolean then coalesce((select b.data from ${s}.blobs b where b.id = d.blob), d.data) end as data
from ${s}.dead_letters d
where ${which} and ($1::text is null or d.lane = $1) and ($2::text is null or d.tenant = $2) and ($3::text is null or d.name = $3)
  and ($4::text is null or d.reason ilike $4 or lower(d.reason collate "C") like lower($4 collate "C")) and ($5::timestamptz is null or d.died_at < $5)
  and ($6::bigint is null or d.n < $6)
order by d.n desc limit $7`

/** $1 refs. */
export const takeDead = (s: string) => `
delete from ${s}.dead_letters where n = any ($1::bigint[])
returning n::text as ref, id, lane, tenant, stream, name, data, blob,
  (select octet_length(b.data) from ${s}.blobs b where b.id = blob) as "blobBytes"`

/** Empties a tenant's heads under their locks, so that no claim sees a number without its page. $1 tenant. */
export const purgeTenant = (s: string) => `
with head as (
  select lane, tenant, cursor, tail from ${s}.heads where tenant = $1 order by lane collate "C" for update
), stream as (
  select lane, tenant, stream, cursor, tail from ${s}.streams where tenant = $1
), emptied as (
  update ${s}.heads h set cursor = h.tail, ready = false, streams = false, cancels = false, waiting_jobs = 0, waiting_bytes = 0
  from head where h.lane = head.lane and h.tenant = head.tenant
), drained as (
  update ${s}.streams t set cursor = t.tail, ready = false from stream
  where t.lane = stream.lane and t.tenant = stream.tenant and t.stream = stream.stream
), waiting as (
  delete from ${s}.pages p using (
    select lane, tenant, ''::text as stream, cursor, tail from head union all select * from stream
  ) g
  where p.lane = g.lane and p.tenant = g.tenant and p.stream = g.stream and p.seq > g.cursor and p.seq <= g.tail
  returning p.jobs
), later as (
  delete from ${s}.scheduled where tenant = $1 returning jobs
), dead as (
  delete from ${s}.dead_letters where tenant = $1 returning 1 as jobs
), keys as (
  delete from ${s}.unique_keys where tenant = $1
), marks as (
  delete from ${s}.cancelled where tenant = $1
), bars as (
  delete from ${s}.progress where tenant = $1
), payloads as (
  delete from ${s}.blobs where tenant = $1
)
select coalesce(sum(jobs), 0)::float8 as jobs
from (select jobs from waiting union all select jobs from later union all select jobs from dead) all_jobs`

export const lockTenant = (s: string) =>
  `select lane from ${s}.heads where tenant = $1 order by lane collate "C" for update`

/** What {@link stats} counts, from the pages themselves: every one that is stored waits or is leased. */
export const remaining = (s: string) => `
select (
  (select coalesce(sum(jobs - coalesce(cardinality(done), 0)), 0) from ${s}.pages) +
  (select coalesce(sum(jobs), 0) from ${s}.scheduled)
)::float8 as jobs`

/** $1 lanes, $2 tenants, $3 keys, $4 now. */
export const holders = (s: string) => `
select lane, tenant, key, id, until from ${s}.unique_keys
join unnest($1::text[], $2::text[], $3::text[]) as g (lane, tenant, key) using (lane, tenant, key)
where until > $4::float8`
