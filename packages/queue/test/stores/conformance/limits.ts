import { expect } from 'vitest'
import { ending, idsOf, refOf, type Scene, type Test, type TestWorker } from './scene.ts'

/** `maxInFlight`, `rate` and `closed`: what keeps a tenant's jobs from being handed out though they are ready. */
export function limits(test: Test): void {
  test('grants what runs at once, over all workers, and passes over a saturated tenant', async (scene) => {
    const [one, two] = [await scene.worker(), await scene.worker()]
    await scene.store.setControls('granted', { maxInFlight: 6 })
    for (let n = 0; n < 6; n++) await scene.add('granted', idsFor(n, 6))
    const [first] = await one.claim()
    expect(first!.grant).toBe(4)
    const [second] = await two.claim()
    expect(second!.grant).toBe(2)
    expect(await one.claim()).toEqual([])
    await scene.add('other', 'o1')
    await scene.add('granted', 'more')
    expect(idsOf(await one.claim({ heads: 1 }))).toEqual(['o1'])
    await one.finish([first!])
    const [third] = await two.claim({ slots: 100 })
    expect(third!.grant).toBe(4)
    expect(await one.claim()).toEqual([])
    await two.finish([second!])
    expect((await one.claim({ slots: 1 }))[0]!.grant).toBe(1)
    expect((await one.claim({ slots: 3 }))[0]!.grant).toBe(1)
  })

  test('a grant is free as soon as its lease holds nothing of the tenant, whatever else it holds', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('freed', { maxInFlight: 4 })
    await scene.store.setControls('kept', { maxInFlight: 4 })
    for (let n = 0; n < 3; n++)
      await scene.store.append([scene.page('freed', idsFor(n, 4)), scene.page('kept', idsFor(n, 4))])
    const claimed = await worker.claim()
    const freed = claimed.filter((page) => page.tenant === 'freed')
    const { released, emptied } = ending(freed)
    const kept = claimed.filter((page) => page.tenant === 'kept')
    const stillHeld = new Set(kept.map((page) => page.lease))
    await worker.settle({
      finished: freed.map(refOf),
      released,
      emptied: emptied.filter((lease) => !stillHeld.has(lease)),
    })
    expect((await worker.claim()).map((page) => page.tenant)).toEqual(['freed'])
    expect(await worker.claim()).toEqual([])
  })

  test('a replayed release frees nothing twice', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('replayed', { maxInFlight: 4 })
    for (let n = 0; n < 4; n++) await scene.add('replayed', idsFor(n, 4))
    const [page] = await worker.claim()
    await worker.finish([page!])
    expect(await worker.claim()).toHaveLength(1)
    await worker.replay()
    expect(await worker.claim()).toEqual([])
  })

  test('grants of dead workers are free again', async (scene) => {
    const [dead, worker] = [await scene.worker(), await scene.worker()]
    await scene.store.setControls('reaped', { maxInFlight: 4 })
    for (let n = 0; n < 3; n++) await scene.add('reaped', idsFor(n, 4))
    await dead.claim({ slots: 3 })
    await dead.claim({ slots: 3 })
    expect(await worker.claim()).toEqual([])
    await scene.kill(dead)
    expect((await worker.claim({ slots: 9 }))[0]!.grant).toBe(4)
    expect(await worker.claim()).toEqual([])
  })

  test('a limit that is raised, lowered or taken away holds at the next claim', async (scene) => {
    const worker = await scene.worker()
    const limit = (maxInFlight: number | null) => scene.store.setControls('changing', { maxInFlight })
    for (let n = 0; n < 6; n++) await scene.add('changing', idsFor(n, 4))
    await limit(2)
    const [first] = await worker.claim()
    expect(first!.grant).toBe(2)
    expect(await worker.claim()).toEqual([])
    await limit(3)
    const [second] = await worker.claim()
    expect(second!.grant).toBe(1)
    await limit(1)
    await worker.finish([second!])
    expect(await worker.claim()).toEqual([])
    await limit(null)
    expect((await worker.claim())[0]!.grant).toBeNull()
    await limit(2)
    expect(await worker.claim()).toEqual([])
    await worker.finish([first!])
    expect((await worker.claim())[0]!.grant).toBe(2)
  })

  test('a grant is not forgotten while nothing waits and the lane moves on', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('busy', { maxInFlight: 1 })
    await scene.add('busy', '1')
    const first = await worker.claim()
    await moveOn(scene, worker)
    await scene.store.collect()
    await scene.add('busy', '2')
    expect(await worker.claim()).toEqual([])
    await worker.finish(first)
    expect(await worker.drain()).toEqual(['2'])
  })

  test('keys and priorities count against the same limit', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('streams', { maxInFlight: 2 })
    await scene.store.append([
      ...['x', 'y', 'z'].map((key) => scene.page('streams', key, { stream: `k${key}` })),
      scene.page('streams', 'p', { stream: 'p2' }),
      scene.page('streams', 'o'),
    ])
    const first = await worker.claimOne({ slots: 1 })
    const second = await worker.claimOne({ slots: 1 })
    expect([first.grant, second.grant]).toEqual([1, 1])
    expect(await worker.claim()).toEqual([])
    await worker.finish([first])
    expect(await worker.claim({ slots: 1 })).not.toEqual([])
  })

  test('hands out no faster than the rate, and says from when on', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('paced', { rate: 10 })
    await scene.add('paced', '1 2 3 4 5')
    await scene.add('paced', '6')
    const [page] = await worker.claim()
    const now = scene.store.now()
    expect(page!.pace).toEqual({ from: now, perSecond: 10 })
    await worker.finish([page!])
    expect(await worker.claim()).toEqual([])
    expect((await scene.store.promote(100)).nextDueAt).toBeLessThanOrEqual(now + 500)
    await scene.add('paced', '7')
    await scene.later(450)
    expect(await worker.claim()).toEqual([])
    await scene.add('unpaced', 'u')
    expect(idsOf(await worker.claim())).toEqual(['u'])
    expect(await scene.later(100)).toBeGreaterThan(0)
    const next = await worker.claim()
    expect(idsOf(next)).toEqual(['6'])
    expect(next[0]!.pace).toEqual({ from: scene.store.now(), perSecond: 10 })
  })

  test('a rate below one a second, and for jobs of keys', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('slow', { rate: 0.1 })
    await scene.add('slow', '1', { stream: 'kx' })
    await scene.add('slow', '2', { stream: 'kx' })
    await worker.finish(await worker.claim())
    await scene.later(9_900)
    expect(await worker.claim()).toEqual([])
    await scene.later(200)
    expect(idsOf(await worker.claim())).toEqual(['2'])
  })

  test('the time of jobs that a dead worker did not run is not waited for', async (scene) => {
    const [dead, worker] = [await scene.worker(), await scene.worker()]
    await scene.store.setControls('unlucky', { rate: 0.01 })
    await scene.add('unlucky', '1 2 3')
    await dead.claim()
    await scene.kill(dead)
    await scene.later(1_000)
    expect(idsOf(await worker.claim())).toEqual(['1', '2', '3'])
  })

  test('closes a tenant until a time, and opens it again', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1')
    await scene.add('a', '2')
    await scene.add('a', '3', { stream: 'kx' })
    const first = await worker.claimOne()
    const { lane, tenant } = first
    const until = scene.store.now() + 5_000
    await worker.finish([first], { closed: [{ lane, tenant, until }] })
    await scene.add('a', '4')
    await scene.add('b', 'b1')
    expect(idsOf(await worker.claim({ heads: 1 }))).toEqual(['b1'])
    expect((await scene.store.promote(100)).nextDueAt).toBeLessThanOrEqual(until)
    await scene.later(4_900)
    expect(await worker.claim()).toEqual([])
    expect(await scene.later(200)).toBeGreaterThan(0)
    expect(await worker.drain()).toHaveLength(3)
  })

  test('closing earlier does not open what was closed for longer', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1')
    await scene.add('a', '2')
    const [first] = await worker.claim()
    const { lane, tenant } = first!
    const now = scene.store.now()
    await worker.settle({ closed: [{ lane, tenant, until: now + 9_000 }] })
    await worker.finish([first!], { closed: [{ lane, tenant, until: now + 1_000 }] })
    await scene.later(5_000)
    expect(await worker.claim()).toEqual([])
    await scene.later(5_000)
    expect(await worker.drain()).toEqual(['2'])
  })

  test('a tenant stays closed while it has no work, and is not forgotten', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1')
    const [first] = await worker.claim()
    const { lane, tenant } = first!
    await worker.finish([first!], { closed: [{ lane, tenant, until: scene.store.now() + 5_000 }] })
    await moveOn(scene, worker)
    await scene.store.collect()
    await scene.add('a', '2')
    expect(await worker.claim()).toEqual([])
    await scene.later(5_100)
    expect(await worker.drain()).toEqual(['2'])
  })
}

/** Serves another tenant until the lane has caught up with what every tenant paid. */
async function moveOn(scene: Scene, worker: TestWorker): Promise<void> {
  for (let n = 0; n < 5; n++) {
    await scene.add('passing', `passing${n}`)
    await worker.drain()
  }
}

const idsFor = (page: number, jobs: number) =>
  Array.from({ length: jobs }, (_, n) => `${page}-${n}`).join(' ')
