-- Jobs that failed and are tried again by themselves, with what the last try said: the latest of each project, for people.
-- The queue itself keeps no reasons of them.
create table retrying_jobs (
  project_id integer not null references projects (id) on delete cascade,
  lane text not null,
  job_id text not null,
  name text not null,
  attempts integer not null,
  reason text not null,
  tried_at timestamptz not null,
  next_try_at timestamptz not null,
  primary key (project_id, lane, job_id)
);
create index retrying_jobs_latest on retrying_jobs (project_id, tried_at desc);
