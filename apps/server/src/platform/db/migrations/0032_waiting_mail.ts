import type { Client } from 'pg'

/**
 * What mail waits for that can't leave as its project is now, and which change of the project it was last woken for. Outside of a
 * transaction, because the index is built beside the work; begun again from the start after a crash.
 */
export async function waitingMail(client: Client): Promise<void> {
  await client.query(`
    -- 'live': the project is in test mode; 'server': it has no SMTP server in use. Only of pending messages.
    alter table messages add column if not exists waits_for text check (waits_for in ('live', 'server'));
    -- The project's sending_version that a mail was last woken for.
    alter table messages add column if not exists woken_version integer;
    -- Counted up with each change of where a project's mail goes, and how far the mail that waited has been told.
    alter table projects add column if not exists sending_version integer not null default 0;
    alter table projects add column if not exists woken_version integer not null default 0`)
  // Made before Fairway noted it: what went to somebody real was made live.
  await client.query(`
    update messages m set live = true from projects p
    where p.id = m.project_id and p.mode = 'live' and m.state in ('failed', 'unknown') and not m.live and not m.test
      and m.recipient is distinct from p.test_address
      and m.created_at < coalesce((select applied_at from migrations where version = 30), now())`)
  // A build that was interrupted leaves what is of no use.
  await client.query(`
    do $$ begin
      if exists (select from pg_index where indexrelid = to_regclass('messages_waiting') and not indisvalid) then
        drop index messages_waiting;
      end if;
    end $$`)
  await client.query(
    `create index concurrently if not exists messages_waiting on messages (project_id, waits_for)
     where state = 'pending' and waits_for is not null`,
  )
}
