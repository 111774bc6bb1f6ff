-- Attempts to sign in, counted over all processes. Unlogged: a crash of PostgreSQL forgets them, which costs an attacker's
-- few minutes, and counting needs no write to the log. Keys are hashes: no address and no account can be read here.
create unlogged table sign_in_attempts (
  key text primary key,
  count integer not null,
  ends_at timestamptz not null
);
create index sign_in_attempts_ends on sign_in_attempts (ends_at);
