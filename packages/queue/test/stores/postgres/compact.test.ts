import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { packPages } from '../../../src/pages/pack-pages.ts'
import { compact } from '../../../src/stores/postgres/compact.ts'
import { Connection } from '../../../src/stores/postgres/connection.ts'
import { PoolDb } from '../../../src/stores/postgres/db.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import type { Settlement, Store } from '../../../src/stores/store.ts'

let database: TestDatabase
let store: Store
let db: PoolDb

beforeAll(async () => {
  database = await createTestDatabase({ migrate: false })
  store = postgresStore({ pool: database.pool })
  await store.migrate()
  db = new PoolDb(new Connection({ pool: database.pool }), 'fairway_queue', () => store.now())
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

const limits = { deadVersions: 500, heldSeconds: 0 }

async function workOff(worker: number, jobs: number, number: { next: number }): Promise<number> {
  let done = 0
  for (let n = 0; n < jobs; n++) {
    const record = JSON.stringify([`j${n}`, 'job', null])
    await store.append(packPages([{ lane: 'l', tenant: 'a', stream: '', record, bytes: record.length }]))
    const pages = await store.claim(worker, [
      { lane: 'l', heads: 10, pagesPerHead: 1, maxBytes: 1_000_000, slots: 1, skip: [] },
    ])
    const settlement: Settlement = {
      worker,
      number: number.next++,
      finished: pages,
      partial: [],
      restore: [],
      reschedule: [],
      dead: [],
      emptied: pages.map(({ lease }) => lease),
      released: [],
      closed: [],
      corrections: [],
      blobs: [],
      cancelled: [],
      progressed: [],
    }
    await store.settle(settlement)
    done += pages.length
  }
  return done
}

it('writes hot tables anew while a transaction is held open, and work goes on as before', async () => {
  const worker = await store.openWorker(600_000)
  const number = { next: 1 }
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  try {
    await holder.query('begin isolation level repeatable read')
    await holder.query('select 1 from fairway_queue.pages limit 1')
    expect(await workOff(worker, 400, number)).toBe(400)
    // Statistics are told with a delay of their own.
    let written: string[] = []
    for (let tries = 0; tries < 200 && written.length === 0; tries++) {
      await database.pool.query('select pg_stat_force_next_flush()').catch(() => {})
      written = await compact(db, limits)
    }
    expect(written).toContain('heads')
    const { rows } = await database.pool.query(
      'select count(*)::int as heads, max(cursor)::int as cursor from fairway_queue.heads',
    )
    expect(rows[0]).toEqual({ heads: 1, cursor: 400 })
    const size = await database.pool.query(`select pg_relation_size('fairway_queue.heads')::int as bytes`)
    expect(size.rows[0].bytes).toBeLessThanOrEqual(8_192)
    expect(await workOff(worker, 20, number)).toBe(20)
  } finally {
    await holder.end()
  }
  await store.closeWorker(worker)
})

it('leaves them to vacuum when nothing is held open', async () => {
  expect(await compact(db, limits)).toEqual([])
})
