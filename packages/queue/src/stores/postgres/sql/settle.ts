/**
 * Records the ends of jobs, of one worker, in one statement. Every part is joined to the leases that the worker still
 * holds; work under a lost lease changes nothing. Corrections of virtual time are advisory: a head that is locked at the
 * moment is left as it is rather than waited for, which also rules out deadlocks with producers.
 *
 * $1 worker, $2 all leases;
 * finished pages: $3 leases, $4 lanes, $5 tenants, $6 seqs;
 * partial pages: $7 leases, $8 lanes, $9 tenants, $10 seqs, $11 positions as text arrays;
 * rescheduled: $12 leases, $13 lanes, $14 tenants, $15 jobs, $16 bytes, $17 bodies, $18 due times;
 * dead: $19 leases, $20 lanes, $21 tenants, $22 ids, $23 names, $24 data, $25 attempts, $26 reasons;
 * $27 emptied leases; corrections: $28 lanes, $29 tenants, $30 costs, $31 differences.
 */
export const settle = (s: string) => `
with live as materialized (
  select id from ${s}.leases where id = any ($2::bigint[]) and worker = $1 order by id for update
), gone as (
  delete from ${s}.pages p
  using unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[]) as f (lease, lane, tenant, seq)
  where f.lease in (select id from live) and p.lane = f.lane and p.tenant = f.tenant and p.seq = f.seq
), part as (
  update ${s}.pages p set done = coalesce(p.done, '{}') || f.positions::int[]
  from unnest($7::bigint[], $8::text[], $9::text[], $10::bigint[], $11::text[])
       as f (lease, lane, tenant, seq, positions)
  where f.lease in (select id from live) and p.lane = f.lane and p.tenant = f.tenant and p.seq = f.seq
), again as (
  insert into ${s}.scheduled (due_at, lane, tenant, jobs, bytes, body)
  select due_at, lane, tenant, jobs, bytes, body
  from unnest($12::bigint[], $13::text[], $14::text[], $15::int[], $16::int[], $17::text[], $18::float8[])
       as r (lease, lane, tenant, jobs, bytes, body, due_at)
  where r.lease in (select id from live)
), buried as (
  insert into ${s}.dead_letters (lane, tenant, id, name, data, attempts, reason)
  select distinct on (lane, tenant, id) lane, tenant, id, name, data, attempts, reason
  from unnest($19::bigint[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::int[], $26::text[])
       as d (lease, lane, tenant, id, name, data, attempts, reason)
  where d.lease in (select id from live)
  on conflict (lane, tenant, id) do update set
    name = excluded.name, data = excluded.data, attempts = excluded.attempts, reason = excluded.reason, died_at = now()
), ended as (
  delete from ${s}.leases where id = any ($27::bigint[]) and id in (select id from live)
), corrected as (
  update ${s}.heads h set
    vtime = h.vtime + c.difference / coalesce(t.weight, 1),
    cost = c.cost
  from (
    select h.lane, h.tenant, c.cost, c.difference
    from unnest($28::text[], $29::text[], $30::float8[], $31::float8[]) as c (lane, tenant, cost, difference)
    join ${s}.heads h on h.lane = c.lane and h.tenant = c.tenant
    for no key update of h skip locked
  ) c
  left join ${s}.tenants t on t.tenant = c.tenant
  where h.lane = c.lane and h.tenant = c.tenant
)
select id::float8 as id from live`
