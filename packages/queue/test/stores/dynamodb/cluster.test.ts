import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { assign } from '../../../src/stores/dynamodb/cluster/assign.ts'
import { dynamodbStore } from '../../../src/stores/dynamodb/dynamodb-store.ts'
import type { ClaimedPage, Store } from '../../../src/stores/store.ts'
import { emptySettlement, ending, pageOf, recordsOf, refOf } from '../conformance/scene.ts'
import { describeOnDynamodb, endpoint, freshTable } from './harness.ts'
import { MortalStore } from './killed-process.ts'

const lane = 'cluster'
const tenants = Array.from({ length: 60 }, (_, n) => `t${n}`)
const request = { lane, heads: 100, pagesPerHead: 1, maxBytes: 1e7, slots: 4, skip: [] }
const idsOf = (pages: ClaimedPage[]) => recordsOf(pages).map(([id]) => id)
const finishing = (worker: number, number: number, pages: ClaimedPage[]) => ({
  ...emptySettlement(worker, number),
  finished: pages.map(refOf),
  ...ending(pages),
})

async function newTable(shards: number): Promise<string> {
  const table = freshTable()
  const store = dynamodbStore({ table, endpoint: endpoint(), shards })
  await store.migrate()
  await store.close()
  return table
}

/** One job for each tenant. */
const addRound = (store: Store, round: number) =>
  store.append(tenants.map((tenant) => pageOf(lane, tenant, [[`${tenant}-${round}`, 'job', null]])))

