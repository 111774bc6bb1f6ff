-- When a message that could not be sent is tried again; null when it does not wait for that.
alter table messages add column next_try_at timestamptz;
create index messages_retrying on messages (project_id, next_try_at) where next_try_at is not null;

-- A search also finds what is inside a name, such as the surname: what the name is from each word on but the first, one row
-- each. Kept by triggers, which write only where the name itself changes: indexes on expressions of `properties` would cost
-- every write of any property three times as much.
create table person_inner_names (
  project_id integer not null,
  name       text collate "C" not null,
  person_id  bigint not null,
  primary key (project_id, name, person_id)
);

-- Words as a search compares them: one space between two, whatever stood there. At most nine, of 40 letters in all. Called in
-- FROM, where PostgreSQL inlines it: elsewhere each call costs 40 µs.
create function inner_names(name text) returns setof text
language sql immutable parallel safe as $$
  select distinct left(array_to_string(words[first:], ' '), 40)
  from array_remove(string_to_array(translate(name, ',.-''’', '     '), ' '), '') as words,
    generate_series(2, least(coalesce(array_length(words, 1), 0), 10)) as first
$$;

create function add_inner_names() returns trigger language plpgsql as $$
begin
  insert into person_inner_names (project_id, name, person_id)
  select project_id, inner_name, id from added, inner_names(person_name(properties)) as inner_name;
  return null;
end $$;

create function remove_inner_names() returns trigger language plpgsql as $$
begin
  delete from person_inner_names i
  using (select project_id, id, name from removed, inner_names(person_name(properties)) as name) as gone
  where i.project_id = gone.project_id and i.name = gone.name and i.person_id = gone.id;
  return null;
end $$;

create function change_inner_names() returns trigger language plpgsql as $$
begin
  delete from person_inner_names
  where project_id = old.project_id and person_id = old.id
    and name = any (array(select gone from inner_names(person_name(old.properties)) as gone));
  insert into person_inner_names (project_id, name, person_id)
  select new.project_id, inner_name, new.id from inner_names(person_name(new.properties)) as inner_name;
  return null;
end $$;

create trigger inner_names_added after insert on people referencing new table as added
  for each statement execute function add_inner_names();
create trigger inner_names_removed after delete on people referencing old table as removed
  for each statement execute function remove_inner_names();
create trigger inner_names_changed after update of properties on people for each row
  when (person_name(old.properties) is distinct from person_name(new.properties))
  execute function change_inner_names();

insert into person_inner_names (project_id, name, person_id)
select project_id, inner_name, id from people, inner_names(person_name(properties)) as inner_name;
