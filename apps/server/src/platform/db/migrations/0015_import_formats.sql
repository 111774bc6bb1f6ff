-- How quotes are escaped in a file, and in how many lines before its first row it says what its delimiter is.
update imports set format = format || '{"quoteEscape": "doubled", "linesBefore": 0}' where format is not null;

-- Names of the files of an archive that holds several: one of them has to be chosen.
alter table imports add column files jsonb not null default '[]';
