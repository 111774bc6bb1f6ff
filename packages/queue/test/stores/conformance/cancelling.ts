import { expect } from 'vitest'
import { idsOf, type Scene, type Test } from './scene.ts'

const cancel = (scene: Scene, tenant: string, ...ids: string[]) =>
  scene.store.cancel(ids.map((id) => ({ lane: scene.lane, tenant, id })))
const marked = async (scene: Scene, tenant: string) =>
  (await scene.store.cancelled({ lane: scene.lane, tenant })).map(({ id }) => id).sort()

export function cancelling(test: Test): void {
  test('tells who claims that jobs of this tenant and lane were cancelled', async (scene) => {
    const worker = await scene.worker()
    await scene.store.append([scene.page('a', '1 2'), scene.page('b', '1')])
    await cancel(scene, 'a', '2')
    const claimed = await worker.claim()
    const cancels = Object.fromEntries(claimed.map((page) => [page.tenant, page.cancels]))
    expect(cancels).toEqual({ a: true, b: false })
    expect(await scene.store.cancelled({ lane: scene.lane, tenant: 'a' })).toEqual([
      { lane: scene.lane, tenant: 'a', id: '2' },
    ])
    expect(await marked(scene, 'b')).toEqual([])
  })

  test('jobs can be cancelled while they are scheduled, and before their tenant was ever seen', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1', { dueAt: scene.store.now() + 3_600_000 })
    await cancel(scene, 'a', '1')
    await scene.store.collect()
    scene.advance(3_600_000)
    await scene.store.collect()
    await scene.promote()
    expect((await worker.claim()).map((page) => page.cancels)).toEqual([true])
    expect(await marked(scene, 'a')).toEqual(['1'])

    await cancel(scene, 'unseen', 'u1')
    await scene.store.collect()
    await scene.add('unseen', 'u1', { stream: 'kx' })
    expect((await worker.claim()).map((page) => page.cancels)).toEqual([true])
  })

  test('jobs can be cancelled while they are leased, and stay so when their worker dies', async (scene) => {
    const [dead, worker] = [await scene.worker(), await scene.worker()]
    await scene.add('a', '1 2')
    expect((await dead.claim())[0]!.cancels).toBe(false)
    await cancel(scene, 'a', '1')
    await cancel(scene, 'a', '1', '2')
    expect(await marked(scene, 'a')).toEqual(['1', '2'])
    await scene.kill(dead)
    await scene.store.collect()
    expect((await worker.claim()).map((page) => page.cancels)).toEqual([true])
  })

  test('a mark goes when its job was met, and the others stay', async (scene) => {
    const worker = await scene.worker()
    const mark = (id: string) => ({ lane: scene.lane, tenant: 'a', id })
    await scene.add('a', '1 2')
    await scene.add('a', '3')
    await cancel(scene, 'a', '1', '3')
    await worker.finish(await worker.claim(), { cancelled: [mark('1')] })
    expect(await marked(scene, 'a')).toEqual(['3'])
    const next = await worker.claim()
    expect(next[0]!.cancels).toBe(true)
    await worker.finish(next, { cancelled: [mark('3')] })
    expect(await marked(scene, 'a')).toEqual([])
    await scene.add('a', '4')
    expect((await worker.claim())[0]!.cancels).toBe(false)
  })

  test('a worker that lost its lease takes no mark with it', async (scene) => {
    const [dead, worker] = [await scene.worker(), await scene.worker()]
    await scene.add('a', '1')
    await cancel(scene, 'a', '1')
    const claimed = await dead.claim()
    await scene.kill(dead)
    await dead.finish(claimed, { cancelled: [{ lane: scene.lane, tenant: 'a', id: '1' }] })
    expect(await marked(scene, 'a')).toEqual(['1'])
    expect((await worker.claim())[0]!.cancels).toBe(true)
  })

  test('lists the latest marks of all', async (scene) => {
    await cancel(scene, 'a', '1')
    await cancel(scene, 'b', '2')
    const all = await scene.store.cancelled()
    expect(all).toContainEqual({ lane: scene.lane, tenant: 'a', id: '1' })
    expect(all).toContainEqual({ lane: scene.lane, tenant: 'b', id: '2' })
    expect(await scene.store.cancelled({ lane: 'no such', tenant: 'a' })).toEqual([])
  })

  test('keeps the progress of a job until it ends', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    const row = (id: string, progress: unknown) => ({
      ...{ lane, tenant: 'a', id: `${lane}-${id}`, progress: progress as never },
    })
    await scene.add('a', '1')
    const claimed = await worker.claim()
    expect(await store.progress(`${lane}-1`)).toBeUndefined()
    await store.saveProgress([row('1', { done: 1, of: [2, null, "'\u0000é"] }), row('2', null)])
    await store.saveProgress([row('1', { done: 2, of: [2, null, "'\u0000é"] })])
    expect(await store.progress(`${lane}-1`)).toEqual({ done: 2, of: [2, null, "'\u0000é"] })
    expect(await store.progress(`${lane}-2`)).toBeNull()
    await scene.store.collect()
    await worker.finish(claimed, { progressed: [`${lane}-1`] })
    expect(await store.progress(`${lane}-1`)).toBeUndefined()
    expect(await store.progress(`${lane}-2`)).toBeNull()
  })

  test('listening and announcing need nobody to hear', async (scene) => {
    const heard: string[] = []
    await scene.store.listen((what) => heard.push(what))
    for (const what of ['ready', 'scheduled', 'cancelled'] as const) scene.store.announce(what)
    await scene.add('a', '1')
    expect(idsOf(await (await scene.worker()).claim())).toEqual(['1'])
    for (const what of heard) expect(['ready', 'scheduled', 'cancelled']).toContain(what)
  })
}
