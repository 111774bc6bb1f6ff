-- Which of a message's jobs does the work: a job that carries another turn does nothing.
alter table messages add column turn integer not null default 0;
-- When somebody last had it tried ahead of time.
alter table messages add column try_now_at timestamptz;
