-- The core tables. Project id leads every key, so that a distributed PostgreSQL can shard by it.

create table projects (
  id              integer generated always as identity primary key,
  organization_id text,
  name            text not null,
  -- 'test': every email goes to test_address or, without one, only to the sandbox mailbox. 'live': real sending.
  mode            text not null default 'test' check (mode in ('test', 'live')),
  test_address    text,
  timezone        text not null default 'UTC',
  -- Days that events are kept; null keeps them for ever.
  event_retention_days integer,
  settings        jsonb not null default '{}',
  created_at      timestamptz not null default now()
);

-- API keys. Only a hash is stored; the prefix helps people tell keys apart.
create table api_keys (
  id          integer generated always as identity primary key,
  project_id  integer not null references projects (id) on delete cascade,
  -- 'tracking' may only write events and people; 'secret' may do everything in its project.
  kind        text not null check (kind in ('tracking', 'secret')),
  name        text not null default '',
  hash        bytea not null unique,
  prefix      text not null,
  created_at  timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at  timestamptz
);
create index api_keys_project on api_keys (project_id);

create table people (
  project_id   integer not null,
  id           bigint generated always as identity,
  -- The id the product uses. Null for a person known only by an anonymous id. Compared byte by byte: quicker, and the
  -- unique index also serves searches by prefix.
  external_id  text collate "C",
  -- For display; person_aliases is what leads from an anonymous id to its person.
  anonymous_id text,
  email        text,
  phone        text,
  timezone     text,
  language     text,
  properties   jsonb not null default '{}',
  -- property name -> epoch ms of its last write, so that a late or replayed write never undoes a newer one. A removed
  -- property keeps its time. The columns are listed under '$id', '$email', '$phone', '$timezone', '$language',
  -- '$subscribed', '$suppressed', '$tag:<tag>', '$topic:<topic>', '$device:<address>' (people/registers.ts).
  written      jsonb not null default '{}',
  tags         text[] not null default '{}',
  channels     jsonb not null default '[]',
  topics       jsonb not null default '{}',
  subscribed   boolean not null default true,
  -- Suppressed by API; every address the person gets goes to `suppressions`.
  suppressed   boolean not null default false,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  primary key (project_id, id)
  -- Room in each page lets an update that changes no indexed column stay there, without touching the indexes.
) with (fillfactor = 80);
create unique index people_external on people (project_id, external_id) where external_id is not null;
create index people_email on people (project_id, lower(email) text_pattern_ops) where email is not null;
create index people_recent on people (project_id, updated_at desc, id desc);

-- Other ids that lead to a person: old ids after a merge, and every anonymous id.
create table person_aliases (
  project_id integer not null,
  alias      text collate "C" not null,
  -- 'external' or 'anonymous'
  kind       text not null,
  person_id  bigint not null,
  created_at timestamptz not null default now(),
  primary key (project_id, kind, alias)
);
create index person_aliases_person on person_aliases (project_id, person_id);

-- Erased people: a late event must not bring them back half. Only a keyed hash of the id is kept. What was accepted
-- before (erased_at, job_id) belongs to the erased person.
create table erasures (
  project_id integer not null,
  id_hash    bytea not null,
  erased_at  timestamptz not null default now(),
  job_id     text not null default '',
  primary key (project_id, id_hash)
);
create index erasures_recent on erasures (project_id, erased_at);

-- What happened to a person besides events: tags, subscription, merges, property changes. One row a change.
create table person_changes (
  project_id integer not null,
  person_id  bigint not null,
  id         bigint generated always as identity,
  kind       text not null,
  detail     jsonb not null default '{}',
  at         timestamptz not null,
  primary key (project_id, person_id, at, id)
);

create table events (
  project_id  integer not null,
  person_id   bigint not null,
  -- Derived from the cause (message id or job id), so that a redelivered job stores it once.
  id          uuid not null,
  -- As sent, and folded (lower case, spaces, underscores and dashes alike).
  name        text not null,
  folded_name text not null,
  properties  jsonb not null default '{}',
  source      text,
  occurred_at timestamptz not null,
  received_at timestamptz not null default now(),
  primary key (project_id, occurred_at, id)
) partition by range (occurred_at);
create index events_person on events (project_id, person_id, occurred_at desc);
create index events_name on events (project_id, folded_name, occurred_at desc);

-- Duplicate windows: one row per key seen (Vero's five minutes, Segment's messageId), until its window ends.
create table ingest_keys (
  project_id integer not null,
  key        uuid not null,
  job_id     text not null,
  seen_at    timestamptz not null,
  expires_at timestamptz not null,
  primary key (project_id, key)
);
create index ingest_keys_expired on ingest_keys (expires_at);

-- Counters per hour for the console's charts; written once a batch, not once an event.
create table counters (
  project_id integer not null,
  name       text not null,
  hour       timestamptz not null,
  value      bigint not null default 0,
  primary key (project_id, name, hour)
);

