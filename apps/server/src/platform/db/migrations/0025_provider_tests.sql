-- What became of the latest test of an SMTP server: null where none was made since its settings were changed.
alter table providers add column tested_at timestamptz;
alter table providers add column test_error text;
