import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { isExclusive } from '../../../src/pages/streams.ts'
import { dynamodbStore } from '../../../src/stores/dynamodb/dynamodb-store.ts'
import { pageOf } from '../conformance/scene.ts'
import { describeOnDynamodb, endpoint, freshTable } from './harness.ts'
import { Ledger, lane, MortalStore, MortalWorker } from './killed-process.ts'

const streams = ['', '', 'p1', 'kx', 'ky']
const random = (below: number) => Math.floor(Math.random() * below)

describeOnDynamodb('on DynamoDB Local', () => {
  it('producers and workers that die at any moment lose nothing, and repeat nothing that was settled', async () => {
    const table = freshTable()
    const ledger = new Ledger()
    const observer = dynamodbStore({ table, endpoint: endpoint(), shards: 4 })
    await observer.migrate()
    let producer = new MortalStore(table)
    let workers = [new MortalWorker(table, ledger), new MortalWorker(table, ledger)]
    let counter = 0

    const somePages = () =>
      Array.from({ length: 1 + random(8) }, () => {
        const tenant = `t${random(6)}`
        const stream = streams[random(streams.length)]!
        const ids = Array.from({ length: 1 + random(3) }, () => `j${counter++}`)
        const later = !isExclusive(stream) && Math.random() < 0.3
        const records = ids.map((id): [string, string, null] => [id, 'job', null])
        const due = later && { dueAt: observer.now() + random(500) }
        return { ids, ...pageOf(lane, tenant, records, { stream, ...due }) }
      })

    for (let round = 0; round < 80; round++) {
      const pages = somePages()
      const appending = producer.store.append(pages.map(({ ids: _, ...page }) => page))
      if (Math.random() < 0.1) setTimeout((dying: MortalStore) => dying.die(), random(15), producer)
      const done = await appending.then(
        () => true,
        () => false,
      )
      if (done) for (const { tenant, stream, ids } of pages) ledger.add(tenant, stream, ids)
      else ledger.doubtful.push(pages.flatMap(({ ids }) => ids))
      if (producer.dead) {
        await producer.bury()
        producer = new MortalStore(table)
      }
      await pause(random(60))
      if (round % 10 !== 9) continue
      const [first, ...others] = workers
      if (Math.random() < 0.7) await first!.kill()
      else await first!.leave()
      workers = [...others, new MortalWorker(table, ledger)]
    }

    const giveUpAt = performance.now() + 40_000
    const idle = async () => {
      const stats = (await observer.stats()).find((one) => one.lane === lane)
      return !stats || stats.waitingJobs + stats.scheduledJobs + stats.leasedJobs === 0
    }
    while (ledger.missing.length > 0 && performance.now() < giveUpAt) await pause(50)
    expect(ledger.missing).toEqual([])
    // While workers live: what a dead one held comes back to them, and others' figures lag by seconds.
    while (!(await idle()) && performance.now() < giveUpAt) await pause(50)
    expect(await idle()).toBe(true)
    for (const worker of workers) await worker.leave()
    for (const ids of ledger.doubtful) {
      const seen = ids.filter((id) => ledger.seen.has(id))
      expect([0, ids.length], `an append of ${ids.length} jobs happened in part: ${seen}`).toContain(
        seen.length,
      )
    }
    const letters = (await observer.deadLetters({ lane, limit: 10_000 })).map(({ id }) => id)
    expect(new Set(letters).size).toBe(letters.length)
    for (const id of ledger.buried) expect(letters).toContain(id)
    for (const id of letters) expect(ledger.isOver(id), `${id} is buried and comes again`).toBe(true)
    await producer.bury()
    await observer.close()
  })
})