-- Ingested items that could not be processed, with the reason, for the console's log; kept for 30 days.
create table ingest_rejects (
  project_id integer not null,
  id         bigint generated always as identity,
  at         timestamptz not null default now(),
  reason     text not null,
  item       jsonb not null,
  primary key (project_id, id)
);

create table templates (
  project_id integer not null,
  id         integer generated always as identity,
  -- Name that API callers may use instead of the id (transactional_message_id).
  key        text,
  name       text not null,
  from_address text,
  reply_to   text,
  subject    text not null default '',
  preheader  text,
  html       text not null default '',
  -- Null: generated from the HTML.
  text       text,
  headers    jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (project_id, id)
);
create unique index templates_key on templates (project_id, key) where key is not null;

-- Behavioral campaigns: event -> wait -> conditions -> message.
create table behavioral_campaigns (
  project_id   integer not null,
  id           integer generated always as identity,
  name         text not null,
  state        text not null default 'off' check (state in ('off', 'test', 'live')),
  trigger_event text not null,
  folded_trigger text not null,
  -- {"kind":"immediately"} | {"kind":"after","seconds"} | {"kind":"until_property",...} | {"kind":"at_local_time",...}
  wait         jsonb not null default '{"kind":"immediately"}',
  conditions   jsonb,
  -- {"notAgainWithinDays":n}; -1 means ever
  frequency    jsonb,
  template_id  integer not null,
  transactional boolean not null default false,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  primary key (project_id, id)
);
create index behavioral_trigger on behavioral_campaigns (project_id, folded_trigger) where state <> 'off';

-- One send to one person on one channel; the row exists before the send.
create table messages (
  project_id   integer not null,
  id           uuid not null,
  -- What caused it, unique: 'behavioral:<campaign>:<event id>' or 'transactional:<idempotency key or job id>'.
  cause        text not null,
  class        text not null check (class in ('transactional', 'behavioral')),
  channel      text not null default 'email',
  person_id    bigint,
  campaign_id  integer,
  template_id  integer,
  event_id     uuid,
  event_at     timestamptz,
  state        text not null default 'pending'
               check (state in ('pending', 'claimed', 'sent', 'failed', 'skipped', 'unknown')),
  reason       text,
  recipient    text,
  subject      text,
  -- What the send needs beyond the template: message_data, trigger event, overrides, attachments' blob ids.
  input        jsonb not null default '{}',
  -- The claim's token; only its owner may record the outcome.
  claim        uuid,
  attempts     integer not null default 0,
  provider     text,
  provider_message_id text,
  due_at       timestamptz not null default now(),
  claimed_at   timestamptz,
  settled_at   timestamptz,
  -- Reasons that no longer hold: failed attempts, doubts, decisions by hand. [{"at","state","reason"}], oldest first.
  history      jsonb not null default '[]',
  created_at   timestamptz not null default now(),
  primary key (project_id, id)
);
create unique index messages_cause on messages (project_id, cause);
create index messages_person on messages (project_id, person_id, created_at desc);
create index messages_recent on messages (project_id, created_at desc, id);
create index messages_frequency on messages (project_id, campaign_id, person_id, settled_at desc) where state = 'sent';
create index messages_state on messages (project_id, state, created_at desc) where state in ('failed', 'unknown');

create table attachments (
  project_id integer not null,
  message_id uuid not null,
  position   integer not null,
  filename   text not null,
  content    bytea not null,
  primary key (project_id, message_id, position)
);

-- Addresses that must never be sent to again (complaints, hard bounces, suppression by API).
create table suppressions (
  project_id integer not null,
  address    text not null,
  reason     text not null,
  created_at timestamptz not null default now(),
  primary key (project_id, address)
);

-- Where mail leaves. `config` is encrypted with FAIRWAY_SECRET.
create table providers (
  project_id integer not null,
  id         integer generated always as identity,
  channel    text not null default 'email',
  kind       text not null,
  name       text not null default '',
  config     bytea not null,
  -- {"perSecond":n,"connections":n}
  limits     jsonb not null default '{}',
  active     boolean not null default true,
  created_at timestamptz not null default now(),
  primary key (project_id, id)
);

-- A domain that mail is signed for (DKIM). The private key is encrypted.
create table sending_domains (
  project_id  integer not null,
  domain      text not null,
  selector    text not null,
  private_key bytea not null,
  public_key  text not null,
  created_at  timestamptz not null default now(),
  primary key (project_id, domain)
);

-- The sandbox mailbox: what would have been sent.
create table mailbox (
  project_id  integer not null,
  id          bigint generated always as identity,
  message_id  uuid not null,
  envelope_from text not null,
  envelope_to text[] not null,
  subject     text not null default '',
  source      bytea not null,
  received_at timestamptz not null default now(),
  primary key (project_id, id)
);
create unique index mailbox_message on mailbox (project_id, message_id);

-- Small installation-wide facts: generated secrets, last maintenance times.
create table installation (
  key   text primary key,
  value jsonb not null
);
