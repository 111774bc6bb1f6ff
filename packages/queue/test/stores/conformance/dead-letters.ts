import { expect } from 'vitest'
import type { DeadLetterFilter } from '../../../src/api/types.ts'
import { discard, redrive } from '../../../src/maintenance/dead-letters.ts'
import type { JobRecord } from '../../../src/pages/job-record.ts'
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

  test('finds the letters that are named, if they are also what else was asked for', async (scene) => {
    const { store } = scene
    await bury(scene, 'a', [{ id: '1' }, { id: '2', name: 'mail' }, { id: '3' }])
    await bury(scene, 'b', [{ id: '4' }])
    const all = await scene.letters()
    const refs = all.map(({ ref }) => ref)
    const refOf = new Map(all.map(({ id, ref }) => [id, ref]))
    const some = (...which: string[]) => which.map((id) => refOf.get(id)!)
    expect(await ids(scene, { refs })).toEqual(['4', '3', '2', '1'])
    expect(await ids(scene, { refs: some('1', '3', '1') })).toEqual(['3', '1'])
    expect(await ids(scene, { refs, limit: 2 })).toEqual(['4', '3'])
    expect(await ids(scene, { refs, tenant: 'a' })).toEqual(['3', '2', '1'])
    expect(await ids(scene, { refs: some('4'), tenant: 'a' })).toEqual([])
    expect(await ids(scene, { refs: some('1', '2'), name: 'mail' })).toEqual(['2'])
    expect(await ids(scene, { refs, lane: 'another' })).toEqual([])
    expect(await ids(scene, { refs, reason: 'BOO', after: some('3')[0]! })).toEqual(['2', '1'])
    expect(await ids(scene, { refs: some('3', '4'), before: all[2]!.diedAt.toISOString() })).toEqual([])
    expect(await ids(scene, { refs: [] })).toEqual([])

    const odd = [
      '',
      'x',
      '0',
      '-1',
      '1.5',
      '1e0',
      ' 1',
      '9'.repeat(18),
      '9'.repeat(40),
      '3~',
      '3~x',
      'é\u0000',
    ]
    odd.push(`0~${'1'.repeat(15)}#${'x'.repeat(5_000)}`, `99999~${'1'.repeat(15)}#x`)
    odd.push(...refs.map((ref) => `0${ref}`))
    expect(await ids(scene, { refs: odd })).toEqual([])
    expect(await ids(scene, { refs: [...odd, ...some('2')] })).toEqual(['2'])
    expect(await store.retryDead(odd.map((ref) => ({ ref, dueAt: store.now() })))).toBe(0)
    expect(await store.discardDead(odd)).toBe(0)
    await store.discardDead(some('2'))
    expect(await ids(scene, { refs: some('1', '2') })).toEqual(['1'])
  })

  test('runs again and discards what is named, and of that only what the filter lets through', async (scene) => {
    const { store, lane } = scene
    await bury(scene, 'a', [{ id: '1' }, { id: '2' }, { id: '3' }])
    await bury(scene, 'b', [{ id: '4' }, { id: '5' }])
    const refs = (await scene.letters()).map(({ ref }) => ref)
    const worker = await scene.worker()
    const [five, four, three, two, one] = refs as [string, string, string, string, string]
    expect(await redrive(store, { tenant: 'a', refs: [one, four, one, 'no such ref'] }, {})).toBe(1)
    expect(await discard(store, { tenant: 'b', refs: [two, five, five] })).toBe(1)
    expect(await discard(store, { tenant: 'b', refs: [] })).toBe(0)
    expect(await ids(scene, {})).toEqual(['4', '3', '2'])
    expect(await redrive(store, { lane, refs: [one, three] }, { perSecond: 1 })).toBe(1)
    // More than are looked up at once.
    const many = Array.from({ length: 700 }, (_, n) => String(10 ** 14 + n))
    expect(await discard(store, { tenant: 'a', refs: [two, ...many, four] })).toBe(1)
    expect(await discard(store, { tenant: 'b', refs: [two, ...many, four] })).toBe(1)
    expect(await scene.letters()).toEqual([])
    await scene.later(1_000)
    expect((await worker.drain()).toSorted()).toEqual(['1', '3'])
  })

  test('lists letters without their data, small or large, on request', async (scene) => {
    const { store, lane } = scene
    const worker = await scene.worker()
    const large = JSON.stringify('x'.repeat(100_000))
    await bury(scene, 'a', [{ id: 'small' }])
    const blob = { id: `payload of ${lane}`, data: large }
    const record: JobRecord = ['large', 'job', null, 0, { b: blob.id, s: large.length }]
    await store.append([pageOf(lane, 'a', [record], { blobs: [blob] })])
    await worker.bury(await worker.claimOne())
    const full = await scene.letters()
    expect(full.map(({ data }) => data)).toEqual([JSON.parse(large), { n: 'small' }])
    expect(await store.deadLetters({ lane, limit: 9, withData: true })).toEqual(full)
    const bare = full.map(({ data, ...letter }) => letter)
    const refs = bare.map(({ ref }) => ref)
    for (const which of [{}, { refs }]) {
      const listed = await store.deadLetters({ lane, limit: 9, withData: false, ...which })
      expect(listed).toStrictEqual(bare)
    }
  })

  test('starts anew after a letter of another store, such as the jobs were in before', async (scene) => {
    await bury(scene, 'a', [{ id: '1' }, { id: '2' }])
    for (const after of ['letter', '', '0~x', '1 or 1'])
      expect(await ids(scene, { after })).toEqual(['2', '1'])
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
