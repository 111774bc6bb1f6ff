/** Leases live by the database's clock alone, so that the clocks of workers may differ. $1 lease in ms. */
export const openWorker = (s: string) => `
insert into ${s}.workers (expires_at) values (clock_timestamp() + $1 * interval '1 millisecond') returning id::float8 as id`

/** One row keeps all leases of a worker alive. $1 worker, $2 lease in ms. */
export const heartbeat = (s: string) => `
update ${s}.workers set expires_at = clock_timestamp() + $2 * interval '1 millisecond' where id = $1 returning 1`

export const closeWorker = (s: string) => `
delete from ${s}.workers w where id = $1 and not exists (select from ${s}.leases where worker = w.id)`

export const expiredWorkers = (s: string) => `
select id from ${s}.workers where expires_at < clock_timestamp() order by id limit 8 for update skip locked`

/** Ends the leases of dead workers and takes out the pages they held. $1 workers. */
export const takeBack = (s: string) => `
with lost as (
  delete from ${s}.leases where worker = any ($1::bigint[]) returning lanes, tenants, seqs
), held as (
  select p.* from lost, unnest(lost.lanes, lost.tenants, lost.seqs) as p (lane, tenant, seq)
)
delete from ${s}.pages p using held
where p.lane = held.lane and p.tenant = held.tenant and p.seq = held.seq
returning p.lane, p.tenant, p.done, p.body`

export const forgetWorkers = (s: string) => `delete from ${s}.workers where id = any ($1::bigint[])`

/** A head without work, pages or debt in virtual time would start afresh anyway. */
export const collectHeads = (s: string) => `
delete from ${s}.heads h where (h.lane, h.tenant) in (
  select i.lane, i.tenant from ${s}.heads i join ${s}.lanes l on l.lane = i.lane
  where not i.ready and i.vtime <= l.vtime
    and not exists (select from ${s}.pages p where p.lane = i.lane and p.tenant = i.tenant)
  limit 1000 for update of i skip locked
)`
