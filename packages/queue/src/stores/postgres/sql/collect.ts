/** A head without work, pages, marks, a closing or debt in virtual time would start afresh anyway. $1 now. */
export const collectHeads = (s: string) => `
delete from ${s}.heads h where (h.lane, h.tenant) in (
  select i.lane, i.tenant from ${s}.heads i join ${s}.lanes l on l.lane = i.lane
  where not i.ready and i.cursor >= i.tail and i.vtime <= l.vtime and i.granted = 0
    and i.open_at <= $1::float8 and not i.cancels
    and not exists (select from ${s}.streams t where t.lane = i.lane and t.tenant = i.tenant and (t.cursor < t.tail or t.held))
    and not exists (select from ${s}.pages p where p.lane = i.lane and p.tenant = i.tenant)
  limit 1000 for update of i skip locked
) returning 1`

/** Streams of heads that are gone. */
export const collectStreams = (s: string) => `
delete from ${s}.streams t
where t.cursor >= t.tail and not t.held
  and not exists (select from ${s}.heads h where h.lane = t.lane and h.tenant = t.tenant)`

/** $1 now. */
export const collectKeys = (s: string) => `
delete from ${s}.unique_keys where (lane, tenant, key) in (
  select lane, tenant, key from ${s}.unique_keys where until <= $1::float8 limit 10000
)`

/** Longer than anything is scheduled for, as a rule. $1 now. */
export const collectMarks = (s: string) => `
delete from ${s}.cancelled where at < to_timestamp($1::float8 / 1000) - interval '40 days'`

/** Of jobs whose worker died. $1 now. */
export const collectProgress = (s: string) => `
delete from ${s}.progress where at < to_timestamp($1::float8 / 1000) - interval '7 days'`

/** $1 time of death before which letters go, epoch ms, $2 bytes of letters to keep. */
export const retainDead = (s: string) => `
with sized as (
  select n, died_at, sum(octet_length(data) + octet_length(reason)) over (order by n desc) as bytes from ${s}.dead_letters
), gone as (
  delete from ${s}.dead_letters d using sized z
  where d.n = z.n and (z.died_at < to_timestamp($1::float8 / 1000) or z.bytes > $2::bigint)
  returning d.blob
), blobs as (
  delete from ${s}.blobs b using gone where b.id = gone.blob
)
select count(*)::float8 as jobs from gone`
