-- When somebody last changed the settings of a project or an SMTP server: what was read before is not to overwrite it unseen.
alter table projects add column updated_at timestamptz not null default now();
alter table providers add column updated_at timestamptz not null default now();
