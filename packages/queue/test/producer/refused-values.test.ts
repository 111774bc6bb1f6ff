import pg from 'pg'
import { expect, it } from 'vitest'
import { testDatabaseUrl } from '../../../../testing/postgres.ts'
import { createQueue, InvalidJob, memoryStore, postgresStore } from '../../src/index.ts'
import { openPostgres } from '../stores/harness.ts'

/** Values that can't be stored are told apart from a store that is away: trying again would go on for ever. */
const job = { lane: 'bulk', tenant: '7', name: 'deliver', data: {} }

it('half of a surrogate pair in a name is refused: stored, it would be another name', async () => {
  const queue = createQueue({ store: memoryStore() })
  for (const [field, value] of Object.entries({
    lane: { lane: 'a\ud83d' },
    tenant: { tenant: '\ude00a' },
    name: { name: '\ud83d' },
    id: { id: 'a\ud83d' },
    key: { key: 'a\ud83db' },
    'dedupe.key': { dedupe: { key: '\ud83d', windowMs: 1_000 } },
  }))
    await expect(queue.add({ ...job, ...value }), field).rejects.toMatchObject({
      code: 'QUEUE_INVALID_JOB',
      field,
    })
  await queue.close()
})

it('a whole pair is kept, and its dedupe key is found again', async () => {
  const { store, close } = await openPostgres()
  const queue = createQueue({ store })
  const one = { ...job, tenant: '😀', dedupe: { key: '😀', windowMs: 60_000 } }
  const first = await queue.add(one)
  expect(first.duplicate).toBeUndefined()
  expect(await queue.add(one)).toMatchObject({ id: first.id, duplicate: true })
  await queue.close()
  await close()
})

it('what the database can not store is an invalid job, and those of the same commit are stored', async () => {
  const admin = new pg.Client({ connectionString: await testDatabaseUrl() })
  await admin.connect()
  const name = `test_win1252_${process.pid}`
  await admin.query(`create database ${name} template template0 encoding 'WIN1252' locale 'C'`)
  const url = new URL(await testDatabaseUrl())
  url.pathname = `/${name}`
  const store = postgresStore({ connectionString: url.href })
  await store.migrate()
  const queue = createQueue({ store })
  try {
    const add = (text: string, more = {}) => queue.add({ ...job, data: { text }, ...more })
    const keyed = { dedupe: { key: 'k', windowMs: 60_000 } }
    const answers = await Promise.allSettled([
      add('é'),
      add('😀'),
      add('plain'),
      add('😀', keyed),
      add('é', keyed),
    ])
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    const refusal = (answers[1] as PromiseRejectedResult).reason
    expect(refusal).toBeInstanceOf(InvalidJob)
    expect(refusal.message).toContain("PostgreSQL can't store it")
    const { waitingJobs } = (await queue.tenants(10)).reduce(
      (sum, one) => ({ waitingJobs: sum.waitingJobs + one.waitingJobs }),
      { waitingJobs: 0 },
    )
    expect(waitingJobs).toBe(3)
  } finally {
    await queue.close()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
})
