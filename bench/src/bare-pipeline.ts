/**
 * The least that processing can cost: the same people and events written by a plain loop, 500 at a time, four loops at once.
 * No queue, no duplicates, no merges by time, no triggers. Prints events per second.
 */
import pg from 'pg'

/** Returns events per second. */
export async function bareLoop(databaseUrl: string, total: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
  await pool.query(`
    drop table if exists bare_people, bare_events;
    create table bare_people (external_id text primary key, email text, properties jsonb not null, updated_at timestamptz not null);
    create table bare_events (id bigint generated always as identity primary key, person text not null, name text not null,
      properties jsonb not null, occurred_at timestamptz not null);
    create index on bare_events (person, occurred_at desc);
    create index on bare_events (name, occurred_at desc)`)
  let next = 0
  const loop = async () => {
    while (next < total) {
      const from = next
      next += 500
      const ids = Array.from({ length: 500 }, (_, n) => `user-${((from + n) * 7_919) % 20_000}`)
      const properties = ids.map((_, n) =>
        JSON.stringify({ sku: `sku-${(from + n) % 97}`, price: 19.99, position: n % 7 }),
      )
      const unique = [...new Set(ids)].sort()
      const client = await pool.connect()
      await client.query('begin')
      await client.query({
        name: 'people',
        text: `insert into bare_people select id, id || '@example.com', '{}', now() from unnest($1::text[]) as id
               on conflict (external_id) do update set updated_at = excluded.updated_at`,
        values: [unique],
      })
      await client.query({
        name: 'events',
        text: `insert into bare_events (person, name, properties, occurred_at)
               select id, 'Viewed item', p::jsonb, now() from unnest($1::text[], $2::text[]) as e (id, p)`,
        values: [ids, properties],
      })
      await client.query('commit')
      client.release()
    }
  }
  const startedAt = performance.now()
  await Promise.all([loop(), loop(), loop(), loop()])
  const rate = (total / (performance.now() - startedAt)) * 1_000
  await pool.end()
  return rate
}
