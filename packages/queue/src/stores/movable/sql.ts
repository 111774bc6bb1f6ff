/** `place` has one row: where the jobs are. `processes` has one for each process that uses the queue. */
export const createTables = (s: string) => `
create table if not exists ${s}.place (
  one        boolean primary key default true check (one),
  turn       bigint not null default 1,
  phase      text   not null default 'steady',
  source     text   not null,
  target     text   not null,
  move       text   not null default '',
  started_at double precision,
  ended_at   double precision,
  total      double precision not null default 0,
  moved      double precision not null default 0
) with (fillfactor = 20);
create table if not exists ${s}.processes (
  id   text primary key,
  turn bigint  not null,
  held integer not null,
  at   timestamptz not null default clock_timestamp()
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200)`

const columns = `turn::float8 as turn, phase, source, target, move, started_at as "startedAt", ended_at as "endedAt", total, moved`

/** $1 name of the store to begin in. */
const initPlace = (s: string) =>
  `insert into ${s}.place (source, target) values ($1, $1) on conflict do nothing`

const readMoveState = (s: string) => `select ${columns} from ${s}.place`

/** Says that a process lives, and reads where the jobs are. $1 process, $2 turn seen, $3 leases held. */
const beat = (s: string) => `
with me as (
  insert into ${s}.processes (id, turn, held, at) values ($1, $2, $3, clock_timestamp())
  on conflict (id) do update set turn = excluded.turn, held = excluded.held, at = excluded.at
)
select ${columns} from ${s}.place`

const leave = (s: string) => `delete from ${s}.processes where id = $1`

/** Forgets who was silent for $1 ms; counts the others, those that have not seen turn $2, and what they hold. */
const roll = (s: string) => `
with silent as (
  delete from ${s}.processes where at < clock_timestamp() - $1 * interval '1 millisecond' returning id
)
select count(*)::int as living, count(*) filter (where turn < $2)::int as behind, coalesce(sum(held), 0)::int as held
from ${s}.processes where id not in (select id from silent)`

/** $1 target, $2 move, $3 jobs to move. */
const startMove = (s: string) => `
update ${s}.place set turn = turn + 1, phase = 'preparing', target = $1, move = $2, total = $3, moved = 0,
  started_at = extract(epoch from clock_timestamp())::float8 * 1000, ended_at = null
where phase = 'steady' and source <> $1 returning 1`

/** $1 the turn that is left, $2 the phase that begins. */
const advance = (s: string) => `
update ${s}.place set turn = turn + 1, phase = $2::text,
  source = case when $2::text = 'steady' then target else source end,
  ended_at = case when $2::text = 'steady' then extract(epoch from clock_timestamp())::float8 * 1000 else ended_at end
where turn = $1 returning 1`

/** $1 jobs. */
const countMoved = (s: string) => `update ${s}.place set moved = moved + $1`

export const statements = { initPlace, readMoveState, beat, leave, roll, startMove, advance, countMoved }
