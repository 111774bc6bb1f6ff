import { expect } from 'vitest'
import { sumOf } from './odd-texts.ts'
import { idsOf, refOf, type Scene, type Test } from './scene.ts'

const usage = async (scene: Scene, tenant: string) =>
  (await scene.store.usage([{ lane: scene.lane, tenant }]))[0]

export function numbers(test: Test): void {
  test('counts what waits, is scheduled, leased and dead', async (scene) => {
    const worker = await scene.worker()
    const pages = [
      scene.page('a', '1 2 3'),
      scene.page('b', '4'),
      scene.page('a', '5', { stream: 'kx' }),
      scene.page('a', '6', { stream: 'p1' }),
    ]
    await scene.store.append([...pages, scene.page('a', '7', { dueAt: scene.store.now() + 60_000 })])
    scene.advance(1_000)
    expect(await scene.laneStats()).toEqual({
      ...{ lane: scene.lane, waitingJobs: 6, waitingBytes: sumOf(pages, (page) => page.bytes), tenants: 2 },
      ...{ scheduledJobs: 1, leasedJobs: 0, deadJobs: 0, oldestAgeMs: 1_000, paused: false },
    })
    const tenants = await scene.store.tenants(10, { lane: scene.lane })
    expect(tenants).toMatchObject([
      { lane: scene.lane, tenant: 'a', waitingJobs: 5, oldestAgeMs: 1_000, weight: 1, paused: false },
      { lane: scene.lane, tenant: 'b', waitingJobs: 1 },
    ])
    const claimed = []
    for (let some = await worker.claim(); some.length > 0; some = await worker.claim()) claimed.push(...some)
    expect(await scene.laneStats()).toMatchObject({
      ...{ waitingJobs: 0, waitingBytes: 0, leasedJobs: 6, oldestAgeMs: 0, tenants: 0 },
    })
    await worker.settle({ partial: [{ ...refOf(claimed.find(({ jobs }) => jobs === 3)!), positions: [0] }] })
    expect((await scene.laneStats())!.leasedJobs).toBe(5)
    await scene.kill(worker)
    expect(await scene.laneStats()).toMatchObject({ waitingJobs: 5, leasedJobs: 0, scheduledJobs: 1 })
  })

  test('lists tenants, those with most waiting first, of a lane or of one', async (scene) => {
    await scene.store.append([
      scene.page('little', '1'),
      scene.page('most', '2 3 4'),
      scene.page('some', '5 6', { stream: 'kx' }),
      { ...scene.page('most', '7'), lane: `${scene.lane}-other` },
      scene.page('none', '8', { dueAt: scene.store.now() + 1_000 }),
    ])
    const names = async (limit: number, of: { lane?: string; tenant?: string }) =>
      (await scene.store.tenants(limit, of)).map(({ tenant, waitingJobs }) => `${tenant} ${waitingJobs}`)
    expect(await names(10, { lane: scene.lane })).toEqual(['most 3', 'some 2', 'little 1'])
    expect(await names(1, { lane: scene.lane })).toEqual(['most 3'])
    expect(await names(10, { tenant: 'most' })).toEqual(['most 3', 'most 1'])
    expect(await names(10, { lane: scene.lane, tenant: 'some' })).toEqual(['some 2'])
    expect((await scene.store.tenants(3)).length).toBe(3)
  })

  test('tells producers of tenants near their quotas, from 0.8 on', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    await store.setControls('quota', { maxJobs: 10 })
    expect((await scene.add('quota', '1 2 3 4 5 6 7')).pressure).toEqual([])
    const [first] = (await scene.add('quota', '8')).pressure
    expect(first).toMatchObject({ lane, tenant: 'quota', jobs: 8, maxJobs: 10, maxBytes: null })
    expect(first).toEqual(await usage(scene, 'quota'))
    expect((await scene.add('other', '1 2 3 4 5 6 7 8 9 10 11 12')).pressure).toEqual([])
    const both = await store.append([
      scene.page('quota', '9', { stream: 'kx' }),
      scene.page('quota', '10 11', { stream: 'p1' }),
      scene.page('other', '13'),
    ])
    expect(both.pressure).toMatchObject([{ tenant: 'quota', jobs: 11 }])
    // Leased jobs do not count, and jobs that came back do.
    await worker.claim()
    await worker.claim({ pagesPerHead: 9 })
    expect(await usage(scene, 'quota')).toMatchObject({ jobs: 0, bytes: 0, maxJobs: 10 })
    expect((await scene.add('quota', '12')).pressure).toEqual([])
    await scene.kill(worker)
    expect((await usage(scene, 'quota'))!.jobs).toBe(12)
    await store.setControls('quota', { maxJobs: null })
    expect((await scene.add('quota', '13')).pressure).toEqual([])
  })

  test('counts bytes against a quota of bytes', async (scene) => {
    const page = scene.page('heavy-bytes', '1')
    await scene.store.setControls('heavy-bytes', { maxBytes: page.bytes * 2 })
    expect((await scene.store.append([page])).pressure).toEqual([])
    const { pressure } = await scene.store.append([page])
    expect(pressure).toMatchObject([{ bytes: page.bytes * 2, maxBytes: page.bytes * 2, maxJobs: null }])
  })

  test('tells the usage of tenants that have nothing', async (scene) => {
    await scene.store.setControls('absent', { maxJobs: 5, maxBytes: 7_000_000_000 })
    await scene.add('present', '1 2')
    const of = ['absent', 'present', 'unknown'].map((tenant) => ({ lane: scene.lane, tenant }))
    const answer = await scene.store.usage(of)
    const by = (tenant: string) => answer.find((one) => one.tenant === tenant)
    expect(by('absent')).toMatchObject({ jobs: 0, bytes: 0, maxJobs: 5, maxBytes: 7_000_000_000 })
    expect(by('present')).toMatchObject({ jobs: 2, maxJobs: null, maxBytes: null })
    expect(by('unknown')).toMatchObject({ jobs: 0, bytes: 0, maxJobs: null, maxBytes: null })
    expect(await scene.store.usage([])).toEqual([])
  })

  test('tells how much the store holds', async (scene) => {
    const one = await scene.elsewhere()
    const worker = await one.worker()
    const pages = [
      one.page('a', '1 2'),
      one.page('b', '3', { stream: 'kx' }),
      one.page('b', '4', { dueAt: one.store.now() + 1e9 }),
    ]
    await one.store.append(pages)
    expect(await one.store.storeUsage()).toEqual({ jobs: 4, bytes: sumOf(pages, (page) => page.bytes) })
    await worker.drain()
    expect(await one.store.storeUsage()).toEqual({ jobs: 1, bytes: pages[2]!.bytes })
  })

  test('purges a tenant and leaves the others', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    const dueAt = store.now() + 1_000
    const blobs = ['ready', 'keyed', 'later'].map((name) => ({ id: `${lane}-${name}`, data: '1' }))
    const unique = { key: 'once', until: dueAt + 1e6, id: '1' }
    await scene.add('purged', 'dead')
    await worker.bury(await worker.claimOne())
    await store.append([
      scene.page('purged', '1 2', { blobs: [blobs[0]!], unique }),
      scene.page('purged', '3', { stream: 'kx', blobs: [blobs[1]!] }),
      scene.page('purged', '4', { stream: 'p1' }),
      scene.page('purged', '5', { dueAt, blobs: [blobs[2]!] }),
      { ...scene.page('purged', '6'), lane: `${lane}-other` },
      scene.page('stays', 's1 s2'),
      scene.page('stays', 's3', { dueAt }),
    ])
    await store.cancel(['purged', 'stays'].map((tenant) => ({ lane, tenant, id: 'x' })))
    await store.saveProgress([{ lane, tenant: 'purged', id: `${lane}-job`, progress: 1 }])
    expect(await store.purgeTenant('purged')).toBe(7)
    expect(await store.purgeTenant('purged')).toBe(0)

    expect(await store.readBlobs(blobs.map(({ id }) => id))).toEqual([])
    expect(await store.cancelled({ lane, tenant: 'purged' })).toEqual([])
    expect(await store.cancelled({ lane, tenant: 'stays' })).toHaveLength(1)
    expect(await store.progress(`${lane}-job`)).toBeUndefined()
    expect(await scene.letters('purged')).toEqual([])
    expect(await usage(scene, 'purged')).toMatchObject({ jobs: 0, bytes: 0 })
    await scene.later(1_000)
    expect((await worker.drain()).sort()).toEqual(['s1', 's2', 's3'])

    const again = await store.append([
      scene.page('purged', '7', { unique }),
      scene.page('purged', '8', { stream: 'kx' }),
    ])
    expect(again.duplicates).toEqual([])
    const claimed = await worker.drain()
    expect(claimed.sort()).toEqual(['7', '8'])
  })

  test('a key stays exclusive while its tenant is purged, and what is leased runs to its end', async (scene) => {
    const [one, two] = [await scene.worker(), await scene.worker()]
    await scene.add('purged-keys', '1', { stream: 'kx' })
    await scene.add('purged-keys', '2', { stream: 'kx' })
    const claimed = await one.claim()
    expect(await scene.store.purgeTenant('purged-keys')).toBe(1)
    await scene.add('purged-keys', '3', { stream: 'kx' })
    expect(await two.claim()).toEqual([])
    expect(await one.finish(claimed)).toEqual(new Set([claimed[0]!.lease]))
    expect(idsOf(await two.claim())).toEqual(['3'])
  })

  test('answers when it is there', async (scene) => {
    await scene.store.ping()
    await scene.store.migrate()
    await scene.add('a', '1')
    expect(await (await scene.worker()).drain()).toEqual(['1'])
  })
}
