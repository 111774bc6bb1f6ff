/**
 * The store's tables, numbered; a database remembers how many it has had.
 *
 * - Bodies are TEXT with EXTERNAL storage: written once, never compressed by the server, and not copied when another
 *   column of the row changes.
 * - `heads` and `workers` change often: a low fillfactor lets most updates stay on their page (HOT), without new index
 *   entries. `ready` is a column of its own so that appending to a head that has work already changes no indexed value.
 * - Autovacuum is told to come early, because finished pages leave dead rows at the rate of the traffic.
 */
export const migrations: ((schema: string) => string)[] = [
  (s) => `
create table ${s}.pages (
  lane     text     not null,
  tenant   text     not null,
  seq      bigint   not null,
  jobs     integer  not null,
  bytes    integer  not null,
  ready_at double precision not null,
  done     integer[],
  body     text     not null,
  primary key (lane, tenant, seq)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_insert_scale_factor = 0.2, toast.autovacuum_vacuum_scale_factor = 0.02);
alter table ${s}.pages alter column body set storage external;

-- Pages of a head have the numbers cursor+1 … tail; those up to cursor are leased or gone.
create table ${s}.heads (
  lane          text    not null,
  tenant        text    not null,
  cursor        bigint  not null default 0,
  tail          bigint  not null default 0,
  ready         boolean not null default true,
  vtime         double precision not null default 0,
  cost          double precision not null default 1,
  waiting_jobs  bigint  not null default 0,
  waiting_bytes bigint  not null default 0,
  primary key (lane, tenant)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create index heads_ready on ${s}.heads (lane, vtime) where ready;

-- The virtual time of each lane: a head that becomes active starts here.
create table ${s}.lanes (
  lane  text primary key,
  vtime double precision not null default 0
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

create table ${s}.tenants (
  tenant text primary key,
  weight double precision not null default 1
);

create table ${s}.scheduled (
  id      bigint generated always as identity primary key,
  due_at  double precision not null,
  -- Not to be joined with other jobs into a page.
  alone   boolean not null default false,
  lane    text    not null,
  tenant  text    not null,
  jobs    integer not null,
  bytes   integer not null,
  body    text    not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
alter table ${s}.scheduled alter column body set storage external;
create index scheduled_due on ${s}.scheduled (due_at);

create table ${s}.workers (
  id         bigint generated always as identity primary key,
  expires_at timestamptz not null
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- One row a claim, whatever the number of pages in it.
create table ${s}.leases (
  id      bigint generated always as identity primary key,
  worker  bigint   not null references ${s}.workers (id),
  lanes   text[]   not null,
  tenants text[]   not null,
  seqs    bigint[] not null,
  jobs    integer  not null,
  at      timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create index leases_worker on ${s}.leases (worker);

create table ${s}.dead_letters (
  lane     text    not null,
  tenant   text    not null,
  id       text    not null,
  name     text    not null,
  data     text    not null,
  attempts integer not null,
  reason   text    not null,
  died_at  timestamptz not null default now(),
  primary key (lane, tenant, id)
);
create index dead_letters_id on ${s}.dead_letters (id);
create index dead_letters_time on ${s}.dead_letters (died_at desc);
`,
]
