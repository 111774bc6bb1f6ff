import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import type { JobRecord } from '../../../src/pages/job-record.ts'
import type { NewPage } from '../../../src/pages/page.ts'
import type { ClaimedPage } from '../../../src/stores/store.ts'
import { emptySettlement, ending, pageOf, recordsOf, refOf } from '../conformance/scene.ts'
import { type DynamodbHarness, describeOnDynamodb, endpoint, openDynamodb } from './harness.ts'
import { MortalStore } from './killed-process.ts'

const lane = 'backlog'
const record = (id: string): JobRecord => [id, 'job', null]
const idsOf = (pages: ClaimedPage[]) => recordsOf(pages).map(([id]) => id)

/** How many items of a kind are in the table. */
async function count(table: string, kind: string): Promise<number> {
  const client = new DynamoDBClient({
    ...{
      endpoint: endpoint(),
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    },
  })
  let sum = 0
  let start: Record<string, never> | undefined
  do {
    const answer = await client.send(
      new ScanCommand({
        ...{ TableName: table, Select: 'COUNT', FilterExpression: 'begins_with(pk, :kind)' },
        ...{ ExpressionAttributeValues: { ':kind': { S: kind } }, ExclusiveStartKey: start },
      }),
    )
    sum += answer.Count ?? 0
    start = answer.LastEvaluatedKey as typeof start
  } while (start)
  client.destroy()
  return sum
}

async function drain(
  store: DynamodbHarness['store'],
  worker: number,
  until = Number.POSITIVE_INFINITY,
  from = 1,
): Promise<ClaimedPage[]> {
  const drained: ClaimedPage[] = []
  for (let number = from; drained.length < until; number++) {
    const pages = await store.claim(worker, [
      { lane, heads: 10, pagesPerHead: 16, maxBytes: 1e7, slots: 4, skip: [] },
    ])
    if (pages.length === 0) break
    drained.push(...pages)
    await store.settle({ ...emptySettlement(worker, number), finished: pages.map(refOf), ...ending(pages) })
  }
  return drained
}

