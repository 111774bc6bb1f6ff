import { expect } from 'vitest'
import { idsOf, type Test } from './scene.ts'

export function controls(test: Test): void {
  test('remembers controls one by one; null takes one back', async (scene) => {
    const { store } = scene
    const tenant = 'it\'s a "tenant" ☃'
    const left = async () =>
      Object.entries(await store.controls(tenant)).filter(([, value]) => value != null && value !== false)
    expect(await left()).toEqual([])
    await store.setControls(tenant, { weight: 2.5, maxInFlight: 7, rate: 0.25, paused: true })
    await store.setControls(tenant, { maxJobs: 1_000, maxBytes: 5_000_000_000, maxInFlight: null })
    expect(await store.controls(tenant)).toMatchObject({
      ...{ weight: 2.5, rate: 0.25, paused: true, maxJobs: 1_000, maxBytes: 5_000_000_000 },
    })
    expect((await store.controls(tenant)).maxInFlight ?? null).toBeNull()
    await store.setControls(tenant, { weight: null, rate: null, paused: null, maxJobs: null, maxBytes: null })
    expect(await left()).toEqual([])
  })

  test('a paused tenant gets nothing, and its work stays', async (scene) => {
    const worker = await scene.worker()
    await scene.add('paused', '1')
    await scene.store.setControls('paused', { paused: true })
    await scene.add('paused', '2')
    await scene.add('paused', '3', { dueAt: scene.store.now() + 100 })
    await scene.add('paused', '4', { stream: 'kx' })
    await scene.add('running', 'r1')
    await scene.later(1_000)
    expect(idsOf(await worker.claim({ heads: 1 }))).toEqual(['r1'])
    expect(await worker.claim()).toEqual([])
    expect(await scene.store.tenants(10, { lane: scene.lane })).toEqual([
      expect.objectContaining({ tenant: 'paused', waitingJobs: 4, paused: true }),
    ])
    await scene.store.setControls('paused', { weight: 2 })
    expect(await worker.claim()).toEqual([])
    await scene.store.setControls('paused', { paused: false })
    await scene.promote()
    expect((await worker.drain()).sort()).toEqual(['1', '2', '3', '4'])
    expect((await scene.store.controls('paused')).weight).toBe(2)
  })

  test('a tenant can be paused before its first job', async (scene) => {
    const worker = await scene.worker()
    await scene.store.setControls('early', { paused: true })
    await scene.add('early', '1')
    await scene.add('early', '2', { stream: 'p1' })
    expect(await worker.claim()).toEqual([])
    await scene.store.setControls('early', { paused: null })
    await scene.promote()
    expect((await worker.drain()).sort()).toEqual(['1', '2'])
  })

  test('a pause earns no credit', async (scene) => {
    const worker = await scene.worker()
    for (let n = 0; n < 15; n++)
      await scene.store.append([scene.page('rested', `p${n}`), scene.page('worked', `w${n}`)])
    await scene.store.setControls('rested', { paused: true })
    for (let n = 0; n < 8; n++) expect((await worker.claimOne()).tenant).toBe('worked')
    await scene.store.setControls('rested', { paused: false })
    await scene.promote()
    const next = []
    for (let n = 0; n < 6; n++) next.push((await worker.claimOne()).tenant)
    expect(next.filter((tenant) => tenant === 'worked').length).toBeGreaterThanOrEqual(2)
    expect(next.filter((tenant) => tenant === 'rested').length).toBeGreaterThanOrEqual(2)
  })

  test('a pause does not open what is closed for another reason', async (scene) => {
    const worker = await scene.worker()
    await scene.add('twice', '1')
    await scene.add('twice', '2')
    const first = await worker.claimOne()
    const { lane, tenant } = first
    await worker.finish([first], { closed: [{ lane, tenant, until: scene.store.now() + 5_000 }] })
    await scene.store.setControls('twice', { paused: true })
    await scene.store.setControls('twice', { paused: false })
    await scene.promote()
    expect(await worker.claim()).toEqual([])
    await scene.later(5_100)
    expect(await worker.drain()).toEqual(['2'])
  })

  test('what runs while its tenant is paused can end', async (scene) => {
    const worker = await scene.worker()
    await scene.add('ending', '1', { stream: 'kx' })
    await scene.add('ending', '2', { stream: 'kx' })
    const claimed = await worker.claim()
    await scene.store.setControls('ending', { paused: true })
    expect(await worker.finish(claimed)).toEqual(new Set([claimed[0]!.lease]))
    expect(await worker.claim()).toEqual([])
    await scene.store.setControls('ending', { paused: false })
    await scene.promote()
    expect(await worker.drain()).toEqual(['2'])
  })

  test('a paused lane hands out nothing, and others go on', async (scene) => {
    const worker = await scene.worker()
    const other = `${scene.lane}-other`
    await scene.store.pauseLane(scene.lane, true)
    await scene.store.pauseLane(scene.lane, true)
    await scene.store.append([scene.page('a', '1'), { ...scene.page('a', '2'), lane: other }])
    const common = { heads: 10, pagesPerHead: 1, maxBytes: 1e6, slots: 4, skip: [] }
    const both = [
      { lane: scene.lane, ...common },
      { lane: other, ...common },
    ]
    expect(idsOf(await scene.store.claim(worker.id, both))).toEqual(['2'])
    expect(await scene.laneStats()).toMatchObject({ paused: true, waitingJobs: 1 })
    await scene.store.pauseLane(scene.lane, false)
    expect(idsOf(await scene.store.claim(worker.id, both))).toEqual(['1'])
    expect((await scene.laneStats())!.paused).toBe(false)
  })

  test('a new weight holds for what waits already', async (scene) => {
    const worker = await scene.worker()
    for (let n = 0; n < 30; n++)
      await scene.store.append([scene.page('later-heavy', `h${n}`), scene.page('later-light', `l${n}`)])
    await scene.store.setControls('later-heavy', { weight: 4 })
    let heavy = 0
    for (let n = 0; n < 20; n++) {
      const page = await worker.claimOne()
      expect(page.weight).toBe(page.tenant === 'later-heavy' ? 4 : 1)
      if (page.tenant === 'later-heavy') heavy++
    }
    expect(heavy).toBeGreaterThanOrEqual(15)
    expect(heavy).toBeLessThanOrEqual(17)
  })
}
