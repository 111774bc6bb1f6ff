-- Nothing of the project is sent until somebody confirms: after a restore, what was pending then may have been sent since.
-- Confirmed ones stay, as the record of who confirmed.
create table sending_holds (
  project_id integer not null references projects (id) on delete cascade,
  id bigint generated always as identity,
  held_at timestamptz not null default now(),
  reason text not null,
  confirmed_at timestamptz,
  confirmed_by text,
  pending text check (pending in ('send', 'unknown')),
  primary key (project_id, id)
);
create unique index sending_holds_open on sending_holds (project_id) where confirmed_at is null;
