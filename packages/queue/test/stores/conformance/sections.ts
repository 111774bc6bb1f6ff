import { expect } from 'vitest'
import type { Section, SectionRow, SectionValues, Store } from '../../../src/stores/store.ts'
import { pageOf, recordsOf, type Scene, type Test } from './scene.ts'

const sections = ['scheduled', 'dead', 'unique', 'cancelled', 'progress', 'tenants', 'schedules'] as const

/** One row of each section, with every member it can have. */
function samples(lane: string, now: number): SectionValues {
  const data = JSON.stringify(`payload '${'é'.repeat(100)}\u0000`)
  const record: [string, string, null, number, object] = [
    's1',
    'job',
    null,
    2,
    { b: `${lane}-s`, s: data.length },
  ]
  return {
    scheduled: {
      ...pageOf(lane, 'a', [record], { stream: 'kx' }),
      ...{ dueAt: now + 1_000, alone: true, firstAt: now - 5_000 },
      blobs: [{ id: `${lane}-s`, data }],
    },
    dead: {
      ...{ lane, tenant: 'a', id: 'd1', name: 'job', data: '{"n":"\\u0000"}', attempts: 3, reason: 'boom' },
      diedAt: now - 7_000,
    },
    unique: { lane, tenant: 'a', key: "o'nce", until: now + 60_000, id: 'u1' },
    cancelled: { lane, tenant: 'a', id: 'c1' },
    progress: { lane, tenant: 'a', id: `${lane}-p1`, progress: { half: [1, null, "'\u0000"] } },
    tenants: {
      tenant: `${lane}-t`,
      controls: { weight: 2.5, maxInFlight: 7, rate: 0.5, paused: true, maxJobs: 9, maxBytes: 1e10 },
    },
    schedules: { id: `${lane}-cron`, spec: '{"cron":"* * * * *"}', nextAt: now + 5_000 },
  }
}

/** Rows of one test; keys by which loads are remembered are not among them. */
async function dumpOf(scene: Scene, section: Section): Promise<SectionRow[]> {
  const rows: SectionRow[] = await scene.store.dump(section, 1_000)
  return rows.filter(({ value }) => {
    if ('key' in value && value.key.startsWith('moved:')) return false
    if ('lane' in value) return value.lane === scene.lane
    return ('tenant' in value ? value.tenant : value.id).startsWith(`${scene.lane}-`)
  })
}

/** Moves a section as `migrate/` does, with every step done twice, as after a crash in between. */
async function move(section: Section, from: Store, to: Store, origin = 'first'): Promise<number> {
  let moved = 0
  for (;;) {
    const rows = await from.dump(section, 2)
    if (rows.length === 0) return moved
    expect(rows.length).toBeLessThanOrEqual(2)
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows)
    await to.load(section, rows, origin)
    await to.load(section, rows, origin)
    await from.erase(section, rows)
    await from.erase(section, rows)
    moved += rows.length
  }
}

/** Every kind of record, made by the calls that make them. */
async function fill(scene: Scene): Promise<void> {
  const { store, lane } = scene
  const worker = await scene.worker()
  const now = store.now()
  const blob = (name: string) => ({ id: `${lane}-${name}`, data: JSON.stringify(`${name} '\u0000'`) })
  const extra = (name: string) => ({ b: blob(name).id, s: Buffer.byteLength(blob(name).data) })
  await store.append([pageOf(lane, 'a', [['d1', 'job', null, 1, extra('dead')]], { blobs: [blob('dead')] })])
  await worker.bury(await worker.claimOne())
  await scene.add('a', 'd2')
  await worker.bury(await worker.claimOne(), 'second')
  await store.append([
    scene.page('a', '2', { stream: 'kx', dueAt: now + 2_000 }),
    scene.page('a', '1', { stream: 'kx', dueAt: now + 1_000, firstAt: now - 9_000, alone: true }),
    pageOf(lane, 'a', [['3', 'job', null, 0, extra('later')]], {
      blobs: [blob('later')],
      dueAt: now + 3_000,
    }),
    scene.page('b', '4', { dueAt: now + 3_000, unique: { key: 'u', until: now + 1e6, id: '4' } }),
  ])
  await store.cancel([{ lane, tenant: 'a', id: '2' }])
  await store.saveProgress([{ lane, tenant: 'a', id: `${lane}-p`, progress: { of: 3 } }])
  await store.setControls(`${lane}-t`, { weight: 3, paused: true, maxJobs: 5 })
  await store.saveSchedule({ id: `${lane}-s`, spec: 'daily', nextAt: now + 5_000 })
}