describeOnDynamodb('on DynamoDB Local', () => {
  it('keeps the middle of long queues on disk, in order, also when their owner dies', async () => {
    const harness = await openDynamodb({ pagesInMemory: 100, shards: 2 })
    const owner = new MortalStore(harness.table, { pagesInMemory: 100, now: () => harness.store.now() })
    const worker = await owner.store.openWorker(600_000)
    const expected: Record<string, string[]> = { flood: [], keyed: [], quiet: [] }
    for (let batch = 0; batch < 30; batch++) {
      const pages: NewPage[] = []
      for (let n = 0; n < 50; n++) {
        const id = `${batch}-${n}`
        pages.push(pageOf(lane, 'flood', [record(id)]))
        expected.flood!.push(id)
        pages.push(pageOf(lane, 'keyed', [record(id)], { stream: `k${(batch * 50 + n) % 700}` }))
        expected.keyed!.push(id)
      }
      await harness.store.append(pages)
    }
    await harness.store.append([pageOf(lane, 'quiet', [record('q')])])
    expected.quiet!.push('q')
    // Taken in by its owner meanwhile.
    const waiting = async () => (await owner.store.stats()).find((one) => one.lane === lane)?.waitingJobs
    await expect.poll(waiting, { timeout: 20_000 }).toBe(3_001)
    await expect.poll(() => count(harness.table, 'SEGMENT#'), { timeout: 10_000 }).toBeGreaterThan(3)

    // A flood does not hide who comes after it.
    const request = { lane, heads: 3, pagesPerHead: 1, maxBytes: 1e7, slots: 4, skip: [] }
    const first = await owner.store.claim(worker, [request])
    expect(first.map(({ tenant }) => tenant)).toContain('quiet')
    const ends = { finished: first.map(refOf), ...ending(first) }
    await owner.store.settle({ ...emptySettlement(worker, 1), ...ends })
    const before = await drain(owner.store, worker, 600, 2)
    owner.die()

    await harness.store.heartbeat(worker, -1)
    const successor = await harness.store.openWorker(600_000)
    await harness.store.reap({ maxAttempts: 10 })
    await expect.poll(async () => (await harness.store.stats()).length, { timeout: 20_000 }).toBe(1)
    await harness.store.promote(1_000)
    const after = await drain(harness.store, successor)
    const all = [...first, ...before, ...after]
    for (const tenant of ['flood', 'quiet'])
      expect(idsOf(all.filter((page) => page.tenant === tenant))).toEqual(expected[tenant])
    const keyed = all.filter((page) => page.tenant === 'keyed')
    expect(idsOf(keyed).sort()).toEqual([...expected.keyed!].sort())
    for (let key = 0; key < 700; key++) {
      const own = idsOf(keyed.filter(({ stream }) => stream === `k${key}`))
      expect(own).toEqual(expected.keyed!.filter((_, n) => n % 700 === key))
    }
    await harness.store.closeWorker(successor)
    await expect.poll(() => count(harness.table, 'SEGMENT#')).toBe(0)
    await owner.bury()
    await harness.close()
  })

  it('keeps what is scheduled for later on disk', async () => {
    const harness = await openDynamodb({ pagesInMemory: 100, shards: 1 })
    const { store } = harness
    const worker = await store.openWorker(600_000)
    const now = store.now()
    const times = new Map<string, number>()
    for (let batch = 0; batch < 40; batch++) {
      const pages = Array.from({ length: 80 }, (_, n) => {
        const id = `${batch}-${n}`
        const dueAt = now + 1_000 + Math.floor(Math.random() * 100_000)
        times.set(id, dueAt)
        return pageOf(lane, `t${n % 7}`, [record(id)], { dueAt })
      })
      await store.append(pages)
    }
    await expect.poll(() => count(harness.table, 'SEGMENT#')).toBeGreaterThan(2)
    expect(await store.promote(1_000)).toEqual({ jobs: 0, nextDueAt: Math.min(...times.values()) })
    await store.closeWorker(worker)

    const again = await store.openWorker(600_000)
    const came: string[] = []
    for (let step = 0, number = 1; came.length < times.size && step < 60; step++) {
      harness.advance(2_000)
      while ((await store.promote(500)).jobs > 0);
      const pages = await drain(store, again, Number.POSITIVE_INFINITY, number)
      number += 1_000
      for (const id of idsOf(pages)) {
        expect(times.get(id)).toBeLessThanOrEqual(store.now())
        expect(times.get(id)).toBeGreaterThan(store.now() - 2_000)
        came.push(id)
      }
    }
    expect(came.sort()).toEqual([...times.keys()].sort())
    await harness.close()
  })

  it('writes again what waits for so long that TTL would take it', async () => {
    const harness = await openDynamodb({ keepDays: 10, pagesInMemory: 100, shards: 1 })
    const { store } = harness
    const worker = await store.openWorker(1e9)
    await store.setControls('asleep', { paused: true })
    const ids = Array.from({ length: 300 }, (_, n) => `${n}`)
    for (let n = 0; n < 300; n += 50)
      await store.append(ids.slice(n, n + 50).map((id) => pageOf(lane, 'asleep', [record(id)])))
    await store.append([pageOf(lane, 'asleep', [record('keyed')], { stream: 'kx' })])
    const bodies = () => count(harness.table, 'BODY#')
    const written = await bodies()
    await store.collect()
    expect(await bodies()).toBe(written)
    harness.advance(6 * 86_400_000)
    await store.collect()
    const rewritten = await bodies()
    expect(rewritten).toBeGreaterThan(written)
    await store.collect()
    expect(await bodies()).toBe(rewritten)
    // The next owner finds them where they are now.
    await store.closeWorker(worker)
    const again = await store.openWorker(1e9)
    await store.setControls('asleep', { paused: false })
    expect(idsOf(await drain(store, again)).filter((id) => id !== 'keyed')).toEqual(ids)
    await harness.close()
  })
})
