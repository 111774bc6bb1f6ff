-- Addresses that a step of an import opted out: an undo takes it back also where nobody holds them.
alter table import_changes add column opted_out text[] not null default '{}';
-- Of the first rows of a file, which could not be read: how many, by reason.
alter table imports add column unread jsonb not null default '[]';
