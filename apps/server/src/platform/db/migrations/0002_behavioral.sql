-- Behavioral campaigns: test sends, frequency, and the readings of values that conditions use.

-- Made by a campaign in state 'test': whatever the project's mode, it goes to the test address or the sandbox.
alter table messages add column test boolean not null default false;

create index messages_campaign on messages (project_id, campaign_id, created_at desc, id) where campaign_id is not null;

-- The last one that left, or may have left, for frequency rules.
drop index messages_frequency;
create index messages_frequency on messages (project_id, campaign_id, person_id)
  where campaign_id is not null and state in ('claimed', 'sent', 'unknown');

-- Who holds the right to the next send of a campaign with a frequency rule to a person. Taken by the gate in one
-- statement, so that two messages let through at the same moment can't both be sent. A holder that ended without
-- sending holds nothing.
create table frequency_holds (
  project_id  integer not null,
  campaign_id integer not null,
  person_id   bigint not null,
  -- Test sends neither block real ones nor are blocked by them.
  test        boolean not null,
  message_id  uuid not null,
  held_at     timestamptz not null,
  primary key (project_id, campaign_id, person_id, test)
);

-- The three readings of a JSON value in conditions/values.ts, for conditions evaluated as SQL. Both must agree: the
-- tests compare them on random values.

-- A number, or text that is a plain decimal number; null otherwise.
create function condition_number(value jsonb) returns double precision
language sql immutable strict parallel safe as $$
  select case
    when jsonb_typeof(value) = 'number' then (value #>> '{}')::double precision
    when jsonb_typeof(value) = 'string' and (value #>> '{}') ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$'
      then (value #>> '{}')::double precision
  end
$$;

-- Text against text and truth against truth by what they say; anything against a number by its number.
create function condition_same(a jsonb, b jsonb) returns boolean
language sql immutable strict parallel safe as $$
  select case
    when jsonb_typeof(a) = 'number' or jsonb_typeof(b) = 'number'
      then coalesce(condition_number(a) = condition_number(b), false)
    when jsonb_typeof(a) in ('string', 'boolean') and jsonb_typeof(b) in ('string', 'boolean')
      then (a #>> '{}') = (b #>> '{}')
    else false
  end
$$;

-- An ISO 8601 date (UTC unless it says otherwise), or Unix seconds or milliseconds as a number; null otherwise.
create function condition_instant(value jsonb) returns timestamptz
language sql immutable strict parallel safe as $$
  select case jsonb_typeof(value)
    when 'number' then (
      select case when ms between -30610224000000 and 253402300799999
        then to_timestamp(ms::bigint / 1000) + (ms::bigint % 1000) * interval '1 millisecond' end
      from (
        select trunc(case when abs(number) >= 1e11 then number else number * 1000 end) as ms
        from (select (value #>> '{}')::double precision as number) as a
      ) as b
    )
    when 'string' then (
      select case when extract(month from day) = part[2]::int then
        (day
          + make_interval(hours => coalesce(part[4], '0')::int, mins => coalesce(part[5], '0')::int)
          + coalesce(part[6], '0')::int * interval '1 second'
          + rpad(coalesce(part[7], ''), 3, '0')::int * interval '1 millisecond'
          - coalesce(part[9] || '1', '1')::int
            * make_interval(hours => coalesce(part[10], '0')::int, mins => coalesce(part[11], '0')::int)
        ) at time zone 'UTC' end
      from (
        select part, make_date(part[1]::int, part[2]::int, 1) + (part[3]::int - 1) * interval '1 day' as day
        from regexp_match(value #>> '{}',
          '^([1-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])'
          || '(?::([0-5][0-9])(?:\.([0-9]{1,3})[0-9]{0,6})?)?(Z|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?)?$'
        ) as part
      ) as c
    )
  end
$$;
