-- Who belongs to what, and who has to be looked at again.

create table segments (
  project_id integer not null,
  id         integer generated always as identity,
  name       text not null,
  kind       text not null check (kind in ('dynamic', 'manual')),
  -- Of a dynamic one.
  conditions jsonb,
  -- Counts the changes of the conditions.
  version    integer not null default 1,
  state      text not null default 'ready' check (state in ('building', 'ready')),
  -- While building: everybody up to this id was looked at.
  built_to   bigint not null default 0,
  build_task bigint,
  built_at   timestamptz,
  size       bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (project_id, id)
);
create unique index segments_name on segments (project_id, lower(name));

create table segment_members (
  project_id integer not null,
  segment_id integer not null,
  person_id  bigint not null,
  entered_at timestamptz not null,
  primary key (project_id, segment_id, person_id)
);
create index segment_members_person on segment_members (project_id, person_id) include (segment_id);

-- When time alone may next change what a person belongs to.
create table segment_due (
  project_id integer not null,
  person_id  bigint not null,
  due_at     timestamptz not null,
  primary key (project_id, person_id)
);
create index segment_due_next on segment_due (project_id, due_at);

-- People who changed and what they did, one row a transaction that changed them, until segments have looked at them.
-- Appended and deleted, never updated: writers never wait for those who look.
create table changed_people (
  project_id   integer not null,
  id           bigint generated always as identity,
  people       bigint[] not null,
  -- Pairs: who did an event of which folded name.
  event_people bigint[] not null,
  event_names  text[] not null,
  primary key (project_id, id)
);

-- Many of them at once are put in the order of their ids, one row what a step looks at: neighbours are on the same pages.
create table changed_batches (
  project_id integer not null,
  id         bigint generated always as identity,
  people     bigint[] not null,
  primary key (project_id, id)
);

-- First times; what conditions on messages ask for.
alter table messages add column opened_at timestamptz;
alter table messages add column clicked_at timestamptz;
