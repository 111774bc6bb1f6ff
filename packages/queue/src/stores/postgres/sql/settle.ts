/** $1 worker, $2 number, $3 all leases. */
const begin = (s: string) => `
fresh as (
  update ${s}.workers set settled = $2 where id = $1 and settled < $2 returning 1
), held as materialized (
  -- After the worker's row, as the reaper does: two locks in one order never wait in a circle.
  select id from ${s}.leases where id = any ($3::bigint[]) and worker = $1 and (select count(*) from fresh) >= 0
  order by id for update
), live as materialized (
  select id from held where exists (select from fresh)
)`

const gone = (s: string, [leases, lanes, tenants, streams, seqs]: string[]) => `
gone as (
  delete from ${s}.pages p
  using unnest(${leases}::bigint[], ${lanes}::text[], ${tenants}::text[], ${streams}::text[], ${seqs}::bigint[])
        as f (lease, lane, tenant, stream, seq)
  where f.lease in (select id from live)
    and p.lane = f.lane and p.tenant = f.tenant and p.stream = f.stream and p.seq = f.seq
)`

const ended = (s: string, emptied: string) => `
ended as (
  delete from ${s}.leases where id = any (${emptied}::bigint[]) and id in (select id from live)
)`

const corrected = (s: string, [lanes, tenants, costs, differences]: string[]) => `
corrected as (
  update ${s}.heads h set
    vtime = h.vtime + c.difference / coalesce(t.weight, 1),
    cost = c.cost
  from (
    select h.lane, h.tenant, c.cost, c.difference
    from unnest(${lanes}::text[], ${tenants}::text[], ${costs}::float8[], ${differences}::float8[])
         as c (lane, tenant, cost, difference)
    join ${s}.heads h on h.lane = c.lane and h.tenant = c.tenant
    where exists (select from fresh)
    for no key update of h skip locked
  ) c
  left join ${s}.tenants t on t.tenant = c.tenant
  where h.lane = c.lane and h.tenant = c.tenant
)`

/** Of a settlement that comes again: all its leases. */
const answeredBefore = (s: string) => `
select l::float8, false from unnest($3::bigint[]) l
where not exists (select from fresh) and exists (select from ${s}.workers w where w.id = $1 and w.settled >= $2)`

/**
 * Records the ends of jobs, of one worker, in one statement. Every part is joined to the leases that the worker still
 * holds; work under a lost lease changes nothing. A settlement carries a number: when the reply to it was lost and it comes
 * again, it changes nothing either. Corrections of virtual time are advisory: a head that is locked at the moment is left
 * as it is rather than waited for, which also rules out deadlocks with producers.
 *
 * $1 worker, $2 number, $3 all leases;
 * finished pages: $4 leases, $5 lanes, $6 tenants, $7 streams, $8 seqs;
 * partial pages: $9 leases, $10 lanes, $11 tenants, $12 streams, $13 seqs, $14 positions as text arrays;
 * rescheduled: $15 leases, $16 lanes, $17 tenants, $18 streams, $19 jobs, $20 bytes, $21 bodies, $22 due times, $23 first times;
 * dead: $24 leases, $25 lanes, $26 tenants, $27 streams, $28 ids, $29 names, $30 data, $31 blobs, $32 attempts, $33 reasons;
 * $34 emptied leases; corrections: $35 lanes, $36 tenants, $37 costs, $38 differences; $39 now.
 *
 * Returns the leases still held; of a settlement that comes again, what the first answer was.
 */
export const settle = (s: string) => `
with ${begin(s)}, ${gone(s, ['$4', '$5', '$6', '$7', '$8'])}, part as (
  update ${s}.pages p set done = coalesce(p.done, '{}') || f.positions::int[]
  from unnest($9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[])
       as f (lease, lane, tenant, stream, seq, positions)
  where f.lease in (select id from live)
    and p.lane = f.lane and p.tenant = f.tenant and p.stream = f.stream and p.seq = f.seq
), again as (
  insert into ${s}.scheduled (due_at, lane, tenant, stream, jobs, bytes, body, first_at)
  select due_at, lane, tenant, stream, jobs, bytes, body, first_at
  from unnest($15::bigint[], $16::text[], $17::text[], $18::text[], $19::int[], $20::int[], $21::text[], $22::float8[], $23::float8[])
       as r (lease, lane, tenant, stream, jobs, bytes, body, due_at, first_at)
  where r.lease in (select id from live)
), buried as (
  insert into ${s}.dead_letters (lane, tenant, stream, id, name, data, blob, attempts, reason, died_at)
  select lane, tenant, stream, id, name, data, blob, attempts, reason, to_timestamp($39::float8 / 1000)
  from unnest($24::bigint[], $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::int[], $33::text[])
       as d (lease, lane, tenant, stream, id, name, data, blob, attempts, reason)
  where d.lease in (select id from live)
), ${ended(s, '$34')}, ${corrected(s, ['$35', '$36', '$37', '$38'])}
select id::float8 as id, exists (select from fresh) as fresh from held
union
${answeredBefore(s)}
union
select null, true from fresh`

/**
 * The same for settlements of nothing but finished pages. Each of its parts goes through the pages one by one, by index: it
 * is prepared whatever their number.
 *
 * $1 worker, $2 number, $3 all leases, $4 emptied leases; finished pages: $5 leases, $6 lanes, $7 tenants, $8 streams, $9 seqs;
 * corrections: $10 lanes, $11 tenants, $12 costs, $13 differences. Returns the leases still held.
 */
export const settleFinished = (s: string) => `
with ${begin(s)}, ${gone(s, ['$5', '$6', '$7', '$8', '$9'])}, ${ended(s, '$4')}, ${corrected(s, ['$10', '$11', '$12', '$13'])}
select id::float8 as id, false from held
union all
${answeredBefore(s)}`

/** Keeps the reaper away for the length of a transaction. $1 worker. */
export const lockWorker = (s: string) => `select 1 from ${s}.workers where id = $1 for no key update`

/** $1 ids. */
export const dropBlobs = (s: string) => `delete from ${s}.blobs where id = any ($1::text[])`

/** $1 ids. */
export const dropProgress = (s: string) => `delete from ${s}.progress where id = any ($1::text[])`

/** Marks of cancelled jobs that were met. $1 lanes, $2 tenants, $3 ids. */
export const dropMarks = (s: string) => `
delete from ${s}.cancelled c using unnest($1::text[], $2::text[], $3::text[]) as g (lane, tenant, id)
where c.lane = g.lane and c.tenant = g.tenant and c.id = g.id`

/** Heads without marks need not be asked for them. $1 lanes, $2 tenants. */
export const forgetMarks = (s: string) => `
update ${s}.heads h set cancels = false
from unnest($1::text[], $2::text[]) as g (lane, tenant)
where h.lane = g.lane and h.tenant = g.tenant
  and not exists (select from ${s}.cancelled c where c.lane = h.lane and c.tenant = h.tenant)`
