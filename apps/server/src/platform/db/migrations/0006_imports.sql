-- Imports: a file read into people, events, suppressions and the like, row by row, in tasks.

create table imports (
  project_id  integer not null,
  id          bigint generated always as identity,
  kind        text not null
              check (kind in ('people', 'events', 'suppressions', 'unsubscribes', 'tags', 'segment')),
  name        text not null,
  state       text not null default 'uploading'
              check (state in ('uploading', 'fetching', 'ready', 'dry_run', 'importing', 'undoing', 'undone', 'failed',
                               'done', 'cancelled')),
  -- Whose export it is, where the columns are known by themselves: 'vero' or 'fairway'.
  source      text,
  -- Where it is fetched from; encrypted with FAIRWAY_SECRET, because such addresses carry signatures.
  url         bytea,
  -- As received, and as plain UTF-8; the same file when it came so.
  raw_file_id bigint,
  file_id     bigint,
  -- What people said about the file, which goes before what is found out: {"encoding","delimiter","header",…}.
  given       jsonb not null default '{}',
  -- What was found out: {"type","delimiter","quote","header","encoding","compression","start"}, and of the beginning.
  format      jsonb,
  columns     jsonb not null default '[]',
  preview     jsonb not null default '[]',
  mapping     jsonb,
  options     jsonb not null default '{}',
  -- Of the latest run that ended; while it runs its task counts.
  counts      jsonb not null default '{}',
  -- The latest task: fetching, dry run, import or undo.
  task_id     bigint,
  message     text,
  created_at  timestamptz not null default now(),
  -- Of the import itself: the time that its rows carry.
  started_at  timestamptz,
  finished_at timestamptz,
  primary key (project_id, id)
);
create index imports_task on imports (project_id, task_id);
create index imports_finished on imports (finished_at) where finished_at is not null;

-- Rows that were not imported, with the reason; kept for 30 days.
create table import_rejects (
  project_id integer not null,
  import_id  bigint not null,
  -- Where the row ends in the file, in bytes.
  position   bigint not null,
  line       bigint not null,
  column_name text,
  reason     text not null,
  -- The cells, or what a line holds that could not be read.
  cells      text[] not null,
  primary key (project_id, import_id, position)
);

-- What each step of an import changed, so that it can be undone; kept for 30 days.
create table import_changes (
  project_id integer not null,
  import_id  bigint not null,
  id         bigint generated always as identity,
  -- People it created.
  created    bigint[] not null default '{}',
  -- {"<person>": {"<register>": [time of the import's write, former time, former value]}}
  changed    jsonb not null default '{}',
  event_ids  uuid[] not null default '{}',
  event_times timestamptz[] not null default '{}',
  -- Addresses it suppressed, and members it added.
  addresses  text[] not null default '{}',
  segment_id bigint,
  members    bigint[] not null default '{}',
  -- How many of all these.
  touched    integer not null,
  primary key (project_id, import_id, id)
);
-- As they are: compressing them took a thirtieth of an import's time in PostgreSQL.
alter table import_changes alter column created set storage external;
