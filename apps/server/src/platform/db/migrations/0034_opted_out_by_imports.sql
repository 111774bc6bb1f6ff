-- Addresses that a step of an import opted out: an undo takes it back also where nobody holds them.
alter table import_changes add column opted_out text[] not null default '{}';
