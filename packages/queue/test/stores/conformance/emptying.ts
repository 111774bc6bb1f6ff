import { expect } from 'vitest'
import { ending, idsOf, pageOf, recordOf, recordsOf, refOf, type Test, TestWorker } from './scene.ts'

/** What a store offers to who takes everything out of it. */
export function emptying(test: Test): void {
  test('what a mover held comes back as it was, without an attempt more', async (scene) => {
    await scene.store.append([
      scene.page('a', '1 2 3', { firstAt: scene.store.now() - 5_000 }),
      scene.page('a', 'k1 k2', { stream: 'kx' }),
    ])
    for (let death = 0; death < 4; death++) {
      const mover = new TestWorker(scene, await scene.store.openWorker(600_000, 'mover'))
      expect(mover.id).toBeLessThan(0)
      const pages = await mover.claim()
      expect(idsOf(pages).sort()).toEqual(['1', '2', '3', 'k1', 'k2'])
      expect(await scene.kill(mover)).toBe(5)
    }
    await scene.store.openEverything()
    const worker = await scene.worker()
    const pages = await worker.claim()
    const [plain, keyed] = ['', 'kx'].map((stream) => pages.find((page) => page.stream === stream)!)
    expect(plain!.body).toBe(scene.page('a', '1 2 3').body)
    expect(plain!.firstAt).toBe(scene.store.now() - 5_000)
    expect(keyed!.body).toBe(scene.page('a', 'k1 k2').body)
    expect(recordsOf(pages).every(([, , , attempts]) => attempts === undefined)).toBe(true)
  })

  test('a mover gives back what was left undone of a page', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1 2 3')
    const [page] = await worker.claim()
    await worker.settle({ partial: [{ ...refOf(page!), positions: [0] }] })
    expect(await scene.kill(worker)).toBe(2)
    const mover = new TestWorker(scene, await scene.store.openWorker(600_000, 'mover'))
    expect(idsOf(await mover.claim())).toEqual(['2', '3'])
    await scene.kill(mover)
    expect(recordsOf(await (await scene.worker()).claim()).map(([id, , , made]) => [id, made])).toEqual([
      ['2', 1],
      ['3', 1],
    ])
  })

  test('opens heads and streams that are closed for a time', async (scene) => {
    const worker = await scene.worker()
    const until = scene.store.now() + 3_600_000
    await scene.store.append([scene.page('a', 'k1 k2', { stream: 'kx' }), scene.page('b', 'b1')])
    const pages = await worker.claim()
    const keyed = pages.find(({ tenant }) => tenant === 'a')!
    const plain = pages.find(({ tenant }) => tenant === 'b')!
    const { lane, firstAt } = keyed
    const rest = pageOf(lane, 'a', [recordOf('k2')])
    await worker.settle({
      finished: [refOf(plain)],
      restore: [{ ...refOf(keyed), jobs: 1, bytes: rest.bytes, body: rest.body, firstAt, openAt: until }],
      closed: [{ lane, tenant: 'b', until }],
      ...ending(pages),
    })
    await scene.add('b', 'b2')
    expect(await worker.claim()).toEqual([])
    await scene.store.openEverything()
    expect(idsOf(await worker.claim()).sort()).toEqual(['b2', 'k2'])
  })

  test('counts what waits, is scheduled and leased, at once', async (scene) => {
    const worker = await scene.worker()
    const before = await scene.store.remaining()
    await scene.store.append([
      scene.page('a', '1 2'),
      scene.page('b', '3', { stream: 'kx' }),
      scene.page('b', '4', { dueAt: scene.store.now() + 60_000 }),
    ])
    expect((await scene.store.remaining()) - before).toBe(4)
    const pages = await worker.claim()
    expect((await scene.store.remaining()) - before).toBe(4)
    await worker.settle({
      partial: pages.filter(({ jobs }) => jobs === 2).map((page) => ({ ...refOf(page), positions: [0] })),
    })
    expect((await scene.store.remaining()) - before).toBe(3)
    await worker.finish(pages)
    expect((await scene.store.remaining()) - before).toBe(1)
  })

  test('tells who holds unique keys', async (scene) => {
    const until = scene.store.now() + 60_000
    await scene.add('a', '1', { unique: { key: "o'ne", until, id: '1' } })
    await scene.add('a', '2', { unique: { key: 'short', until: scene.store.now() + 1_000, id: '2' } })
    scene.advance(2_000)
    const ask = (tenant: string, key: string) => ({ lane: scene.lane, tenant, key })
    expect(
      await scene.store.holders([ask('a', "o'ne"), ask('a', 'short'), ask('a', 'none'), ask('b', "o'ne")]),
    ).toEqual([{ ...ask('a', "o'ne"), until, id: '1' }])
  })
}
