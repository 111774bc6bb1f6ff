-- Long work, and the files it reads and writes.

-- One import, export, bulk action, segment build, …: worked step by step, each step one transaction that moves the cursor.
create table tasks (
  project_id  integer not null,
  id          bigint generated always as identity,
  kind        text not null,
  title       text not null default '',
  state       text not null default 'waiting'
              check (state in ('waiting', 'running', 'paused', 'done', 'failed', 'cancelled')),
  -- What to do; never changes.
  input       jsonb not null default '{}',
  -- Where the next step begins; null before the first.
  cursor      jsonb,
  -- Counts the steps, so that of two workers at one task only one goes on.
  steps       bigint not null default 0,
  -- In the unit of the kind (rows, people, bytes); total is null while nobody knows it.
  done        bigint not null default 0,
  total       bigint,
  failed      bigint not null default 0,
  -- Counts of the kind, for people to read.
  detail      jsonb not null default '{}',
  -- Why it failed.
  message     text,
  -- Units a second while it works, smoothed over the latest steps.
  rate        double precision,
  created_at  timestamptz not null default now(),
  started_at  timestamptz,
  stepped_at  timestamptz,
  finished_at timestamptz,
  primary key (project_id, id)
);
create index tasks_kind on tasks (project_id, kind, id desc);
-- The few that somebody must be working on.
create index tasks_open on tasks (coalesce(stepped_at, created_at)) where state in ('waiting', 'running');

-- Uploaded and exported files: plain length here, content in chunks.
create table files (
  project_id integer not null,
  id         bigint generated always as identity,
  name       text not null,
  bytes      bigint not null default 0,
  -- With deflated chunks.
  stored_bytes bigint not null default 0,
  created_at timestamptz not null default now(),
  -- Deleted by housekeeping afterwards; null keeps it.
  expires_at timestamptz,
  primary key (project_id, id)
);
create index files_expired on files (expires_at) where expires_at is not null;

-- At most 1 MiB of plain bytes each, deflated by itself, so that any byte can be read without those before its chunk.
create table file_chunks (
  project_id integer not null,
  file_id    bigint not null,
  -- Offset of its first plain byte.
  start      bigint not null,
  bytes      integer not null,
  content    bytea not null,
  primary key (project_id, file_id, start)
);
-- Deflated already: PostgreSQL would only try again.
alter table file_chunks alter column content set storage external;
