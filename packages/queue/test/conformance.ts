import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packPages } from '../src/page.ts'
import type { ClaimedPage, LaneRequest, Store } from '../src/store.ts'

export interface Harness {
  store: Store
  /** Makes the store believe that the worker has been silent for longer than its lease. */
  expire(worker: number): Promise<void>
  /** Moves the store's clock for due times. */
  advance(ms: number): void
  close(): Promise<void>
}

const leaseMs = 60_000
const pages = (lane: string, tenant: string, ...ids: string[]) =>
  packPages(
    ids.map((id) => {
      const record = JSON.stringify([id, 'job', { n: id }])
      return { lane, tenant, record, bytes: Buffer.byteLength(record) }
    }),
  )
const request = (lane: string, more: Partial<LaneRequest> = {}): LaneRequest => ({
  lane,
  heads: 100,
  pagesPerHead: 1,
  maxBytes: 10_000_000,
  skip: [],
  ...more,
})
const ids = (claimed: ClaimedPage[]) =>
  claimed.flatMap((page) => (JSON.parse(`[${page.body}]`) as string[][]).map((record) => record[0]))
const settlement = (worker: number) => ({
  worker,
  finished: [],
  partial: [],
  reschedule: [],
  dead: [],
  emptied: [],
  corrections: [],
})

