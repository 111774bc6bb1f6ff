import { blobsOf } from '../../pages/job-record.ts'
import type { Blob } from '../../pages/page.ts'
import { movedKey } from '../moved-key.ts'
import type { Section, SectionRow, SectionValues } from '../store.ts'
import { appendAll } from './append.ts'
import { markCancelled, readControls, writeControls } from './controls.ts'
import { byHead, columns, type Db, type PoolDb } from './db.ts'

/** Of two names and a third as one text that no other three give. */
const refOf = (third: string) =>
  `char_length(t.lane) || ':' || char_length(t.tenant) || ':' || t.lane || t.tenant || t.${third}`

/** How each section is read, as JSON of the form of {@link SectionValues}, what tells its rows apart, and in which order. */
const sources: Record<Section, (s: string) => { from: string; ref: string; order: string; value: string }> = {
  scheduled: (s) => ({
    from: `${s}.scheduled t`,
    ref: 't.id::text',
    order: 't.due_at, t.id',
    value: `json_build_object('dueAt', t.due_at, 'alone', t.alone, 'lane', t.lane, 'tenant', t.tenant, 'stream', t.stream,
      'jobs', t.jobs, 'bytes', t.bytes, 'firstAt', coalesce(t.first_at, t.due_at), 'body', t.body)`,
  }),
  dead: (s) => ({
    from: `${s}.dead_letters t left join ${s}.blobs b on b.id = t.blob`,
    ref: 't.n::text',
    order: 't.n',
    value: `json_strip_nulls(json_build_object('lane', t.lane, 'tenant', t.tenant, 'id', t.id, 'name', t.name, 'attempts', t.attempts,
      'reason', t.reason, 'stream', nullif(t.stream, ''), 'diedAt', extract(epoch from t.died_at)::float8 * 1000, 'data', coalesce(b.data, t.data)))`,
  }),
  unique: (s) => ({
    from: `${s}.unique_keys t`,
    ref: refOf('key'),
    order: 't.lane, t.tenant, t.key',
    value: `json_build_object('lane', t.lane, 'tenant', t.tenant, 'key', t.key, 'id', t.id, 'until', t.until)`,
  }),
  cancelled: (s) => ({
    from: `${s}.cancelled t`,
    ref: refOf('id'),
    order: 't.lane, t.tenant, t.id',
    value: `json_build_object('lane', t.lane, 'tenant', t.tenant, 'id', t.id)`,
  }),
  progress: (s) => ({
    from: `${s}.progress t`,
    ref: 't.id',
    order: 't.id',
    value: `json_build_object('lane', t.lane, 'tenant', t.tenant, 'id', t.id, 'progress', t.progress::json)`,
  }),
  tenants: (s) => ({
    from: `${s}.tenants t`,
    ref: 't.tenant',
    order: 't.tenant',
    value: `json_build_object('tenant', t.tenant, 'controls', json_strip_nulls(json_build_object('weight', t.weight,
      'maxInFlight', t.max_in_flight, 'rate', t.rate, 'paused', t.paused, 'maxJobs', t.max_jobs, 'maxBytes', t.max_bytes)))`,
  }),
  schedules: (s) => ({
    from: `${s}.schedules t`,
    ref: 't.id',
    order: 't.id',
    value: `json_build_object('id', t.id, 'spec', t.spec, 'nextAt', t.next_at)`,
  }),
}

export async function dump<S extends Section>(
  db: PoolDb,
  section: S,
  limit: number,
): Promise<SectionRow<S>[]> {
  const { from, ref, order, value } = sources[section](db.schema)
  const rows = await db.raw<SectionRow<S>>(
    `select ${ref} as ref, ${value} as value from ${from} order by ${order} limit $1`,
    [limit],
  )
  if (section === 'scheduled') await addBlobs(db, rows as SectionRow<'scheduled'>[])
  return rows
}

async function addBlobs(db: PoolDb, rows: SectionRow<'scheduled'>[]): Promise<void> {
  const ids = rows.map(({ value }) => blobsOf(value.body))
  const wanted = ids.flat()
  if (wanted.length === 0) return
  const blobs = new Map((await readBlobs(db, wanted)).map((blob) => [blob.id, blob]))
  for (const [index, row] of rows.entries()) {
    const own = ids[index]!.flatMap((id) => blobs.get(id) ?? [])
    if (own.length > 0) row.value.blobs = own
  }
}

