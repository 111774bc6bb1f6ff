export const schedules = (s: string) => `select id, spec, next_at as "nextAt" from ${s}.schedules order by id`

/** $1 id, $2 spec, $3 next time. */
export const saveSchedule = (s: string) => `
insert into ${s}.schedules (id, spec, next_at) values ($1, $2, $3)
on conflict (id) do update set spec = excluded.spec, next_at = excluded.next_at`

/** One that is here already may have fired since: it stays. $1 id, $2 spec, $3 next time. */
export const loadSchedule = (s: string) => `
insert into ${s}.schedules (id, spec, next_at) values ($1, $2, $3) on conflict (id) do nothing`

export const removeSchedule = (s: string) => `delete from ${s}.schedules where id = $1 returning 1`

/** Only one of the processes that see a schedule due moves it on, in the transaction that adds its job. $1 id, $2 expected, $3 next. */
export const advanceSchedule = (s: string) => `
update ${s}.schedules set next_at = $3 where id = $1 and next_at = $2 returning 1`
