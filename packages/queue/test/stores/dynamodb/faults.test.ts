import { afterAll, beforeAll, expect, it } from 'vitest'
import { QueueUnavailable } from '../../../src/api/errors.ts'
import { dynamodbStore } from '../../../src/stores/dynamodb/dynamodb-store.ts'
import { emptySettlement, ending, pageOf, recordsOf, refOf } from '../conformance/scene.ts'
import { deliveryProperty } from '../delivery-property.ts'
import { type Fault, type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts'
import { describeOnDynamodb, endpoint, freshTable, openDynamodb } from './harness.ts'

const lane = 'faults'
const batches = ['BatchWriteItem', 'BatchGetItem']
const pagesOf = (count: number) =>
  Array.from({ length: count }, (_, n) => pageOf(lane, `t${n}`, [[`j${n}`, 'job', null]]))

describeOnDynamodb('on DynamoDB Local, behind a proxy that fails', () => {
  let proxy: FaultyProxy
  beforeAll(async () => {
    proxy = await startFaultyProxy(endpoint())
  })
  afterAll(() => proxy?.close())

  const sometimes = (operation: string): Fault | undefined => {
    const chance = Math.random()
    if (chance < 0.06) return 'throttle'
    if (chance < 0.08) return 'lost'
    if (chance < 0.09) return 'broken'
    if (chance < 0.1) return 'error'
    if (chance < 0.4 && batches.includes(operation)) return 'half'
    return undefined
  }

  const open = async () => {
    proxy.fail = () => undefined
    const harness = await openDynamodb({ endpoint: proxy.endpoint })
    proxy.fail = sometimes
    return harness
  }
  deliveryProperty('a failing dynamodb', open, { runs: 10, steps: 40 })

  it('reads and writes whole batches, however little of them is done at once', async () => {
    proxy.fail = (operation) => (batches.includes(operation) ? 'half' : undefined)
    const { store, close } = await openDynamodb({ endpoint: proxy.endpoint })
    const jobs = Array.from({ length: 120 }, (_, n) => ({ lane, tenant: 'a', id: `j${n}` }))
    await store.cancel(jobs)
    expect(await store.cancelled({ lane, tenant: 'a' })).toHaveLength(120)
    const blobs = Array.from({ length: 120 }, (_, n) => ({ id: `b${n}`, data: `"${n}"` }))
    await store.append([pageOf(lane, 'a', [['j', 'job', null]], { blobs })])
    expect(await store.readBlobs(blobs.map(({ id }) => id))).toHaveLength(120)
    await close()
  })

  it('an append that cannot be stored whole is refused whole', async () => {
    const table = freshTable()
    proxy.fail = () => undefined
    const store = dynamodbStore({ table, endpoint: proxy.endpoint, shards: 8 })
    await store.migrate()
    const worker = await store.openWorker(600_000)
    // One shard's items cannot be written, and so nothing of the append comes to be.
    proxy.fail = (operation, body) =>
      operation === 'PutItem' && body.includes('"BODY#3#') ? 'throttle' : undefined
    await expect(store.append(pagesOf(60))).rejects.toThrow(QueueUnavailable)
    proxy.fail = () => undefined
    const request = { lane, heads: 100, pagesPerHead: 1, maxBytes: 1e6, slots: 4, skip: [] }
    expect(await store.claim(worker, [request])).toEqual([])
    await store.append(pagesOf(60))
    const pages = await store.claim(worker, [request])
    expect(recordsOf(pages)).toHaveLength(60)
    await store.settle({ ...emptySettlement(worker, 1), finished: pages.map(refOf), ...ending(pages) })
    expect(await store.claim(worker, [request])).toEqual([])
    await store.close()
  })

  it('says that it is unavailable when DynamoDB is, and goes on when that is over', async () => {
    const table = freshTable()
    proxy.fail = () => undefined
    const store = dynamodbStore({ table, endpoint: proxy.endpoint, shards: 2 })
    await store.migrate()
    const worker = await store.openWorker(600_000)
    await store.append(pagesOf(4))
    const request = { lane, heads: 100, pagesPerHead: 1, maxBytes: 1e6, slots: 4, skip: [] }
    proxy.fail = () => 'broken'
    await Promise.all([
      expect(store.ping()).rejects.toThrow(QueueUnavailable),
      expect(store.append(pagesOf(4))).rejects.toThrow(QueueUnavailable),
      expect(store.claim(worker, [request])).rejects.toThrow(QueueUnavailable),
    ])
    proxy.fail = () => undefined
    // The claim came to nothing: its pages are claimable again as soon as the shards are read again.
    const claimed = async () => (await store.claim(worker, [request])).length
    const start = performance.now()
    let pages = 0
    while (pages < 4 && performance.now() - start < 20_000) {
      pages += await claimed()
      await new Promise((done) => setTimeout(done, 50))
    }
    expect(pages).toBe(4)
    await store.close()
  })
})
