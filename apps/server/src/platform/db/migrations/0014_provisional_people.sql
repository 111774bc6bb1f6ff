-- Made by calls that had nothing but an address: it serves as the id until the first id comes with it. Of people from before,
-- those whose id is their address.
alter table people add column provisional boolean not null default false;
update people set provisional = true where external_id = coalesce(folded_email, lower(email collate "C"));
create index people_provisional on people (project_id, (coalesce(folded_email, lower(email collate "C")))) where provisional;

-- What was said by address alone about consent, the latest of each register (people/registers.ts): an opt-out holds for
-- whoever gets the address later, too.
create table address_consents (
  project_id integer not null,
  -- As compared (email-address.ts).
  address    text collate "C" not null,
  -- '$subscribed', '$suppressed' or '$topic:<topic>'
  register   text not null,
  -- Epoch ms.
  at         bigint not null,
  value      boolean not null,
  primary key (project_id, address, register)
);

-- False for what was processed all the same, and is listed because its sender should know.
alter table ingest_rejects add column rejected boolean not null default true;
