import { expect } from 'vitest'
import { idsOf, type Test } from './scene.ts'

export function claiming(test: Test): void {
  test('hands out what was appended, in order within a tenant, once', async (scene) => {
    const worker = await scene.worker()
    expect(await scene.add('a', '1 2')).toEqual({ duplicates: [], pressure: [] })
    await scene.add('a', '3')
    const claimed = await worker.claim({ pagesPerHead: 10 })
    expect(idsOf(claimed)).toEqual(['1', '2', '3'])
    const now = scene.store.now()
    expect(claimed[0]).toMatchObject({
      ...{ lane: scene.lane, tenant: 'a', stream: '', jobs: 2, done: [], readyAt: now, firstAt: now },
      ...{ weight: 1, grant: null, pace: null, cancels: false },
    })
    expect(claimed[0]!.bytes).toBe(Buffer.byteLength(claimed[0]!.body))
    expect(await worker.claim()).toEqual([])
    const leases = new Set(claimed.map((page) => page.lease))
    expect(await worker.finish(claimed)).toEqual(leases)
    await scene.store.closeWorker(worker.id)
  })

  test('appends pages of many tenants and streams at once', async (scene) => {
    const worker = await scene.worker()
    const { store } = scene
    await store.append([
      ...[
        scene.page('a', '1'),
        scene.page('b', '2'),
        scene.page('a', '3'),
        scene.page('a', '4', { stream: 'kx' }),
      ],
      ...[scene.page('b', '5', { stream: 'p1' }), scene.page('a', '6', { stream: 'kx' })],
      scene.page('b', '7', { dueAt: store.now() + 1_000 }),
    ])
    expect((await worker.drain()).sort()).toEqual(['1', '2', '3', '4', '5', '6'])
    await scene.later(1_000)
    expect(await worker.drain()).toEqual(['7'])
  })

  test('serves every waiting tenant before a flooding one is served again', async (scene) => {
    const worker = await scene.worker()
    for (let n = 0; n < 20; n++) await scene.add('noisy', `n${n}`)
    expect(idsOf(await worker.claim())).toEqual(['n0'])
    await scene.add('quiet', 'q')
    const next = await worker.claim({ heads: 1 })
    const after = await worker.claim({ heads: 1 })
    expect(idsOf([...next, ...after])).toContain('q')
  })

  test('shares by weight', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('heavy', { weight: 3 })
    for (let n = 0; n < 60; n++)
      await scene.store.append([scene.page('heavy', `h${n}`), scene.page('light', `l${n}`)])
    const served = { h: 0, l: 0 }
    for (let n = 0; n < 40; n++)
      for (const id of idsOf(await worker.claim({ heads: 1 }))) served[id[0] as 'h' | 'l']++
    expect(served.h).toBeGreaterThanOrEqual(29)
    expect(served.h).toBeLessThanOrEqual(31)
    expect(served.h + served.l).toBe(40)
  })

  test('charges true cost: a tenant whose jobs are dear is served less often', async (scene) => {
    const worker = await scene.worker()
    for (let n = 0; n < 30; n++)
      await scene.store.append([scene.page('dear', `d${n}`), scene.page('cheap', `c${n}`)])
    const spent = { d: 0, c: 0 }
    for (let n = 0; n < 22; n++) {
      const claimed = await worker.claim({ heads: 1 })
      const kind = idsOf(claimed)[0]![0] as 'd' | 'c'
      const cost = kind === 'd' ? 10 : 1
      spent[kind] += cost
      const { lane, tenant, cost: charged } = claimed[0]!
      await worker.finish(claimed, { corrections: [{ lane, tenant, cost, difference: cost - charged }] })
    }
    expect(Math.abs(spent.d - spent.c)).toBeLessThanOrEqual(11)
  })

  test('what a dead worker held is not charged twice', async (scene) => {
    const dying = await scene.worker()
    await scene.add('lost', '1 2 3 4 5 6 7 8 9 10 11 12')
    for (let n = 0; n < 10; n++) await scene.add('other', `o${n}`)
    expect(await dying.claim({ skip: ['other'] })).toHaveLength(1)
    expect(await scene.kill(dying)).toBe(12)
    const worker = await scene.worker()
    const first = [await worker.claimOne(), await worker.claimOne()]
    expect(first.map(({ tenant }) => tenant).sort()).toEqual(['lost', 'other'])
  })

  test('charges the pages of streams like ordinary ones', async (scene) => {
    const worker = await scene.worker()
    for (let n = 0; n < 12; n++)
      await scene.store.append([
        scene.page('keyed', `k${n}`, { stream: `key${n}` }),
        scene.page('urgent', `u${n}`, { stream: 'p3' }),
        scene.page('plain', `o${n}`),
      ])
    const served: Record<string, number> = { k: 0, u: 0, o: 0 }
    for (let n = 0; n < 18; n++) {
      const page = await worker.claimOne()
      served[idsOf([page])[0]![0]!]!++
      await worker.finish([page])
    }
    expect(served).toEqual({ k: 6, u: 6, o: 6 })
  })

  test('skips the tenants it is told to skip', async (scene) => {
    const worker = await scene.worker()
    await scene.store.append([scene.page('a', 'a1'), scene.page('b', 'b1')])
    expect(idsOf(await worker.claim({ skip: ['a'] }))).toEqual(['b1'])
    expect(idsOf(await worker.claim({ skip: ['b'] }))).toEqual(['a1'])
  })

  test('stops at the bytes asked for, but always gives one page', async (scene) => {
    const worker = await scene.worker()
    for (let n = 0; n < 5; n++) await scene.add('a', `a${n}`)
    expect(idsOf(await worker.claim({ pagesPerHead: 5, maxBytes: 1 }))).toEqual(['a0'])
    expect(idsOf(await worker.claim({ pagesPerHead: 5 }))).toEqual(['a1', 'a2', 'a3', 'a4'])
  })

  test('serves no more heads and pages than asked for', async (scene) => {
    const worker = await scene.worker()
    for (const tenant of ['a', 'b', 'c']) for (let n = 0; n < 3; n++) await scene.add(tenant, `${tenant}${n}`)
    const claimed = await worker.claim({ heads: 2, pagesPerHead: 2 })
    expect(claimed).toHaveLength(4)
    expect(new Set(claimed.map((page) => page.tenant)).size).toBe(2)
  })

  test('claims several lanes at once', async (scene) => {
    const worker = await scene.worker()
    const second = `${scene.lane}-second`
    await scene.store.append([scene.page('a', 'x'), { ...scene.page('a', 'y'), lane: second }])
    const common = { heads: 10, pagesPerHead: 1, maxBytes: 1e6, slots: 4, skip: [] }
    const claimed = await scene.store.claim(worker.id, [
      { lane: scene.lane, ...common },
      { lane: second, ...common },
      { lane: `${scene.lane}-empty`, ...common },
    ])
    expect(idsOf(claimed).sort()).toEqual(['x', 'y'])
  })

  test('gives nothing to a worker that is unknown or was given up, and loses nothing by it', async (scene) => {
    const dead = await scene.worker()
    await scene.kill(dead)
    await scene.add('a', '1')
    await expect(dead.claim()).rejects.toThrow()
    const closed = await scene.worker()
    await scene.store.closeWorker(closed.id)
    await expect(closed.claim()).rejects.toThrow()
    expect(await (await scene.worker()).drain()).toEqual(['1'])
  })

  test('two workers that claim at the same time never get the same page', async (scene) => {
    const workers = [await scene.worker(), await scene.worker(), await scene.worker()]
    for (let n = 0; n < 12; n++)
      await scene.store.append([
        scene.page(`t${n % 4}`, `o${n}`),
        scene.page(`t${n % 4}`, `k${n}`, { stream: `key${n % 3}` }),
      ])
    const seen: string[] = []
    for (let quiet = 0; quiet < 3; ) {
      const claims = await Promise.all(workers.map((worker) => worker.claim({ heads: 2 })))
      seen.push(...claims.flatMap(idsOf))
      quiet = claims.flat().length === 0 ? quiet + 1 : 0
      await Promise.all(workers.map((worker, n) => worker.finish(claims[n]!)))
    }
    expect(seen.sort()).toEqual([...new Set(seen)])
    expect(seen).toHaveLength(24)
  })

  test('forgets idle heads and starts them again where the lane is', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1')
    await worker.drain()
    for (let n = 0; n < 5; n++) {
      await scene.add('b', `b${n}`)
      await worker.drain()
    }
    expect(await scene.store.collect()).toBeGreaterThanOrEqual(1)
    await scene.add('a', '2')
    expect(await worker.drain()).toEqual(['2'])
  })

  test('idle time earns no credit', async (scene) => {
    const worker = await scene.worker()
    await scene.add('idle', 'i0')
    await worker.drain()
    for (let n = 0; n < 20; n++) await scene.add('busy', `b${n}`)
    for (let n = 0; n < 10; n++) await worker.claimOne()
    for (let n = 1; n < 6; n++) await scene.add('idle', `i${n}`)
    const next = []
    for (let n = 0; n < 6; n++) next.push(...idsOf([await worker.claimOne()]))
    expect(next.filter((id) => id.startsWith('b')).length).toBeGreaterThanOrEqual(2)
  })

  test('does not forget what a tenant owes', async (scene) => {
    const worker = await scene.worker()
    await scene.store.append([scene.page('a', 'a1'), scene.page('b', 'b1')])
    const [first, second] = [await worker.claimOne(), await worker.claimOne()]
    const { lane, tenant } = first
    await worker.finish([first], { corrections: [{ lane, tenant, cost: 50, difference: 1_000 }] })
    await worker.finish([second])
    await scene.store.collect()
    for (let n = 0; n < 5; n++) {
      await scene.add('a', `again-a${n}`)
      await scene.add('b', `again-b${n}`)
    }
    for (let n = 0; n < 5; n++) expect((await worker.claimOne()).tenant).not.toBe(tenant)
    expect((await worker.claimOne()).cost).toBe(50)
  })
}
