import { expect } from 'vitest'
import type { DeadLetterFilter } from '../../src/types.ts'
import { pageOf, recordsOf, type Scene, type Test } from './scene.ts'

/** Buries one job after the other, a second apart. */
async function bury(scene: Scene, tenant: string, letters: { id: string; name?: string; reason?: string }[]) {
  const worker = await scene.worker()
  for (const { id, name = 'job', reason = 'boom' } of letters) {
    await scene.store.append([pageOf(scene.lane, tenant, [[id, name, { n: id }, 2]])])
    await worker.bury(await worker.claimOne(), reason)
    scene.advance(1_000)
  }
}

export function deadLetters(test: Test): void {
  const ids = async (scene: Scene, filter: DeadLetterFilter & { limit?: number }) =>
    (await scene.store.deadLetters({ lane: scene.lane, limit: 100, ...filter })).map(({ id }) => id)

  test('keeps dead letters until they are retried or discarded', async (scene) => {
    const worker = await scene.worker()
    const { store } = scene
    const diedAt = new Date(store.now())
    await bury(scene, 'a', [{ id: 'd1' }, { id: 'd2' }])
    const [second, first] = await scene.letters('a')
    expect(first).toMatchObject({
      ...{ id: 'd1', lane: scene.lane, tenant: 'a', name: 'job', data: { n: 'd1' } },
      ...{ attempts: 3, reason: 'boom', diedAt },
    })
    expect(await store.discardDead([first!.ref, 'no such ref', '999999999'])).toBe(1)
    expect(await store.discardDead([first!.ref])).toBe(0)
    const dueAt = store.now() + 1_000
    expect(
      await store.retryDead([
        { ref: second!.ref, dueAt },
        { ref: first!.ref, dueAt },
      ]),
    ).toBe(1)
    expect(await store.retryDead([{ ref: second!.ref, dueAt }])).toBe(0)
    expect(await scene.letters()).toEqual([])
    await scene.promote()
    expect(await worker.claim()).toEqual([])
    await scene.later(1_000)
    const again = await worker.claim()
    expect(recordsOf(again)).toEqual([['d2', 'job', { n: 'd2' }]])
  })

  test('retries each at its own time', async (scene) => {
    const worker = await scene.worker()
    await bury(scene, 'a', [{ id: '1' }, { id: '2' }, { id: '3' }])
    const now = scene.store.now()
    const letters = (await scene.letters()).map(({ ref, id }) => ({ ref, dueAt: now + Number(id) * 1_000 }))
    expect(await scene.store.retryDead(letters)).toBe(3)
    await scene.later(1_000)
    expect(await worker.drain()).toEqual(['1'])
    await scene.later(2_000)
    expect(await worker.drain()).toEqual(['2', '3'])
  })

  test('two letters of jobs with the same id both survive', async (scene) => {
    await bury(scene, 'a', [
      { id: 'same', reason: 'first' },
      { id: 'same', reason: 'second' },
    ])
    const letters = await scene.letters()
    expect(letters.map(({ id, reason }) => [id, reason])).toEqual([
      ['same', 'second'],
      ['same', 'first'],
    ])
    expect(letters[0]!.ref).not.toBe(letters[1]!.ref)
    expect(await scene.store.discardDead([letters[0]!.ref])).toBe(1)
    expect((await scene.letters()).map(({ reason }) => reason)).toEqual(['first'])
  })

  test('finds letters by what they are', async (scene) => {
    await bury(scene, 'a', [
      { id: '1', name: 'mail', reason: 'Timeout after 100% of 5_000 ms' },
      { id: '2', name: 'hook', reason: 'timeout after 1000 of 5x000 ms' },
      { id: '3', name: 'mail', reason: "it's \\ refused" },
    ])
    await bury(scene, 'b', [{ id: '4', name: 'mail', reason: 'TIMEOUT ÉTÉ' }])
    expect(await ids(scene, {})).toEqual(['4', '3', '2', '1'])
    expect(await ids(scene, { limit: 2 })).toEqual(['4', '3'])
    expect(await ids(scene, { tenant: 'a' })).toEqual(['3', '2', '1'])
    expect(await ids(scene, { name: 'mail' })).toEqual(['4', '3', '1'])
    expect(await ids(scene, { name: 'mail', tenant: 'a', reason: 'timeout' })).toEqual(['1'])
    expect(await ids(scene, { reason: 'timeout' })).toEqual(['4', '2', '1'])
    expect(await ids(scene, { reason: '100%' })).toEqual(['1'])
    expect(await ids(scene, { reason: '5_000' })).toEqual(['1'])
    expect(await ids(scene, { reason: "IT'S \\" })).toEqual(['3'])
    expect(await ids(scene, { reason: 'été' })).toEqual(['4'])
    expect(await ids(scene, { reason: 'nothing like it' })).toEqual([])
    expect(await ids(scene, { lane: 'another' })).toEqual([])
  })

  test('finds letters by when they died', async (scene) => {
    const start = scene.store.now()
    await bury(scene, 'a', [{ id: '1' }, { id: '2' }, { id: '3' }])
    const at = (ms: number) => new Date(start + ms).toISOString()
    expect(await ids(scene, { before: at(0) })).toEqual([])
    expect(await ids(scene, { before: at(1_500) })).toEqual(['2', '1'])
    expect(await ids(scene, { before: at(60_000) })).toEqual(['3', '2', '1'])
  })

  test('goes on after a letter, also when that one is gone meanwhile', async (scene) => {
    const names = Array.from({ length: 7 }, (_, n) => ({ id: `${n}`, name: n === 3 ? 'other' : 'job' }))
    await bury(scene, 'a', names)
    const page = (after?: string) =>
      scene.store.deadLetters({ lane: scene.lane, name: 'job', limit: 2, ...(after && { after }) })
    const first = await page()
    expect(first.map(({ id }) => id)).toEqual(['6', '5'])
    const second = await page(first[1]!.ref)
    expect(second.map(({ id }) => id)).toEqual(['4', '2'])
    await scene.store.discardDead(second.map(({ ref }) => ref))
    const third = await page(second[1]!.ref)
    expect(third.map(({ id }) => id)).toEqual(['1', '0'])
    expect(await page(third[1]!.ref)).toEqual([])
  })

  test('keeps letters no longer, and no more of them, than told', async (scene) => {
    const one = await scene.elsewhere()
    await bury(one, 'a', [{ id: '1' }, { id: '2' }, { id: '3' }, { id: '4' }])
    const limits = { maxAgeMs: 1e12, maxBytes: 1e12 }
    expect(await one.store.retainDead(limits)).toBe(0)
    expect(await one.store.retainDead({ ...limits, maxAgeMs: 2_500 })).toBe(2)
    expect((await one.letters()).map(({ id }) => id)).toEqual(['4', '3'])

    const worker = await one.worker()
    for (let n = 0; n < 4; n++) {
      await one.store.append([pageOf(one.lane, 'b', [[`big${n}`, 'job', 'x'.repeat(10_000)]])])
      await worker.bury(await worker.claimOne())
    }
    expect(await one.store.retainDead({ ...limits, maxBytes: 25_000 })).toBe(4)
    expect((await one.letters()).map(({ id }) => id)).toEqual(['big3', 'big2'])
  })

  test('buries many jobs of many tenants in one settlement', async (scene) => {
    const worker = await scene.worker()
    await scene.store.append([scene.page('a', '1 2 3'), scene.page('b', '1 2')])
    const claimed = await worker.claim()
    const dead = claimed.flatMap((page) =>
      recordsOf([page]).map(([id, name, data]) => ({
        ...{ lease: page.lease, lane: page.lane, tenant: page.tenant, id, name },
        ...{ data: JSON.stringify(data), attempts: 1, reason: 'all of them' },
      })),
    )
    await worker.finish(claimed, { dead })
    expect(await ids(scene, { tenant: 'a' })).toHaveLength(3)
    expect(await ids(scene, { tenant: 'b' })).toHaveLength(2)
    expect((await scene.laneStats())!.deadJobs).toBe(5)
  })
}
