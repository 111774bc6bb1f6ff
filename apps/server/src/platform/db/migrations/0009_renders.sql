-- Times that making a mail was begun and not finished, counted before it begins: see messages/compose-chunk.ts.
alter table messages add column renders smallint not null default 0;