/** What every store promises, whatever it is made of. Each test uses a lane of its own. */
export function conformance(name: string, open: () => Promise<Harness>): void {
  describe(`${name} store`, () => {
    let harness: Harness
    let store: Store
    beforeAll(async () => {
      harness = await open()
      store = harness.store
    })
    afterAll(() => harness.close())

    it('hands out what was appended, in order within a tenant, once', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.append(pages('order', 'a', '1', '2'), [])
      await store.append(pages('order', 'a', '3'), [])
      const first = await store.claim(worker, [request('order', { pagesPerHead: 10 })])
      expect(ids(first)).toEqual(['1', '2', '3'])
      expect(await store.claim(worker, [request('order')])).toEqual([])
      const held = await store.settle({ ...settlement(worker), finished: first, emptied: [first[0]!.lease] })
      expect([...held]).toEqual([first[0]!.lease])
      await store.closeWorker(worker)
    })

    it('serves every waiting tenant before a flooding one is served again', async () => {
      const worker = await store.openWorker(leaseMs)
      for (let n = 0; n < 20; n++) await store.append(pages('flood', 'noisy', `n${n}`), [])
      expect(ids(await store.claim(worker, [request('flood')]))).toEqual(['n0'])
      await store.append(pages('flood', 'quiet', 'q'), [])
      const next = await store.claim(worker, [request('flood', { heads: 1 })])
      const after = await store.claim(worker, [request('flood', { heads: 1 })])
      expect([...ids(next), ...ids(after)]).toContain('q')
    })

    it('shares by weight', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.setWeight('heavy', 3)
      for (let n = 0; n < 60; n++)
        await store.append([...pages('weights', 'heavy', `h${n}`), ...pages('weights', 'light', `l${n}`)], [])
      const served = { h: 0, l: 0 }
      for (let n = 0; n < 40; n++)
        for (const id of ids(await store.claim(worker, [request('weights', { heads: 1 })])))
          served[id![0] as 'h' | 'l']++
      expect(served.h).toBeGreaterThanOrEqual(29)
      expect(served.h).toBeLessThanOrEqual(31)
      expect(served.h + served.l).toBe(40)
    })

    it('charges true cost: a tenant whose jobs are dear is served less often', async () => {
      const worker = await store.openWorker(leaseMs)
      for (let n = 0; n < 30; n++)
        await store.append([...pages('costs', 'dear', `d${n}`), ...pages('costs', 'cheap', `c${n}`)], [])
      const spent = { d: 0, c: 0 }
      for (let n = 0; n < 22; n++) {
        const claimed = await store.claim(worker, [request('costs', { heads: 1 })])
        const kind = ids(claimed)[0]![0] as 'd' | 'c'
        const cost = kind === 'd' ? 10 : 1
        spent[kind] += cost
        const { lease, lane, tenant } = claimed[0]!
        await store.settle({
          ...settlement(worker),
          finished: claimed,
          emptied: [lease],
          corrections: [{ lane, tenant, cost, difference: cost - claimed[0]!.cost }],
        })
      }
      expect(Math.abs(spent.d - spent.c)).toBeLessThanOrEqual(11)
    })

    it('skips the tenants it is told to skip', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.append([...pages('skip', 'a', 'a1'), ...pages('skip', 'b', 'b1')], [])
      expect(ids(await store.claim(worker, [request('skip', { skip: ['a'] })]))).toEqual(['b1'])
      expect(ids(await store.claim(worker, [request('skip')]))).toEqual(['a1'])
    })

    it('stops at the bytes asked for, but always gives one page', async () => {
      const worker = await store.openWorker(leaseMs)
      for (let n = 0; n < 5; n++) await store.append(pages('bytes', 'a', `a${n}`), [])
      const claimed = await store.claim(worker, [request('bytes', { pagesPerHead: 5, maxBytes: 1 })])
      expect(ids(claimed)).toEqual(['a0'])
      expect(ids(await store.claim(worker, [request('bytes', { pagesPerHead: 5 })]))).toEqual([
        'a1',
        'a2',
        'a3',
        'a4',
      ])
    })

    it('claims several lanes at once', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.append([...pages('lane1', 'a', 'x'), ...pages('lane2', 'a', 'y')], [])
      expect(ids(await store.claim(worker, [request('lane1'), request('lane2')])).sort()).toEqual(['x', 'y'])
    })

    it('keeps scheduled work until it is due, joins small pages, and says when to look again', async () => {
      const worker = await store.openWorker(leaseMs)
      const dueAt = store.now() + 5_000
      await store.append(
        [],
        ['s1', 's2'].flatMap((id) => pages('later', 'a', id).map((page) => ({ ...page, dueAt }))),
      )
      const early = await store.promote(100)
      expect(early.nextDueAt).toBe(dueAt)
      expect(await store.claim(worker, [request('later')])).toEqual([])
      harness.advance(5_001)
      expect((await store.promote(100)).jobs).toBe(2)
      const claimed = await store.claim(worker, [request('later')])
      expect(claimed).toHaveLength(1)
      expect(claimed[0]!.jobs).toBe(2)
      expect(claimed[0]!.bytes).toBe(Buffer.byteLength(claimed[0]!.body))
      expect(ids(claimed).sort()).toEqual(['s1', 's2'])
    })

    it('returns the unfinished work of a silent worker, and lets it settle nothing any more', async () => {
      const dead = await store.openWorker(leaseMs)
      await store.append(pages('reap', 'a', 'r1', 'r2', 'r3'), [])
      const [page] = await store.claim(dead, [request('reap')])
      await store.settle({ ...settlement(dead), partial: [{ ...page!, positions: [1] }] })
      await harness.expire(dead)
      expect(await store.reap({ maxAttempts: 10 })).toBe(2)
      expect(await store.heartbeat(dead, leaseMs)).toBe(false)

      const stale = await store.settle({ ...settlement(dead), finished: [page!], emptied: [page!.lease] })
      expect(stale.size).toBe(0)
      await store.promote(100)
      const worker = await store.openWorker(leaseMs)
      const again = await store.claim(worker, [request('reap')])
      expect(ids(again)).toEqual(['r1', 'r3'])
      expect(JSON.parse(`[${again[0]!.body}]`)[0][3]).toBe(1)
    })

    it('takes pages apart that were lost twice, and buries what was lost too often', async () => {
      await store.append(pages('poison', 'a', 'p1', 'p2'), [])
      const shapes: number[] = []
      for (let round = 0; round < 4; round++) {
        const worker = await store.openWorker(leaseMs)
        const claimed = await store.claim(worker, [request('poison', { pagesPerHead: 10 })])
        shapes.push(claimed.length)
        await harness.expire(worker)
        await store.reap({ maxAttempts: 4 })
        await store.promote(100)
      }
      expect(shapes).toEqual([1, 1, 2, 2])
      const dead = await store.deadLetters({ lane: 'poison', limit: 10 })
      expect(dead.map((job) => job.id).sort()).toEqual(['p1', 'p2'])
      expect(dead[0]!.reason).toMatch(/lost its lease 4 times/)
    })

    it('keeps dead letters until they are retried or discarded', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.append(pages('dead', 'a', 'd1', 'd2'), [])
      const [page] = await store.claim(worker, [request('dead')])
      const job = (id: string) => ({
        lease: page!.lease,
        id,
        lane: 'dead',
        tenant: 'a',
        name: 'job',
        data: '{"n":1}',
        attempts: 3,
        reason: 'boom',
      })
      await store.settle({
        ...settlement(worker),
        finished: [page!],
        emptied: [page!.lease],
        dead: [job('d1'), job('d2')],
      })
      const dead = await store.deadLetters({ lane: 'dead', tenant: 'a', limit: 10 })
      expect(dead).toHaveLength(2)
      expect(dead[0]).toMatchObject({ name: 'job', data: { n: 1 }, attempts: 3, reason: 'boom' })
      expect(await store.discardDead(['d1'])).toBe(1)
      expect(await store.retryDead(['d2'])).toBe(1)
      await store.promote(100)
      expect(ids(await store.claim(worker, [request('dead')]))).toEqual(['d2'])
      expect(await store.deadLetters({ lane: 'dead', limit: 10 })).toEqual([])
    })

    it('counts what waits, is scheduled, leased and dead', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.append(pages('stats', 'a', '1', '2', '3'), [])
      await store.append(pages('stats', 'b', '4'), [])
      await store.append([], [{ ...pages('stats', 'a', '5')[0]!, dueAt: store.now() + 60_000 }])
      harness.advance(1_000)
      const before = (await store.stats()).find((stats) => stats.lane === 'stats')!
      expect(before).toMatchObject({ waitingJobs: 4, scheduledJobs: 1, leasedJobs: 0, tenants: 2 })
      expect(before.oldestAgeMs).toBeGreaterThanOrEqual(1_000)
      expect((await store.tenants(1_000)).find((stats) => stats.lane === 'stats')).toMatchObject({
        tenant: 'a',
        waitingJobs: 3,
      })
      await store.claim(worker, [request('stats')])
      const after = (await store.stats()).find((stats) => stats.lane === 'stats')!
      expect(after).toMatchObject({ waitingJobs: 0, leasedJobs: 4, waitingBytes: 0 })
    })

    it('purges a tenant and leaves the others', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.append([...pages('purge', 'gone', '1', '2'), ...pages('purge', 'stays', '3')], [])
      await store.append([], [{ ...pages('purge', 'gone', '4')[0]!, dueAt: store.now() + 1_000 }])
      expect(await store.purgeTenant('gone')).toBe(3)
      expect(ids(await store.claim(worker, [request('purge')]))).toEqual(['3'])
      await store.append(pages('purge', 'gone', '5'), [])
      expect(ids(await store.claim(worker, [request('purge')]))).toEqual(['5'])
    })

    it('forgets idle heads and starts them again where the lane is', async () => {
      const worker = await store.openWorker(leaseMs)
      await store.append(pages('collect', 'a', '1'), [])
      const claimed = await store.claim(worker, [request('collect')])
      await store.settle({ ...settlement(worker), finished: claimed, emptied: [claimed[0]!.lease] })
      for (let n = 0; n < 5; n++) {
        await store.append(pages('collect', 'b', `b${n}`), [])
        const next = await store.claim(worker, [request('collect')])
        await store.settle({ ...settlement(worker), finished: next, emptied: [next[0]!.lease] })
      }
      expect(await store.collect()).toBeGreaterThanOrEqual(1)
      await store.append(pages('collect', 'a', '2'), [])
      expect(ids(await store.claim(worker, [request('collect')]))).toEqual(['2'])
    })

    it('stores any text a job may hold', async () => {
      const worker = await store.openWorker(leaseMs)
      const odd = ['\u0000', '\ud800', '"\\\n', '日本語🎉', '\u2028', "'); drop table x; --"]
      await store.append(
        odd.flatMap((data, n) => {
          const record = JSON.stringify([`o${n}`, 'job', { data }])
          return packPages([{ lane: 'odd', tenant: `t'"${n}`, record, bytes: Buffer.byteLength(record) }])
        }),
        [],
      )
      const claimed = await store.claim(worker, [request('odd')])
      const got = claimed.map((page) => JSON.parse(`[${page.body}]`)[0][2].data)
      expect(got.sort()).toEqual([...odd].sort())
    })
  })
}
