-- People are found by the beginning of an id, an address, a phone number or a name; each is a range of one index, ordered
-- byte by byte, with the id behind it, so that a page begins where the last one ended however many share a value.

-- The name as a search sees it: `name`, or the first and the last name. Cut, because a property may be long.
-- One expression without any function that is not immutable: PostgreSQL inlines it, which is ten times as quick.
create function person_name(properties jsonb) returns text
language sql immutable parallel safe as $$
  select nullif(left(lower(btrim(coalesce(
    nullif(properties ->> 'name', ''), nullif(properties ->> 'full_name', ''), nullif(properties ->> 'fullName', ''),
    coalesce(properties ->> 'first_name', properties ->> 'firstName', properties ->> 'firstname', '') || ' ' ||
    coalesce(properties ->> 'last_name', properties ->> 'lastName', properties ->> 'lastname', '')
  ))), 100), '')
$$;

drop index people_email;
create index people_email on people (project_id, (lower(email) collate "C"), id) where email is not null;
create index people_phone on people (project_id, (phone collate "C"), id) where phone is not null;
create index people_name on people (project_id, (person_name(properties) collate "C"), id)
  where person_name(properties) is not null;
-- Tells with one look whether an alias that begins so leads to a person, however many lead to them.
drop index person_aliases_person;
create index person_aliases_person on person_aliases (project_id, person_id, kind, alias);

-- Both answer from the index alone how often people did something.
drop index events_person;
drop index events_name;
create index events_person on events (project_id, person_id, occurred_at desc) include (folded_name);
create index events_name on events (project_id, folded_name, occurred_at desc) include (person_id);

-- The catalogue: which events, properties, tags and topics a project uses, learned from what comes in. `last_seen` is
-- exact to a day.
create table event_names (
  project_id  integer not null,
  folded_name text collate "C" not null,
  -- As first sent.
  name        text not null,
  first_seen  timestamptz not null,
  last_seen   timestamptz not null,
  primary key (project_id, folded_name)
);

create table property_types (
  project_id  integer not null,
  -- Folded name of the event whose property it is; '' for properties of people.
  event       text collate "C" not null,
  name        text collate "C" not null,
  -- 'text' | 'number' | 'boolean' | 'date' | 'list' | 'object'
  type        text not null,
  first_seen  timestamptz not null,
  last_seen   timestamptz not null,
  primary key (project_id, event, name, type)
);

create table person_labels (
  project_id  integer not null,
  kind        text not null check (kind in ('tag', 'topic')),
  name        text collate "C" not null,
  first_seen  timestamptz not null,
  last_seen   timestamptz not null,
  primary key (project_id, kind, name)
);

-- What is left of an erasure to show: nothing of the person but a keyed hash.
create table erasure_receipts (
  project_id   integer not null,
  id           uuid not null,
  id_hash      bytea not null,
  erased_at    timestamptz not null,
  -- A member's address, 'key …' with a key's prefix, or the API that the request came by.
  requested_by text not null,
  -- Rows removed, by place.
  removed      jsonb not null,
  primary key (project_id, id)
);
create index erasure_receipts_recent on erasure_receipts (project_id, erased_at desc, id desc);

-- Unreadable numbers stay as sent; those without a country code are read as the project's country's (ISO 3166-1 alpha-2).
alter table projects add column default_country text;
