import { expect } from 'vitest'
import { keyStream } from '../../../src/pages/streams.ts'
import { pageOf, recordsOf, refOf, type Test } from './scene.ts'

/** Names: any text without NUL, up to 200 characters. */
const names = [
  `t'"$1\\`,
  "'); drop table x; --",
  '日本語🎉',
  '\u2028{},"[]',
  '\u001f#/|:%_',
  ' ',
  '\n',
  'é'.repeat(200),
  '🎉'.repeat(100),
  'constructor',
  '__proto__',
  'p1',
  'k',
]
/** Data: any JSON. */
const data = [
  '\u0000',
  '\ud800',
  '"\\\n',
  '日本語🎉',
  '\u2028',
  "'); drop table x; --",
  '{}',
  '\\u0000',
  'NULL',
  '',
]

export const sumOf = <Item>(items: Item[], amount: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + amount(item), 0)

export function oddTexts(test: Test): void {
  test('stores any data a job may hold, at once, scheduled, and dead', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    const dueAt = store.now() + 100
    const pages = data.map((text, n) => pageOf(lane, `t${n}`, [[`o${n}`, 'job', { text, [text]: n }]]))
    const expected = data.map((text, n) => [`o${n}`, 'job', { text, [text]: n }]).sort()
    await store.append(pages)
    await store.append(pages.map((page) => ({ ...page, dueAt })))
    await store.append(pages.map((page) => ({ ...page, stream: keyStream('x') })))
    for (let kind = 0; kind < 3; kind++) {
      const claimed = await worker.claim({ heads: 100 })
      for (const page of claimed) expect(page.bytes).toBe(Buffer.byteLength(page.body))
      await worker.finish(claimed, {
        dead: claimed.flatMap((page) =>
          recordsOf([page]).map(([id, name, value]) => ({
            ...{ lease: page.lease, lane, tenant: page.tenant, id, name, data: JSON.stringify(value) },
            ...{ attempts: 1, reason: 'odd' },
          })),
        ),
      })
      await scene.later(100)
    }
    const letters = (await scene.letters()).map(({ id, name, data: value }) => [id, name, value])
    for (const one of expected) expect(letters.filter(([id]) => id === one[0])).toEqual([one, one, one])
  })

  test('takes any name for a tenant, a key and an id', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    await store.append(
      names.flatMap((name) => [
        pageOf(lane, name, [[name.slice(0, 64), name, name]]),
        pageOf(lane, name, [[name.slice(0, 64), name, name]], { stream: keyStream(name) }),
        pageOf(lane, 'all', [[name.slice(0, 64), name, name]], { stream: keyStream(name) }),
        pageOf(lane, 'all', [[name.slice(0, 64), name, name]], {
          unique: { key: name, until: store.now() + 1_000, id: name.slice(0, 64) },
        }),
      ]),
    )
    for (const name of names) await store.cancel([{ lane, tenant: name, id: name.slice(0, 64) }])
    const claimed = []
    for (let some = await worker.claim({ pagesPerHead: 50 }); some.length > 0; ) {
      claimed.push(...some)
      some = await worker.claim({ pagesPerHead: 50 })
    }
    expect(claimed).toHaveLength(names.length * 4)
    for (const name of names) {
      const record = [name.slice(0, 64), name, name]
      const own = claimed.filter(({ tenant }) => tenant === name)
      expect(own.map(({ stream }) => stream).sort()).toEqual(['', keyStream(name)])
      expect(recordsOf(own)).toEqual([record, record])
      expect(own.every(({ cancels }) => cancels)).toBe(true)
      expect(
        recordsOf(claimed.filter((one) => one.tenant === 'all' && one.stream === keyStream(name))),
      ).toEqual([record])
      expect(await store.cancelled({ lane, tenant: name })).toEqual([{ lane, tenant: name, id: record[0] }])
    }
    await worker.settle({ partial: claimed.map((page) => ({ ...refOf(page), positions: [] })) })
    await scene.kill(worker)
    expect(await (await scene.worker()).drain({ pagesPerHead: 50 })).toHaveLength(names.length * 4)
  })

  test('takes any name for a lane', async (scene) => {
    const worker = await scene.worker()
    const lanes = [...names]
    await scene.store.append(lanes.map((lane) => pageOf(lane, 'a', [[lane.slice(0, 64), 'job', lane]])))
    const common = { heads: 10, pagesPerHead: 1, maxBytes: 1e6, slots: 4 }
    const claimed = await scene.store.claim(
      worker.id,
      lanes.map((lane) => ({ lane, ...common, skip: names })),
    )
    expect(recordsOf(claimed).map(([, , lane]) => lane)).toEqual(expect.arrayContaining(lanes))
    expect(claimed).toHaveLength(lanes.length)
    await worker.finish(claimed, { closed: claimed.map(({ lane, tenant }) => ({ lane, tenant, until: 0 })) })
    const left = (await scene.store.stats()).filter((stats) => lanes.includes(stats.lane))
    expect(left.filter((stats) => stats.waitingJobs + stats.leasedJobs > 0)).toEqual([])
  })

  test('skips tenants with any name', async (scene) => {
    const worker = await scene.worker()
    for (const name of names) await scene.add(name, 'x')
    const [kept] = names
    const claimed = await worker.claim({ skip: names.slice(1) })
    expect(claimed.map(({ tenant }) => tenant)).toEqual([kept])
  })

  test('names that join to the same text are told apart', async (scene) => {
    const worker = await scene.worker()
    const { store, lane } = scene
    const common = { heads: 10, pagesPerHead: 1, maxBytes: 1e6, slots: 4 }
    for (const mark of ['\u001f', '\u0001', '|', '#', ':', '/', ',', ' ']) {
      const [short, long] = [`${lane}${mark}a`, `${lane}${mark}a${mark}b`]
      await store.append([
        { ...scene.page(`b${mark}c`, 'not wanted'), lane: short },
        { ...scene.page('c', 'wanted'), lane: long },
      ])
      await store.cancel([{ lane: short, tenant: `b${mark}c`, id: 'x' }])
      const requests = [
        { lane: short, ...common, skip: [`b${mark}c`] },
        { lane: long, ...common, skip: [] },
      ]
      const claimed = await store.claim(worker.id, requests)
      expect(claimed.map((page) => [page.tenant, page.cancels])).toEqual([['c', false]])
    }
  })

  test('stores pages as large as they may be', async (scene) => {
    const worker = await scene.worker()
    const big = 'é"'.repeat(170_000)
    await scene.store.append([
      pageOf(scene.lane, 'a', [['big', 'job', big]]),
      pageOf(scene.lane, 'a', [['keyed', 'job', big]], { stream: keyStream('x') }),
      pageOf(scene.lane, 'a', [['later', 'job', big]], { dueAt: scene.store.now() + 100 }),
    ])
    await scene.later(100)
    const claimed = []
    for (let some = await worker.claim({ maxBytes: 1 }); some.length > 0; ) {
      expect(some).toHaveLength(1)
      claimed.push(...some)
      some = await worker.claim({ maxBytes: 1 })
    }
    expect(claimed.map((page) => recordsOf([page])[0]![2])).toEqual([big, big, big])
  })
}
