import { expect } from 'vitest'
import { ending, idsOf, pageOf, recordOf, recordsOf, refOf, type Test } from './scene.ts'

export function settling(test: Test): void {
  test('returns the unfinished work of a silent worker, and lets it settle nothing any more', async (scene) => {
    const dead = await scene.worker()
    await scene.add('a', 'r1 r2 r3')
    const [page] = await dead.claim()
    await dead.settle({ partial: [{ ...refOf(page!), positions: [1] }] })
    scene.advance(2_000)
    expect(await scene.kill(dead)).toBe(2)
    expect(await scene.store.heartbeat(dead.id, 1_000)).toBe(false)

    const again = pageOf(scene.lane, 'a', [recordOf('r1')])
    const { lane, tenant, lease } = page!
    const job = { lease, lane, tenant, id: 'r1', name: 'job', data: '1', attempts: 1, reason: 'late' }
    expect(
      await dead.finish([page!], {
        reschedule: [{ ...again, lease, dueAt: scene.store.now() }],
        dead: [job],
        closed: [{ lane, tenant, until: scene.store.now() + 60_000 }],
      }),
    ).toEqual(new Set())
    await scene.promote()
    expect(await scene.letters()).toEqual([])
    const worker = await scene.worker()
    const back = await worker.claim()
    expect(idsOf(back)).toEqual(['r1', 'r3'])
    expect(recordsOf(back)[0]![3]).toBe(1)
    expect(back[0]!.firstAt).toBe(page!.firstAt)
    expect(await worker.claim()).toEqual([])
  })

  test('settles nothing under the lease of another worker', async (scene) => {
    const [holder, other] = [await scene.worker(), await scene.worker()]
    await scene.add('a', '1')
    const claimed = await holder.claim()
    expect(await other.finish(claimed)).toEqual(new Set())
    expect(await holder.finish(claimed)).toEqual(new Set([claimed[0]!.lease]))
  })

  test('a replayed settlement is answered as before and changes nothing', async (scene) => {
    const worker = await scene.worker()
    await scene.store.append([scene.page('a', '1 2'), scene.page('b', 'b1')])
    const claimed = await worker.claim()
    const ofA = claimed.find((page) => page.tenant === 'a')!
    const { lane, tenant, lease } = ofA
    const retry = pageOf(lane, tenant, [['1', 'job', 1, 1]])
    const job = { lease, lane, tenant, id: '2', name: 'job', data: '2', attempts: 1, reason: 'boom' }
    const answer = await worker.settle({
      finished: claimed.map(refOf),
      reschedule: [{ ...retry, lease, dueAt: scene.store.now() }],
      dead: [job],
      ...ending(claimed),
    })
    expect(answer).toEqual(new Set(claimed.map((page) => page.lease)))
    expect(await worker.replay()).toEqual(answer)
    expect(await worker.replay()).toEqual(answer)
    await scene.promote()
    expect(await worker.drain()).toEqual(['1'])
    expect(await scene.letters()).toHaveLength(1)
  })

  test('a replay puts no page back a second time, and reopens nothing', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1', { stream: 'kx' })
    const [page] = await worker.claim()
    const now = scene.store.now()
    await worker.restore(page!, [['1', 'job', 1, 1]], now)
    await worker.replay()
    await scene.promote()
    const [again] = await worker.claim()
    // The page is leased again, under another lease: the old settlement must not take it out of its hands.
    await worker.replay()
    await scene.promote()
    expect(await worker.claim()).toEqual([])
    expect(await worker.finish([again!])).toEqual(new Set([again!.lease]))
    expect((await scene.laneStats())?.waitingJobs ?? 0).toBe(0)
    expect(await worker.claim()).toEqual([])
  })

  test('a replay corrects virtual time once', async (scene) => {
    const worker = await scene.worker()
    for (let n = 0; n < 8; n++) await scene.store.append([scene.page('a', `a${n}`), scene.page('b', `b${n}`)])
    const first = await worker.claimOne()
    const { lane, tenant } = first
    await worker.finish([first], { corrections: [{ lane, tenant, cost: 1, difference: 2 }] })
    await worker.replay()
    await worker.replay()
    // It owes three jobs' time: the other is served three times, and not seven times, before they are level.
    const next = []
    for (let n = 0; n < 6; n++) next.push((await worker.claimOne()).tenant)
    expect(next.filter((one) => one === tenant).length).toBeGreaterThanOrEqual(1)
    expect(next.slice(0, 2)).not.toContain(tenant)
  })

  test('keeps a page whose settlement was partial, and what is left of it', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1 2 3 4')
    const [page] = await worker.claim()
    await worker.settle({ partial: [{ ...refOf(page!), positions: [2] }] })
    await worker.settle({ partial: [{ ...refOf(page!), positions: [0] }] })
    await worker.replay()
    expect((await scene.laneStats())!.leasedJobs).toBe(2)
    expect(await scene.kill(worker)).toBe(2)
    expect(await (await scene.worker()).drain()).toEqual(['2', '4'])
  })

  test('takes pages apart that were lost twice, and buries what was lost too often', async (scene) => {
    await scene.add('a', 'p1 p2')
    const shapes: number[] = []
    for (let round = 0; round < 4; round++) {
      const worker = await scene.worker()
      shapes.push((await worker.claim({ pagesPerHead: 10 })).length)
      await scene.kill(worker, 4)
      // Those that were lost again come back after a pause.
      await scene.later(10_000)
    }
    expect(shapes).toEqual([1, 1, 2, 2])
    const dead = await scene.letters()
    expect(dead.map((job) => job.id).sort()).toEqual(['p1', 'p2'])
    expect(dead[0]!.reason).toMatch(/lost its lease 4 times/)
    expect(dead[0]!.attempts).toBe(4)
  })

  test('a retried job keeps the time at which it was first ready', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1')
    const [page] = await worker.claim()
    const { lane, tenant, lease, firstAt } = page!
    const dueAt = scene.store.now() + 60_000
    const retry = pageOf(lane, tenant, [['1', 'job', 1, 1]])
    await worker.finish([page!], { reschedule: [{ ...retry, lease, dueAt, firstAt }] })
    await scene.later(60_000)
    expect((await scene.laneStats())!.oldestAgeMs).toBe(60_000)
    const [again] = await worker.claim()
    expect(again!.firstAt).toBe(firstAt)
    expect(again!.readyAt).toBeGreaterThanOrEqual(dueAt)
  })

  test('a worker that closes with leases loses nothing', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1')
    await worker.claim()
    await scene.store.closeWorker(worker.id)
    await scene.kill(worker)
    expect(await (await scene.worker()).drain()).toEqual(['1'])
  })

  test('heartbeats keep a worker alive, and tell what it reports', async (scene) => {
    const [worker, other] = [await scene.worker(), await scene.worker()]
    await scene.add('a', '1')
    const [page] = await worker.claim()
    expect(await scene.store.heartbeat(worker.id, 600_000, { run: 'ning', n: [1, null] })).toBe(true)
    expect(await scene.store.heartbeat(worker.id, 600_000, { run: 'ning', n: [2] })).toBe(true)
    expect(await scene.store.reap({ maxAttempts: 10 })).toBe(0)
    const reports = await scene.store.reports()
    expect(reports).toContainEqual({ worker: worker.id, report: { run: 'ning', n: [2] } })
    expect(reports.map((one) => one.worker)).not.toContain(other.id)
    expect(await worker.finish([page!])).toEqual(new Set([page!.lease]))
    await scene.kill(worker)
    expect((await scene.store.reports()).map((one) => one.worker)).not.toContain(worker.id)
  })
}
