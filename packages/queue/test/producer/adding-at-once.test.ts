import { afterEach, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../../../testing/postgres.ts'
import { createQueue, memoryStore, postgresStore, QueueUnavailable } from '../../src/index.ts'
import { decodeBody } from '../../src/pages/job-record.ts'
import type { Store } from '../../src/stores/store.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Ids in the order in which a tenant's jobs are stored. */
async function stored(store: Store, lane: string) {
  const worker = await store.openWorker(60_000)
  const byTenant = new Map<string, string[]>()
  const request = { lane, heads: 1_000, pagesPerHead: 1_000, maxBytes: 1e9, slots: 1, skip: [] }
  for (let pages = await store.claim(worker, [request]); pages.length > 0; ) {
    for (const { tenant, body } of pages) {
      const ids = byTenant.get(tenant) ?? []
      ids.push(...decodeBody(body).map(([id]) => id))
      byTenant.set(tenant, ids)
    }
    pages = await store.claim(worker, [request])
  }
  return byTenant
}

/** Calls of all sizes at once, so that they use every line and some need several. */
async function addManyAtOnce(store: Store) {
  const queue = createQueue({ store })
  const added = new Map<string, string[]>()
  const calls: Promise<unknown>[] = []
  let n = 0
  for (let call = 0; call < 120; call++) {
    const size = [1, 2, 30, 700][call % 4]!
    const jobs = Array.from({ length: size }, (_, index) => {
      const tenant = `t${(call + (call % 12 === 6 ? index % 3 : 0)) % 7}`
      const id = `${n++}`
      added.set(tenant, [...(added.get(tenant) ?? []), id])
      return { lane: 'l', tenant, id, name: 'job', data: null }
    })
    calls.push(queue.addMany(jobs))
    if (call % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(calls)
  return added
}

describe('adds that are under way at once', () => {
  it('are stored tenant by tenant in the order of the calls, in PostgreSQL', async () => {
    const database = await createTestDatabase({ migrate: false })
    const store = postgresStore({ pool: database.pool })
    closers.push(async () => {
      await store.close()
      await database.drop()
    })
    await store.migrate()
    const added = await addManyAtOnce(store)
    expect(await stored(store, 'l')).toEqual(added)
  })

  it('overtake nothing of their tenants, however long a commit takes', async () => {
    const store = memoryStore()
    let underWay = 0
    let most = 0
    const slow: Store = Object.assign(Object.create(store), {
      appendsAtOnce: 3,
      append: async (pages: Parameters<Store['append']>[0]) => {
        most = Math.max(most, ++underWay)
        for (let turns = (pages.length * 7) % 5; turns >= 0; turns--)
          await new Promise((resolve) => setImmediate(resolve))
        underWay--
        return store.append(pages)
      },
    })
    for (const name of ['now', 'openWorker', 'claim', 'close', 'announce', 'listen'] as const)
      Object.assign(slow, { [name]: (store[name] as (...args: unknown[]) => unknown).bind(store) })
    const added = await addManyAtOnce(slow)
    expect(await stored(store, 'l')).toEqual(added)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(3)
  })

  it('closing waits for all of them, and a failed commit leaves the others alone', async () => {
    const store = memoryStore()
    let calls = 0
    const append = store.append.bind(store)
    const failing: Store = Object.assign(store, {
      appendsAtOnce: 2,
      append: async (pages: Parameters<Store['append']>[0]) => {
        const number = ++calls
        for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve))
        if (number === 1) throw new Error('away')
        return append(pages)
      },
    })
    const queue = createQueue({ store: failing })
    const many = (tenant: string) =>
      queue.addMany(Array.from({ length: 600 }, () => ({ lane: 'l', tenant, name: 'job', data: null })))
    const results = Promise.allSettled([many('a'), many('b')])
    await queue.close()
    const [first, second] = await results
    expect(first).toMatchObject({ status: 'rejected', reason: expect.any(QueueUnavailable) })
    expect(second.status).toBe('fulfilled')
  })
})

describe('a group commit of ordinary pages in PostgreSQL', () => {
  it('takes tenants whose names PostgreSQL sorts or writes otherwise than JavaScript', async () => {
    const database = await createTestDatabase({ migrate: false })
    const store = postgresStore({ pool: database.pool })
    closers.push(async () => {
      await store.close()
      await database.drop()
    })
    await store.migrate()
    // Two that are the same text once written as UTF-8, some around the surrogates, quotes, an empty-looking one.
    const tenants = [
      'a\ud800',
      'a\ud801',
      '🎉',
      '\uffee',
      '\ue000',
      'é',
      'Z',
      'a',
      '"',
      '\\',
      'NULL',
      '{}',
      ' ',
      '🎉',
    ]
    const pages = tenants.flatMap((tenant, n) =>
      [0, 1].map((m) => {
        const body = `["${n}.${m}","job","é🎉"]`
        return {
          lane: m === 0 ? 'l' : 'é',
          tenant,
          stream: '',
          jobs: 1,
          bytes: Buffer.byteLength(body),
          body,
        }
      }),
    )
    await store.append(pages)
    await store.append(pages)
    for (const [m, lane] of ['l', 'é'].entries()) {
      const ids = await stored(store, lane)
      expect(ids.get('a\ufffd')).toEqual([`0.${m}`, `1.${m}`, `0.${m}`, `1.${m}`])
      expect(ids.get('🎉')).toEqual([`2.${m}`, `13.${m}`, `2.${m}`, `13.${m}`])
      for (const [n, tenant] of tenants.entries())
        if (n > 2 && n < 13) expect(ids.get(tenant)).toEqual([`${n}.${m}`, `${n}.${m}`])
    }
    expect((await store.stats()).map(({ waitingJobs, leasedJobs }) => waitingJobs + leasedJobs)).toEqual([
      28, 28,
    ])
  })
})
