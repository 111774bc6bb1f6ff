import { expect } from 'vitest'
import { maxPageJobs } from '../../../src/pages/page.ts'
import { idsOf, type Test } from './scene.ts'

export function scheduling(test: Test): void {
  test('keeps scheduled work until it is due, joins small pages, and says when to look again', async (scene) => {
    const worker = await scene.worker()
    const dueAt = scene.store.now() + 5_000
    await scene.store.append(['s1', 's2'].map((id) => scene.page('a', id, { dueAt })))
    expect((await scene.store.promote(100)).nextDueAt).toBeLessThanOrEqual(dueAt)
    expect(await worker.claim()).toEqual([])
    scene.advance(4_999)
    await scene.promote()
    expect(await worker.claim()).toEqual([])
    expect(await scene.later(11)).toBe(2)
    const claimed = await worker.claim()
    expect(claimed).toHaveLength(1)
    expect(claimed[0]).toMatchObject({ jobs: 2, readyAt: scene.store.now() })
    expect(claimed[0]!.firstAt).toBeGreaterThanOrEqual(dueAt)
    expect(claimed[0]!.bytes).toBe(Buffer.byteLength(claimed[0]!.body))
    expect(idsOf(claimed).sort()).toEqual(['s1', 's2'])
  })

  test('tells exactly when the next is due, and nothing when nothing is', async (scene) => {
    const empty = await scene.elsewhere()
    expect(await empty.store.promote(10)).toEqual({ jobs: 0, nextDueAt: undefined })
    const now = empty.store.now()
    await empty.add('a', '2', { dueAt: now + 2_000 })
    await empty.add('a', '1', { dueAt: now + 1_000 })
    expect(await empty.store.promote(10)).toEqual({ jobs: 0, nextDueAt: now + 1_000 })
    empty.advance(1_000)
    expect(await empty.store.promote(10)).toEqual({ jobs: 1, nextDueAt: now + 2_000 })
  })

  test('moves no more pages at once than asked for, the earliest first', async (scene) => {
    const one = await scene.elsewhere()
    const worker = await one.worker()
    const now = one.store.now()
    for (const n of [3, 1, 4, 2]) await one.add('a', `${n}`, { dueAt: now + n * 100 })
    one.advance(1_000)
    expect((await one.store.promote(3)).jobs).toBe(3)
    expect(await worker.drain()).toEqual(['1', '2', '3'])
    expect((await one.store.promote(3)).jobs).toBe(1)
    expect(await worker.drain()).toEqual(['4'])
  })

  test('joins pages of one tenant and stream only, and up to what a page holds', async (scene) => {
    const worker = await scene.worker()
    const dueAt = scene.store.now() + 100
    const many = Array.from({ length: maxPageJobs - 1 }, (_, n) => `m${n}`).join(' ')
    await scene.store.append([
      scene.page('a', many, { dueAt, firstAt: dueAt - 7_000 }),
      scene.page('a', 'a1', { dueAt, firstAt: dueAt - 9_000 }),
      scene.page('a', 'a2', { dueAt }),
      scene.page('b', 'b1', { dueAt }),
      scene.page('b', 'b2', { dueAt, stream: 'p1' }),
      scene.page('b', 'b3', { dueAt, stream: 'kx' }),
      scene.page('b', 'b4', { dueAt, stream: 'kx' }),
    ])
    await scene.later(100)
    const claimed = await worker.claim({ pagesPerHead: 5 })
    for (const page of claimed) {
      expect(page.jobs).toBeLessThanOrEqual(maxPageJobs)
      expect(page.jobs).toBe(idsOf([page]).length)
      expect(page.bytes).toBe(Buffer.byteLength(page.body))
    }
    const find = (id: string) => claimed.find((page) => idsOf([page]).includes(id))!
    expect(find('a1').firstAt).toBe(dueAt - 9_000)
    expect(idsOf([find('b1')])).toEqual(['b1'])
    expect(idsOf([find('b2')])).toEqual(['b2'])
    await worker.finish(claimed)
    const ofKey = [...idsOf([find('b3')]), ...(await worker.drain())]
    expect(ofKey.filter((id) => id === 'b3' || id === 'b4')).toEqual(['b3', 'b4'])
  })

  test('leaves alone what is not to be joined', async (scene) => {
    const worker = await scene.worker()
    const dueAt = scene.store.now() + 100
    await scene.store.append([
      scene.page('a', '1', { dueAt }),
      scene.page('a', 'poison', { dueAt, alone: true }),
      scene.page('a', 'venom', { dueAt, alone: true }),
      scene.page('a', '2', { dueAt }),
    ])
    await scene.later(100)
    const pages = (await worker.claim({ pagesPerHead: 10 })).map((page) => idsOf([page]))
    expect(pages).toContainEqual(['poison'])
    expect(pages).toContainEqual(['venom'])
    expect(pages.flat().sort()).toEqual(['1', '2', 'poison', 'venom'])
  })

  test('a due time that has passed is due at once', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1', { dueAt: scene.store.now() - 10_000 })
    expect(await scene.promote()).toBe(1)
    expect(await worker.drain()).toEqual(['1'])
  })

  test('fires a schedule once for each of its times, with its jobs', async (scene) => {
    const { store, lane } = scene
    const worker = await scene.worker()
    const id = `${lane}-nightly`
    const nextAt = store.now() + 1_000
    await store.saveSchedule({ id, spec: '{"every":"day","it\'s":"\\u0000"}', nextAt })
    expect(await store.schedules()).toContainEqual({ id, spec: '{"every":"day","it\'s":"\\u0000"}', nextAt })
    const jobs = [scene.page('a', 'f1'), scene.page('a', 'f2', { dueAt: nextAt + 5_000 })]
    const results = await Promise.all([
      store.fire(id, nextAt, nextAt + 1_000, jobs),
      store.fire(id, nextAt, nextAt + 1_000, jobs),
    ])
    expect([...results].sort()).toEqual([false, true])
    expect(await store.fire(id, nextAt, nextAt + 1_000, jobs)).toBe(false)
    expect((await store.schedules()).find((one) => one.id === id)!.nextAt).toBe(nextAt + 1_000)
    expect(await worker.drain()).toEqual(['f1'])
    await scene.later(6_000)
    expect(await worker.drain()).toEqual(['f2'])
  })

  test('replaces and removes schedules', async (scene) => {
    const { store, lane } = scene
    const id = `${lane}-weekly`
    await store.saveSchedule({ id, spec: 'one', nextAt: 1_000 })
    await store.saveSchedule({ id, spec: 'two', nextAt: 2_000.5 })
    expect((await store.schedules()).filter((one) => one.id === id)).toEqual([
      { id, spec: 'two', nextAt: 2_000.5 },
    ])
    expect(await store.removeSchedule(id)).toBe(true)
    expect(await store.removeSchedule(id)).toBe(false)
    expect(await store.fire(id, 2_000.5, 3_000, [scene.page('a', 'ghost')])).toBe(false)
    expect((await store.schedules()).filter((one) => one.id === id)).toEqual([])
    expect(await (await scene.worker()).claim()).toEqual([])
  })

  test('a schedule adds no duplicate of a unique job', async (scene) => {
    const { store, lane } = scene
    const id = `${lane}-unique`
    const unique = { key: 'once', until: store.now() + 60_000, id: 'u1' }
    await store.saveSchedule({ id, spec: '', nextAt: 1 })
    await scene.add('a', 'u1', { unique })
    expect(await store.fire(id, 1, 2, [scene.page('a', 'u2', { unique: { ...unique, id: 'u2' } })])).toBe(
      true,
    )
    expect(await (await scene.worker()).drain()).toEqual(['u1'])
  })
}
