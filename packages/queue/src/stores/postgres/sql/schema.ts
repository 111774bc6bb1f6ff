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

  // Streams, controls, unique keys, blobs, marks, schedules.
  (s) => `
alter table ${s}.pages
  add stream text not null default '',
  add first_at double precision,
  drop constraint pages_pkey,
  add primary key (lane, tenant, stream, seq);
alter table ${s}.scheduled add stream text not null default '', add first_at double precision;
create index scheduled_streams on ${s}.scheduled (due_at) where stream <> '';

-- open_at: not claimable before (epoch ms). granted: jobs of a tenant with max_in_flight that may be running; saturated when
-- that is all it may have. streams: some stream has work. ready is what the claim looks at: work, and nothing against it.
alter table ${s}.heads
  add open_at   double precision not null default 0,
  add granted   integer not null default 0,
  add saturated boolean not null default false,
  add paused    boolean not null default false,
  add streams   boolean not null default false,
  add cancels   boolean not null default false;
create index heads_closed on ${s}.heads (open_at) where not ready and not paused and open_at > 0;

-- Streams besides the ordinary one. Exclusive ones are held while one of their pages is leased.
create table ${s}.streams (
  lane    text    not null,
  tenant  text    not null,
  stream  text    not null,
  cursor  bigint  not null default 0,
  tail    bigint  not null default 0,
  vtime   double precision not null default 0,
  held    boolean not null default false,
  open_at double precision not null default 0,
  ready   boolean not null default true,
  primary key (lane, tenant, stream)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create index streams_ready on ${s}.streams (lane, tenant, vtime) where ready;
create index streams_closed on ${s}.streams (open_at) where not ready and not held and open_at > 0;

alter table ${s}.lanes add paused boolean not null default false;

alter table ${s}.tenants
  alter weight drop not null, alter weight drop default,
  add max_in_flight integer,
  add rate          double precision,
  add paused        boolean,
  add max_jobs      bigint,
  add max_bytes     bigint;

create table ${s}.grants (
  lease  bigint  not null,
  lane   text    not null,
  tenant text    not null,
  slots  integer not null,
  primary key (lease, lane, tenant)
);

alter table ${s}.leases add streams text[] not null default '{}';
alter table ${s}.workers add settled bigint not null default 0, add report text;

-- Two jobs may die with the same id: an id of the caller's own choice does not dedupe.
alter table ${s}.dead_letters
  add n bigint generated always as identity,
  add blob text,
  add stream text not null default '',
  drop constraint dead_letters_pkey,
  add primary key (n);
drop index ${s}.dead_letters_id, ${s}.dead_letters_time;
create index dead_letters_tenant on ${s}.dead_letters (tenant, lane, n);
create index dead_letters_time on ${s}.dead_letters (died_at);

create table ${s}.unique_keys (
  lane   text not null,
  tenant text not null,
  key    text not null,
  id     text not null,
  until  double precision not null,
  primary key (lane, tenant, key)
);
create index unique_keys_until on ${s}.unique_keys (until);

create table ${s}.blobs (
  id     text primary key,
  lane   text not null,
  tenant text not null,
  data   text not null
);
alter table ${s}.blobs alter column data set storage external;
create index blobs_tenant on ${s}.blobs (tenant);

create table ${s}.cancelled (
  lane   text not null,
  tenant text not null,
  id     text not null,
  at     timestamptz not null default now(),
  primary key (lane, tenant, id)
);
create index cancelled_at on ${s}.cancelled (at);

create table ${s}.progress (
  id       text primary key,
  lane     text  not null,
  tenant   text  not null,
  progress text  not null,
  at       timestamptz not null default now()
);

create table ${s}.schedules (
  id      text primary key,
  spec    text not null,
  next_at double precision not null
);
create index schedules_next on ${s}.schedules (next_at);
`,
]
