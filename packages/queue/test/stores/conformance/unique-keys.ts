import { expect } from 'vitest'
import { encodeRecord } from '../../../src/pages/job-record.ts'
import { idsOf, pageOf, refOf, type Scene, type Test } from './scene.ts'

const unique = (scene: Scene, id: string, key = 'once', windowMs = 10_000) => ({
  unique: { key, id, until: scene.store.now() + windowMs },
})

export function uniqueKeys(test: Test): void {
  test('stores a page once within the window of its key', async (scene) => {
    const worker = await scene.worker()
    expect((await scene.add('a', '1', unique(scene, '1'))).duplicates).toEqual([])
    const second = scene.page('a', '2', unique(scene, '2'))
    const plain = scene.page('a', '3')
    expect((await scene.store.append([second, plain])).duplicates).toEqual([{ page: second, id: '1' }])
    expect(await worker.drain()).toEqual(['1', '3'])
    // Its job has ended, its window has not.
    expect((await scene.add('a', '4', unique(scene, '4'))).duplicates).toMatchObject([{ id: '1' }])
    scene.advance(9_000)
    expect((await scene.add('a', '5', unique(scene, '5'))).duplicates).toMatchObject([{ id: '1' }])
    scene.advance(1_000)
    expect((await scene.add('a', '6', unique(scene, '6'))).duplicates).toEqual([])
    expect((await scene.add('a', '7', unique(scene, '7'))).duplicates).toMatchObject([{ id: '6' }])
    expect(await worker.drain()).toEqual(['6'])
  })

  test('keys of other tenants and lanes are others', async (scene) => {
    const lane = `${scene.lane}-other`
    const { duplicates } = await scene.store.append([
      scene.page('a', '1', unique(scene, '1')),
      scene.page('b', '2', unique(scene, '2')),
      { ...scene.page('a', '3', unique(scene, '3')), lane },
      scene.page('a', '4', unique(scene, '4', 'Once')),
    ])
    expect(duplicates).toEqual([])
    expect((await (await scene.worker()).drain()).sort()).toEqual(['1', '2', '4'])
  })

  test('of one append the first page takes the key', async (scene) => {
    const pages = ['1', '2', '3'].map((id) => scene.page('a', id, unique(scene, id)))
    const { duplicates } = await scene.store.append(pages)
    expect(duplicates.map(({ page, id }) => [page.body, id])).toEqual([
      [pages[1]!.body, '1'],
      [pages[2]!.body, '1'],
    ])
    expect(await (await scene.worker()).drain()).toEqual(['1'])
  })

  test('of appends at the same time one takes the key', async (scene) => {
    const answers = await Promise.all(['1', '2', '3', '4'].map((id) => scene.add('a', id, unique(scene, id))))
    const [winner, ...more] = await (await scene.worker()).drain()
    expect(more).toEqual([])
    const duplicates = answers.flatMap((answer) => answer.duplicates)
    expect(duplicates.map(({ id }) => id)).toEqual([winner, winner, winner])
  })

  test('scheduled pages and those of streams take keys, too', async (scene) => {
    const worker = await scene.worker()
    const dueAt = scene.store.now() + 5_000
    await scene.add('a', '1', { ...unique(scene, '1'), dueAt })
    expect((await scene.add('a', '2', unique(scene, '2'))).duplicates).toMatchObject([{ id: '1' }])
    await scene.add('a', '3', { ...unique(scene, '3', 'keyed'), stream: 'kx' })
    const again = await scene.add('a', '4', { ...unique(scene, '4', 'keyed'), stream: 'kx' })
    expect(again.duplicates).toMatchObject([{ id: '3' }])
    await scene.later(5_000)
    expect((await worker.drain()).sort()).toEqual(['1', '3'])
  })

  test('a key outlives the death and the burial of its job, and the collection of its head', async (scene) => {
    const dead = await scene.worker()
    await scene.add('a', '1', unique(scene, '1', 'lasting', 60_000))
    await dead.claim()
    await scene.kill(dead)
    const worker = await scene.worker()
    await worker.bury((await worker.claim())[0]!)
    await scene.store.collect()
    expect((await scene.add('a', '2', unique(scene, '2', 'lasting'))).duplicates).toMatchObject([{ id: '1' }])
    scene.advance(60_000)
    await scene.store.collect()
    expect((await scene.add('a', '3', unique(scene, '3', 'lasting'))).duplicates).toEqual([])
  })

  test('keeps blobs beside the page until their job has ended for good', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    const blobs = ['x', 'y'].map((name) => ({
      id: `${lane}-${name}`,
      data: JSON.stringify(`${name}'é🎉\u0000`),
    }))
    await scene.add('a', '1 2', { blobs })
    expect(await read(scene, blobs)).toEqual(blobs)
    const [page] = await worker.claim()
    await worker.settle({ partial: [{ ...refOf(page!), positions: [0] }], blobs: [blobs[0]!.id] })
    expect(await read(scene, blobs)).toEqual([blobs[1]])
    await scene.kill(worker)
    expect(await read(scene, blobs)).toEqual([blobs[1]])
    expect(await store.readBlobs([])).toEqual([])
  })

  test('a duplicate leaves no blob', async (scene) => {
    const blobs = (n: number) => [{ id: `${scene.lane}-${n}`, data: '1' }]
    await scene.add('a', '1', { ...unique(scene, '1'), blobs: blobs(1) })
    await scene.add('a', '2', { ...unique(scene, '2'), blobs: blobs(2) })
    expect(await read(scene, [...blobs(1), ...blobs(2)])).toEqual(blobs(1))
  })

  test('a worker that lost its lease takes no blob with it', async (scene) => {
    const [dead, other] = [await scene.worker(), await scene.worker()]
    const blobs = [{ id: `${scene.lane}-kept`, data: '"kept"' }]
    const dueAt = scene.store.now() + 100
    await scene.add('a', '1', { blobs, dueAt })
    await scene.later(100)
    const claimed = await dead.claim()
    await scene.kill(dead)
    await dead.finish(claimed, { blobs: [blobs[0]!.id] })
    expect(await read(scene, blobs)).toEqual(blobs)
    const again = await other.claim()
    expect(idsOf(again)).toEqual(['1'])
    await other.finish(again, { blobs: [blobs[0]!.id] })
    expect(await read(scene, blobs)).toEqual([])
  })

  test('a dead letter keeps its blob, also when it is retried, until it is discarded', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    const data = JSON.stringify({ long: 'é'.repeat(40_000), nul: '\u0000' })
    const blob = { id: `${lane}-blob`, data }
    const extra = { b: blob.id, s: Buffer.byteLength(data) }
    await store.append([pageOf(lane, 'a', [['1', 'job', null, 0, extra]], { blobs: [blob] })])
    await worker.bury((await worker.claim())[0]!)
    const [letter] = await scene.letters()
    expect(letter!.data).toEqual(JSON.parse(data))
    expect(await store.retryDead([{ ref: letter!.ref, dueAt: store.now() }])).toBe(1)
    await scene.promote()
    const again = await worker.claim()
    expect(again[0]!.body).toBe(encodeRecord(['1', 'job', null, 0, extra]))
    expect(await read(scene, [blob])).toEqual([blob])
    await worker.bury(again[0]!)
    await store.discardDead([(await scene.letters())[0]!.ref])
    expect(await read(scene, [blob])).toEqual([])
  })
}

const read = async (scene: Scene, blobs: { id: string }[]) =>
  (await scene.store.readBlobs(blobs.map(({ id }) => id))).sort((a, b) => (a.id < b.id ? -1 : 1))