export function sectionMoves(test: Test): void {
  test('moves everything but waiting pages to another store, once', async (scene) => {
    const { store, lane } = scene
    const [from, to] = [await scene.elsewhere(), await scene.elsewhere()]
    expect(store).not.toBe(from.store)
    await fill(from)
    const counts: Record<string, number> = {}
    for (const section of sections) counts[section] = await move(section, from.store, to.store)
    expect(counts).toEqual({
      scheduled: 4,
      dead: 2,
      unique: 1,
      cancelled: 1,
      progress: 1,
      tenants: 1,
      schedules: 1,
    })
    for (const section of sections) expect(await from.store.dump(section, 1_000)).toEqual([])
    expect(await from.store.readBlobs([`${lane}-dead`, `${lane}-later`])).toEqual([])
    from.advance(10_000)
    expect(await from.promote()).toBe(0)

    const worker = await to.worker()
    await to.later(1_000)
    const [first] = await worker.claim()
    expect(first).toMatchObject({ stream: 'kx', firstAt: to.store.now() - 10_000, cancels: true })
    await worker.finish([first!])
    await to.later(2_000)
    expect((await worker.drain()).sort()).toEqual(['2', '3', '4'])
    expect(await to.store.readBlobs([`${lane}-later`])).toEqual([
      { id: `${lane}-later`, data: JSON.stringify("later '\u0000'") },
    ])
    const letters = await to.letters()
    expect(letters.map(({ id, reason, data }) => [id, reason, data])).toEqual([
      ['d2', 'second', { n: 'd2' }],
      ['d1', 'boom', "dead '\u0000'"],
    ])
    const unique = { key: 'u', until: to.store.now() + 1e6, id: '5' }
    expect((await to.add('b', '5', { unique })).duplicates).toMatchObject([{ id: '4' }])
    expect(await to.store.cancelled({ lane, tenant: 'a' })).toEqual([{ lane, tenant: 'a', id: '2' }])
    expect(await to.store.progress(`${lane}-p`)).toEqual({ of: 3 })
    expect(await to.store.controls(`${lane}-t`)).toMatchObject({ weight: 3, paused: true, maxJobs: 5 })
    expect(await to.store.schedules()).toMatchObject([{ id: `${lane}-s`, spec: 'daily' }])
  })

  test('what was loaded once does not come again, even when it has ended meanwhile', async (scene) => {
    const [from, to] = [await scene.elsewhere(), await scene.elsewhere()]
    await from.add('a', '1', { dueAt: from.store.now() + 100 })
    const worker = await from.worker()
    await from.add('a', 'd')
    await worker.bury(await worker.claimOne())
    const [scheduled, dead] = [await from.store.dump('scheduled', 10), await from.store.dump('dead', 10)]
    await to.store.load('scheduled', scheduled, 'first')
    await to.store.load('dead', dead, 'first')
    const there = await to.worker()
    await to.later(100)
    expect(await there.drain()).toEqual(['1'])
    await to.store.discardDead((await to.letters()).map(({ ref }) => ref))
    await to.store.collect()
    await to.store.load('scheduled', scheduled, 'first')
    await to.store.load('dead', dead, 'first')
    await to.later(100)
    expect(await there.drain()).toEqual([])
    expect(await to.letters()).toEqual([])
    // Another store may number its records the same way.
    await to.store.load('scheduled', scheduled, 'second')
    await to.later(100)
    expect(await there.drain()).toEqual(['1'])
  })

  test('what changed here since it was loaded is not taken back by a repeated load', async (scene) => {
    const { store, lane } = scene
    const rows = samples(lane, store.now())
    const load = async () => {
      await store.load('tenants', [{ ref: `${lane}-r`, value: rows.tenants }], 'first')
      await store.load('schedules', [{ ref: `${lane}-r`, value: rows.schedules }], 'first')
      await store.load('unique', [{ ref: `${lane}-r`, value: rows.unique }], 'first')
    }
    await load()
    const { tenant } = rows.tenants
    const { id, nextAt } = rows.schedules
    await store.setControls(tenant, { weight: 9 })
    expect(await store.fire(id, nextAt, nextAt + 1_000, [])).toBe(true)
    scene.advance(60_000)
    const unique = { ...rows.unique, id: 'u2', until: store.now() + 60_000 }
    await scene.add('a', 'u2', { unique })
    await load()
    expect(await store.controls(tenant)).toMatchObject({ weight: 9, maxInFlight: 7 })
    expect(await store.fire(id, nextAt, nextAt + 1_000, [])).toBe(false)
    expect((await scene.add('a', 'u3', { unique: { ...unique, id: 'u3' } })).duplicates).toMatchObject([
      { id: 'u2' },
    ])
  })

  test('reads and writes rows in the one form that all stores share', async (scene) => {
    const { store, lane } = scene
    const now = store.now()
    const rows = samples(lane, now)
    for (const section of sections) {
      await store.load(section, [{ ref: `${lane}-ref`, value: rows[section] }], `origin of ${lane}`)
      const own = await dumpOf(scene, section)
      expect(own.map(({ value }) => value)).toEqual([rows[section]])
      if (section === 'scheduled') continue
      await store.erase(section, own)
      expect(await dumpOf(scene, section)).toEqual([])
    }
    await scene.later(1_000)
    const claimed = await (await scene.worker()).claim()
    expect(claimed).toMatchObject([{ stream: 'kx', firstAt: now - 5_000, body: rows.scheduled.body }])
    expect(recordsOf(claimed)[0]![4]!.b).toBe(`${lane}-s`)
    expect(await store.readBlobs([`${lane}-s`])).toEqual(rows.scheduled.blobs)
    expect(await scene.letters()).toEqual([])
    expect((await store.controls(rows.tenants.tenant)).weight ?? 1).toBe(1)
  })

  test('dumps in the order of moving: what is due first comes first, and letters by their age', async (scene) => {
    const one = await scene.elsewhere()
    const worker = await one.worker()
    for (const n of [3, 1, 2]) await one.add('a', `${n}`, { dueAt: one.store.now() + n * 1_000 })
    for (const id of ['old', 'new']) {
      await one.add('a', id)
      await worker.bury(await worker.claimOne())
      one.advance(10)
    }
    const bodies = (await one.store.dump('scheduled', 2)).map(({ value }) => value.body)
    expect(bodies).toEqual([one.page('a', '1').body, one.page('a', '2').body])
    const letters = (await one.store.dump('dead', 10)).map(({ value }) => value.id)
    expect(letters).toEqual(['old', 'new'])
  })

  test('erases only what it is given', async (scene) => {
    const one = await scene.elsewhere()
    const dueAt = one.store.now() + 1_000
    await one.store.append(['1', '2', '3'].map((id) => one.page('a', id, { dueAt: dueAt + Number(id) })))
    await one.store.erase('scheduled', await one.store.dump('scheduled', 1))
    await one.later(2_000)
    expect(await (await one.worker()).drain()).toEqual(['2', '3'])
  })
}
