/** Leases live by the database's clock alone, so that the clocks of workers may differ. $1 lease in ms. */
export const openWorker = (s: string) => `
insert into ${s}.workers (expires_at) values (clock_timestamp() + $1 * interval '1 millisecond') returning id::float8 as id`

/** Below 0, see {@link Store.openWorker}. */
export const openMover = (s: string) => `
insert into ${s}.workers (id, expires_at) overriding system value
values (-nextval(pg_get_serial_sequence('${s}.workers', 'id')), clock_timestamp() + $1 * interval '1 millisecond')
returning id::float8 as id`

/** One row keeps all leases of a worker alive. $1 worker, $2 lease in ms, $3 report. */
export const heartbeat = (s: string) => `
update ${s}.workers set expires_at = clock_timestamp() + $2 * interval '1 millisecond', report = coalesce($3, report)
where id = $1 returning 1`

export const reports = (s: string) => `
select id::float8 as worker, report from ${s}.workers where report is not null and expires_at > clock_timestamp()`

export const closeWorker = (s: string) => `
delete from ${s}.workers w where id = $1 and not exists (select from ${s}.leases where worker = w.id)`

/** With the time by which that was judged, epoch ms. */
export const expiredWorkers = (s: string) => `
select extract(epoch from clock_timestamp())::float8 * 1000 as at, array(
  select id from ${s}.workers where expires_at < clock_timestamp() order by id limit 8 for update skip locked
)::text[] as ids`

/** Ends the leases of dead workers. $1 workers. */
export const endLeases = (s: string) => `
delete from ${s}.leases where worker = any ($1::bigint[]) returning id::float8 as id, worker < 0 as moving, lanes, tenants, streams, seqs`

/** Ends leases of a living worker that it does not know of. $1 worker, $2 leases it knows, $3 age in ms. */
export const endUnknown = (s: string) => `
delete from ${s}.leases
where worker = $1 and id <> all ($2::bigint[]) and at < clock_timestamp() - $3 * interval '1 millisecond'
returning id::float8 as id, lanes, tenants, streams, seqs`

/** Takes out the pages they held. $1 lanes, $2 tenants, $3 streams, $4 seqs, $5 by a mover. */
export const takeBack = (s: string) => `
delete from ${s}.pages p
using unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::boolean[]) as g (lane, tenant, stream, seq, moving)
where p.lane = g.lane and p.tenant = g.tenant and p.stream = g.stream and p.seq = g.seq
returning p.lane, p.tenant, p.stream, p.seq::float8 as seq, p.jobs, coalesce(p.first_at, p.ready_at) as "firstAt", p.done, p.body,
          g.moving`

/** Jobs that were claimed and did not run: whoever claims them again pays. $1 lanes, $2 tenants, $3 jobs. */
export const refund = (s: string) => `
update ${s}.heads h set vtime = h.vtime - g.jobs * h.cost / coalesce(t.weight, 1)
from unnest($1::text[], $2::text[], $3::int[]) as g (lane, tenant, jobs) left join ${s}.tenants t using (tenant)
where h.lane = g.lane and h.tenant = g.tenant`

/**
 * A rate's head was closed for the time that the claimed jobs take, but they did not run: open it again.
 * $1 lanes, $2 tenants, $3 now.
 */
export const reopenPaced = (s: string) => `
update ${s}.heads h set open_at = $3::float8
from unnest($1::text[], $2::text[]) as g (lane, tenant)
where h.lane = g.lane and h.tenant = g.tenant and h.open_at > $3::float8
  and exists (select from ${s}.tenants t where t.tenant = h.tenant and t.rate is not null)`

/** $1 now, $2 lanes, $3 tenants, $4 streams, $5 ids, $6 names, $7 data, $8 blobs, $9 attempts, $10 reasons. */
export const bury = (s: string) => `
insert into ${s}.dead_letters (lane, tenant, stream, id, name, data, blob, attempts, reason, died_at)
select *, to_timestamp($1::float8 / 1000)
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::text[])`

export const forgetWorkers = (s: string) => `delete from ${s}.workers where id = any ($1::bigint[])`