describeOnDynamodb('on DynamoDB Local', () => {
  it('shares the work between processes, and with one that comes later within seconds', async () => {
    const table = await newTable(12)
    const [first, second] = [new MortalStore(table), new MortalStore(table)]
    const one = await first.store.openWorker(600_000)
    await addRound(first.store, 0)
    expect(await first.store.claim(one, [request])).toHaveLength(60)

    const two = await second.store.openWorker(600_000)
    const served = { one: 0, two: 0 }
    for (let round = 1; served.two < 20 && round < 60; round++) {
      await addRound(first.store, round)
      await pause(100)
      served.one = (await first.store.claim(one, [request])).length
      served.two = (await second.store.claim(two, [request])).length
    }
    // Six shards each: about half of the tenants, and all work is somewhere.
    expect(served.two).toBeGreaterThanOrEqual(20)
    expect(served.one).toBeGreaterThanOrEqual(20)
    await first.bury()
    await second.bury()
  })

  it('what a dead process held goes to the others', async () => {
    const table = await newTable(8)
    const [dying, heir] = [new MortalStore(table), new MortalStore(table)]
    const producer = dynamodbStore({ table, endpoint: endpoint() })
    const one = await dying.store.openWorker(700)
    await addRound(producer, 0)
    const held: ClaimedPage[] = []
    await expect.poll(async () => held.push(...(await dying.store.claim(one, [request])))).toBe(60)
    await addRound(producer, 1)
    dying.die()

    const two = await heir.store.openWorker(600_000)
    const got: ClaimedPage[] = []
    const start = performance.now()
    while (got.length < 120 && performance.now() - start < 20_000) {
      await heir.store.reap({ maxAttempts: 10 })
      await heir.store.promote(1_000)
      got.push(...(await heir.store.claim(two, [request])))
      await pause(50)
    }
    const attempts = new Map(recordsOf(got).map(([id, , , made = 0]) => [id, made]))
    expect(attempts.size).toBe(120)
    for (const tenant of tenants) {
      expect(attempts.get(`${tenant}-0`)).toBe(1)
      expect(attempts.get(`${tenant}-1`)).toBe(0)
    }
    await producer.close()
    await dying.bury()
    await heir.bury()
  })

  it('a process that was frozen while others took over changes nothing any more', async () => {
    const table = await newTable(4)
    const [stale, heir] = [new MortalStore(table), new MortalStore(table)]
    const one = await stale.store.openWorker(500)
    await addRound(stale.store, 0)
    const held = await stale.store.claim(one, [request])
    expect(held).toHaveLength(60)
    await addRound(stale.store, 1)
    stale.freeze()

    const two = await heir.store.openWorker(600_000)
    const got: ClaimedPage[] = []
    const start = performance.now()
    while (got.length < 120 && performance.now() - start < 20_000) {
      await heir.store.reap({ maxAttempts: 10 })
      await heir.store.promote(1_000)
      got.push(...(await heir.store.claim(two, [request])))
      await pause(50)
    }
    expect(got).toHaveLength(120)

    // It wakes up and believes that nothing has happened.
    const blob = { id: 'precious', data: '"data"' }
    await heir.store.append([
      pageOf(lane, 'blobs', [['b', 'job', null, 0, { b: blob.id }]], { blobs: [blob] }),
    ])
    const [page] = held
    const { lease, tenant } = page!
    const claiming = stale.store.claim(one, [request])
    const settling = stale.store.settle({
      ...finishing(one, 1, held),
      reschedule: [{ ...pageOf(lane, tenant, [['again', 'job', null]]), lease, dueAt: stale.store.now() }],
      dead: [{ lease, lane, tenant, id: 'dead', name: 'job', data: '1', attempts: 1, reason: 'late' }],
      closed: [{ lane, tenant, until: stale.store.now() + 60_000 }],
      blobs: [blob.id],
    })
    stale.thaw()
    expect(await claiming.catch(() => [])).toEqual([])
    expect(await settling).toEqual(new Set())
    expect(await stale.store.heartbeat(one, 500)).toBe(false)

    expect(await heir.store.deadLetters({ limit: 10 })).toEqual([])
    expect(await heir.store.readBlobs([blob.id])).toEqual([blob])
    // Every job is still leased to the heir, who can end it, and none comes twice.
    const leases = new Set(got.map((one) => one.lease))
    expect(await heir.store.settle(finishing(two, 1, got))).toEqual(leases)
    await heir.store.promote(1_000)
    expect(idsOf(await heir.store.claim(two, [request]))).toEqual(['b'])
    await stale.bury()
    await heir.bury()
  })

  it('what was claimed before its shard moved is settled with its new owner', async () => {
    const table = await newTable(8)
    const [first, second] = [new MortalStore(table), new MortalStore(table)]
    const one = await first.store.openWorker(600_000)
    await addRound(first.store, 0)
    const held = await first.store.claim(one, [request])
    expect(held).toHaveLength(60)
    const two = await second.store.openWorker(600_000)
    // As soon as the second process has shards, it hands out what comes in for them.
    for (let round = 1, served = 0; served === 0; round++) {
      await addRound(first.store, round)
      await pause(200)
      served = (await second.store.claim(two, [request])).length
    }
    const leases = new Set(held.map((page) => page.lease))
    const settlement = finishing(one, 1, held)
    expect(await first.store.settle(settlement)).toEqual(leases)
    expect(await first.store.settle(settlement)).toEqual(leases)
    // No trace of them is left, at any owner.
    await first.bury()
    await second.store.heartbeat(one, -1)
    await second.store.reap({ maxAttempts: 10 })
    const rest: string[] = []
    for (let quiet = 0; quiet < 20; ) {
      await second.store.promote(1_000)
      const pages = await second.store.claim(two, [request])
      rest.push(...idsOf(pages))
      quiet = pages.length === 0 ? quiet + 1 : 0
      await pause(100)
    }
    expect(rest.filter((id) => id.endsWith('-0'))).toEqual([])
    await second.bury()
  })

  it('a tenant with more work than one process can do is served by all', async () => {
    const table = await newTable(4)
    const [busy, idle] = [new MortalStore(table), new MortalStore(table)]
    const [one, two] = [await busy.store.openWorker(600_000), await idle.store.openWorker(600_000)]
    const woken: string[] = []
    await idle.store.listen((what) => woken.push(what))
    // Both have shards before the flood comes.
    await pause(2_500)
    for (let n = 0; n < 24; n++)
      await busy.store.append([
        pageOf(lane, 'hot', [[`h${n}`, 'job', null]], n % 4 === 0 ? { stream: 'kx' } : {}),
      ])
    const got = { one: [] as ClaimedPage[], two: [] as ClaimedPage[] }
    const numbers = { one: 0, two: 0 }
    const start = performance.now()
    // Each takes one page at a time, and a while for it; whoever has the shard could do it all.
    while (got.one.length + got.two.length < 24 && performance.now() - start < 30_000) {
      for (const [name, { store }, worker] of [['one', busy, one] as const, ['two', idle, two] as const]) {
        const pages = await store.claim(worker, [{ ...request, heads: 1, maxBytes: 1 }])
        got[name].push(...pages)
        if (pages.length > 0)
          expect((await store.settle(finishing(worker, ++numbers[name], pages))).size).toBe(1)
      }
      await pause(400)
    }
    expect(got.one.length).toBeGreaterThan(0)
    expect(got.two.length).toBeGreaterThan(0)
    expect(woken).toContain('ready')
    const ids = idsOf([...got.one, ...got.two])
    expect(new Set(ids).size).toBe(24)
    expect(ids).toHaveLength(24)
    for (const [store, worker] of [[busy.store, one] as const, [idle.store, two] as const])
      await store.closeWorker(worker)
    await busy.bury()
    await idle.bury()
  })

  it('a lane that the owners of the shards do not serve is served by a process that does', async () => {
    const table = await newTable(4)
    const [first, second] = [new MortalStore(table), new MortalStore(table)]
    const one = await first.store.openWorker(600_000)
    await addRound(first.store, 0)
    const two = await second.store.openWorker(600_000)
    const got: string[] = []
    let number = 0
    const start = performance.now()
    while (got.length < 60 && performance.now() - start < 30_000) {
      // The first asks for another lane only, and owns half of the shards.
      await first.store.claim(one, [{ ...request, lane: 'another' }])
      const pages = await second.store.claim(two, [request])
      got.push(...idsOf(pages))
      if (pages.length > 0) await second.store.settle(finishing(two, ++number, pages))
      await pause(50)
    }
    expect(new Set(got).size).toBe(60)
    expect(got).toHaveLength(60)
    await first.bury()
    await second.bury()
  })

  it('purges a tenant whose shard belongs to another process, or to none', async () => {
    const table = await newTable(4)
    const admin = dynamodbStore({ table, endpoint: endpoint() })
    await addRound(admin, 0)
    expect(await admin.purgeTenant('t1')).toBe(1)
    const owner = new MortalStore(table)
    const worker = await owner.store.openWorker(600_000)
    await addRound(admin, 1)
    await admin.append([pageOf(lane, 't2', [['later', 'job', null]], { dueAt: admin.now() + 1e6 })])
    expect(await admin.purgeTenant('t2')).toBe(3)
    const pages = await owner.store.claim(worker, [{ ...request, pagesPerHead: 5 }])
    const ids = idsOf(pages)
    expect(ids).not.toContain('t1-0')
    expect(ids).toContain('t1-1')
    expect(ids.filter((id) => id.startsWith('t2-'))).toEqual([])
    expect(ids).toHaveLength(117)
    await admin.close()
    await owner.bury()
  })

  it('a producer learns of quotas from the owners of the shards', async () => {
    const table = await newTable(4)
    const owner = new MortalStore(table)
    await owner.store.openWorker(600_000)
    const producer = dynamodbStore({ table, endpoint: endpoint() })
    await producer.setControls('t1', { maxJobs: 10 })
    const nine = pageOf(
      lane,
      't1',
      Array.from({ length: 9 }, (_, n) => [`${n}`, 'job', null]),
    )
    await producer.append([nine])
    expect(await producer.usage([{ lane, tenant: 't1' }])).toMatchObject([{ jobs: 9, maxJobs: 10 }])
    const pressure = async () => (await producer.append([pageOf(lane, 't1', [['x', 'job', null]])])).pressure
    await expect
      .poll(pressure, { timeout: 20_000, interval: 500 })
      .toMatchObject([{ tenant: 't1', maxJobs: 10 }])
    await producer.close()
    await owner.bury()
  })
})

it('assigns shards evenly, and moves few when a member comes or goes', () => {
  for (const members of [1, 2, 3, 7, 16, 40]) {
    const names = Array.from({ length: members }, (_, n) => `member${n}`)
    const before = assign(16, names)
    const loads = names.map((name) => before.filter((one) => one === name).length)
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
    expect(assign(16, [...names].reverse())).toEqual(before)
  }
  const before = assign(64, ['a', 'b', 'c', 'd'])
  const after = assign(64, ['a', 'b', 'c', 'd', 'e'])
  expect(before.filter((name, shard) => after[shard] !== name).length).toBeLessThanOrEqual(32)
})
