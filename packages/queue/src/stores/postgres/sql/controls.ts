/** Creates the row that the update then changes. $1 tenant. */
export const makeTenant = (s: string) =>
  `insert into ${s}.tenants (tenant) values ($1) on conflict do nothing`

/** Columns of the controls, by their names in the API. */
export const controlColumns = {
  weight: 'weight',
  maxInFlight: 'max_in_flight',
  rate: 'rate',
  paused: 'paused',
  maxJobs: 'max_jobs',
  maxBytes: 'max_bytes',
} as const

export const controls = (s: string) => `
select weight, max_in_flight as "maxInFlight", rate, paused, max_jobs::float8 as "maxJobs", max_bytes::float8 as "maxBytes"
from ${s}.tenants where tenant = $1`

/** $1 tenant, $2 paused. The heads are to be refreshed. */
export const pauseHeads = (s: string) => `update ${s}.heads set paused = $2 where tenant = $1`

/** $1 tenant. The heads are to be refreshed. */
export const openTenant = (s: string) => `update ${s}.heads set open_at = 0 where tenant = $1`

/** $1 lane, $2 paused. */
export const pauseLane = (s: string) => `
insert into ${s}.lanes (lane, paused) values ($1, $2) on conflict (lane) do update set paused = excluded.paused`

/** $1 lanes, $2 tenants, $3 ids, $4 now. */
export const markCancelled = (s: string) => `
insert into ${s}.cancelled (lane, tenant, id, at)
select lane, tenant, id, to_timestamp($4::float8 / 1000) from unnest($1::text[], $2::text[], $3::text[]) as g (lane, tenant, id)
on conflict (lane, tenant, id) do update set at = excluded.at`

/** $1 lanes, $2 tenants. */
export const flagCancels = (s: string) => `
update ${s}.heads h set cancels = true from unnest($1::text[], $2::text[]) as g (lane, tenant)
where h.lane = g.lane and h.tenant = g.tenant`

/** $1 lane, $2 tenant. */
export const cancelledOf = (s: string) => `
select lane, tenant, id from ${s}.cancelled where lane = $1 and tenant = $2`

export const cancelledLately = (s: string) => `
select lane, tenant, id from ${s}.cancelled order by at desc limit 1000`

/** $1 ids, $2 lanes, $3 tenants, $4 progress as JSON text, $5 now. */
export const saveProgress = (s: string) => `
insert into ${s}.progress (id, lane, tenant, progress, at)
select distinct on (id) id, lane, tenant, progress, to_timestamp($5::float8 / 1000)
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as g (id, lane, tenant, progress) order by id
on conflict (id) do update set progress = excluded.progress, at = excluded.at`

export const progressOf = (s: string) => `select progress from ${s}.progress where id = $1`
