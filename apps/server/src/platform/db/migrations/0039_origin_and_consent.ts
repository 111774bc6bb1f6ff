import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'

/**
 * Where a message came from, and under which consent it may be sent, stored with it. Outside of a transaction, because the rows are
 * filled in steps and the index is built beside the work; begun again from the start after a crash, which only does what is missing.
 */
export async function originAndConsent(client: Client): Promise<void> {
  // Each by itself: whoever makes messages reads campaigns before, and nobody is to wait for both.
  await client.query('alter table campaigns add column if not exists consent jsonb')
  await client.query(`
    alter table messages add column if not exists origin text, add column if not exists origin_id integer,
      add column if not exists consent jsonb`)
  await fillCampaigns(client)
  await client.query(fillsMessages)
  await fillMessages(client)
  await indexByOrigin(client)
}

/** A server of the version before writes `transactional` alone; a later version drops the trigger. */
async function fillCampaigns(client: Client): Promise<void> {
  await client.query(`
    create or replace function campaign_consent() returns trigger language plpgsql as $$
    begin
      if new.consent is null
        or (tg_op = 'UPDATE' and new.consent = old.consent and new.transactional <> old.transactional)
      then
        new.consent := jsonb_build_object('kind', case when new.transactional then 'transactional' else 'marketing' end);
      end if;
      return new;
    end $$;
    create or replace trigger campaign_consent before insert or update on campaigns
      for each row execute function campaign_consent()`)
  await client.query('update campaigns set consent = null where consent is null')
  await client.query('alter table campaigns alter column consent set not null')
}

/** What the version before means by a row that says neither, never more: also this trigger goes with a later version. */
const fillsMessages = `
  create or replace function message_consent() returns trigger language plpgsql as $$
  begin
    if new.class = 'transactional' then
      new.origin := case when new.test then 'test' else 'api' end;
      new.consent := '{"kind": "transactional"}';
    else
      new.origin := 'campaign';
      new.origin_id := new.campaign_id;
      new.consent := coalesce(
        (select consent from campaigns where project_id = new.project_id and id = new.campaign_id), '{"kind": "marketing"}');
    end if;
    return new;
  end $$;
  create or replace trigger message_consent before insert on messages
    for each row when (new.origin is null) execute function message_consent()`

type Key = { project_id: number; id: string }
const rowsAtOnce = 2_000
const lockedPauseMs = 20

export async function fillMessages(client: Client): Promise<void> {
  for (let last: [number, string] = [0, '00000000-0000-0000-0000-000000000000']; ; ) {
    const { rows } = await client.query<Key & { bare: boolean }>(
      `select project_id, id, origin is null as bare from messages
       where (project_id, id) > ($1, $2) order by project_id, id limit ${rowsAtOnce}`,
      last,
    )
    await fillRows(
      client,
      rows.filter(({ bare }) => bare),
    )
    if (rows.length < rowsAtOnce) return
    const { project_id, id } = rows.at(-1)!
    last = [project_id, id]
  }
}

/** Rows that somebody has locked are left for the next look, so that nobody waits for this and this for nobody. */
async function fillRows(client: Client, rows: Key[]): Promise<void> {
  for (let left = rows; left.length > 0; ) {
    const keys = [left.map((row) => row.project_id), left.map(({ id }) => id)]
    const { rowCount } = await client.query(
      `update messages m set
         origin = case when m.class = 'behavioral' then 'campaign' when m.test then 'test' else 'api' end,
         origin_id = case when m.class = 'behavioral' then m.campaign_id end,
         consent = case when m.class = 'transactional' then '{"kind": "transactional"}'
           else coalesce(r.consent, '{"kind": "marketing"}') end
       from (
         select o.project_id, o.id, c.consent from unnest($1::integer[], $2::uuid[]) as k (project_id, id)
         join messages o using (project_id, id)
         left join campaigns c on c.project_id = o.project_id and c.id = o.campaign_id
         where o.origin is null for no key update of o skip locked) as r
       where m.project_id = r.project_id and m.id = r.id`,
      keys,
    )
    if (rowCount === left.length) return
    const { rows: bare } = await client.query<Key>(
      `select project_id, id from unnest($1::integer[], $2::uuid[]) as k (project_id, id)
       join messages using (project_id, id) where origin is null`,
      keys,
    )
    if (bare.length > 0) await sleep(lockedPauseMs)
    left = bare
  }
}

/** Takes the place of messages_campaign, which the version before needs. API mail, which has no number, costs it nothing. */
async function indexByOrigin(client: Client): Promise<void> {
  // A build that was interrupted leaves what is of no use.
  await client.query(`
    do $$ begin
      if exists (select from pg_index where indexrelid = to_regclass('messages_origin') and not indisvalid) then
        drop index messages_origin;
      end if;
    end $$`)
  await client.query(
    `create index concurrently if not exists messages_origin on messages (project_id, origin, origin_id, created_at desc, id desc)
     where origin_id is not null`,
  )
}
