-- Who listed it by hand or with a key; null where nobody did: bounces, imports, items.
alter table suppressions add column added_by text;
