-- The list of suppressed addresses, newest first; a search for a part of them reads this index alone.
create index suppressions_recent on suppressions (project_id, created_at desc, address collate "C" desc) include (reason);