export const readBlobs = (db: PoolDb, ids: string[]): Promise<Blob[]> =>
  db.raw<Blob>(`select id, data from ${db.schema}.blobs where id = any ($1::text[])`, [ids])

export async function erase<S extends Section>(db: PoolDb, section: S, rows: SectionRow<S>[]): Promise<void> {
  const { ref } = sources[section](db.schema)
  const table = sources[section](db.schema).from.split(' ')[0]
  await db.transaction(async (tx) => {
    const gone = await tx.raw<{ body?: string; blob?: string | null }>(
      `delete from ${table} t where ${ref} = any ($1::text[]) returning *`,
      [rows.map((row) => row.ref)],
    )
    const blobs = gone.flatMap(({ body, blob }) => (body ? blobsOf(body) : blob ? [blob] : []))
    if (blobs.length > 0) await tx.run('dropBlobs', [blobs])
  })
}

export function load<S extends Section>(
  db: PoolDb,
  section: S,
  rows: SectionRow<S>[],
  origin: string,
): Promise<void> {
  return db.transaction((tx) => loaders[section](tx, rows, origin, db.now()))
}

type Loader<S extends Section> = (tx: Db, rows: SectionRow<S>[], origin: string, now: number) => Promise<void>

const loaders: { [S in Section]: Loader<S> } = {
  async scheduled(tx, rows, origin, now) {
    const pages = rows.map(({ ref, value }) => ({
      ...value,
      unique: movedKey(origin, 'scheduled', ref, now),
    }))
    await appendAll(tx, now, pages, {})
  },

  async dead(tx, rows, origin, now) {
    const keys = columns(
      rows,
      ({ value }) => value.lane,
      ({ value }) => value.tenant,
      ({ ref }) => movedKey(origin, 'dead', ref, now).key,
      ({ ref }) => ref,
      ({ ref }) => movedKey(origin, 'dead', ref, now).until,
    )
    const taken = await tx.run<{ id: string }>('takeKeys', [...keys, now], rows.length)
    const fresh = new Set(taken.map(({ id }) => id))
    const kept = rows.filter(({ ref }) => fresh.has(ref)).map(({ value }) => value)
    await tx.raw(
      `insert into ${tx.schema}.dead_letters (lane, tenant, stream, id, name, data, attempts, reason, died_at)
       select lane, tenant, stream, id, name, data, attempts, reason, to_timestamp(died_at / 1000)
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[], $9::float8[])
         as g (lane, tenant, stream, id, name, data, attempts, reason, died_at)`,
      columns(
        kept,
        (job) => job.lane,
        (job) => job.tenant,
        (job) => job.stream ?? '',
        (job) => job.id,
        (job) => job.name,
        (job) => job.data,
        (job) => job.attempts,
        (job) => job.reason,
        (job) => job.diedAt,
      ),
    )
  },

  async unique(tx, rows) {
    await tx.raw(
      `insert into ${tx.schema}.unique_keys (lane, tenant, key, id, until)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[])
       on conflict do nothing`,
      columns(
        rows,
        ({ value }) => value.lane,
        ({ value }) => value.tenant,
        ({ value }) => value.key,
        ({ value }) => value.id,
        ({ value }) => value.until,
      ),
    )
  },

  async cancelled(tx, rows, _origin, now) {
    await markCancelled(
      tx,
      now,
      rows.map(({ value }) => value),
    )
  },

  async progress(tx, rows, _origin, now) {
    const bars = rows.map(({ value }) => value)
    await tx.run('saveProgress', [
      bars.map((bar) => bar.id),
      ...byHead(bars),
      bars.map((bar) => JSON.stringify(bar.progress)),
      now,
    ])
  },

  async tenants(tx, rows, _origin, now) {
    // What is here already wins: it was set after the move began.
    for (const { value } of rows) {
      const here = await readControls(tx, value.tenant)
      await writeControls(tx, now, value.tenant, { ...value.controls, ...here })
    }
  },

  async schedules(tx, rows) {
    for (const { value } of rows) await tx.run('loadSchedule', [value.id, value.spec, value.nextAt])
  },
}
