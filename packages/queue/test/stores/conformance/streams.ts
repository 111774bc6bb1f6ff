import { expect } from 'vitest'
import type { JobRecord } from '../../../src/pages/job-record.ts'
import { keyStream, priorityStepMs, priorityStream } from '../../../src/pages/streams.ts'
import { ending, idsOf, recordOf, recordsOf, refOf, type Test } from './scene.ts'

const attemptsOf = (records: JobRecord[]) => records.map(([id, , , made = 0]) => `${id}:${made}`)

export function streams(test: Test): void {
  test('serves a priority before what was added earlier, each step a minute, so that nothing waits for ever', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', 'first', { stream: priorityStream(1) })
    scene.advance(1)
    await scene.add('a', 'ordinary')
    scene.advance(priorityStepMs * 1.5)
    await scene.add('a', 'too-late', { stream: priorityStream(1) })
    await scene.add('a', 'overtakes', { stream: priorityStream(2) })
    scene.advance(1)
    await scene.add('a', 'overtakes-all', { stream: priorityStream(3) })
    const order = []
    for (let n = 0; n < 5; n++) order.push(...idsOf([await worker.claimOne()]))
    expect(order).toEqual(['overtakes-all', 'first', 'overtakes', 'ordinary', 'too-late'])
  })

  test('hands over the pages of one claim in the order of their priorities', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', 'o')
    await scene.add('a', 'p2', { stream: priorityStream(2) })
    await scene.add('a', 'p1', { stream: priorityStream(1) })
    await scene.add('a', 'p3', { stream: priorityStream(3) })
    expect(await worker.drain({ pagesPerHead: 5 })).toEqual(['p3', 'p2', 'p1', 'o'])
  })

  test('a priority does not put a tenant before others', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', 'a1')
    for (let n = 0; n < 4; n++) await scene.add('pushy', `p${n}`, { stream: priorityStream(3) })
    const first = [await worker.claimOne(), await worker.claimOne()]
    expect(first.map((page) => page.tenant).sort()).toEqual(['a', 'pushy'])
  })

  test('leases one page of a key at a time, across workers', async (scene) => {
    const [one, two] = [await scene.worker(), await scene.worker()]
    for (const ids of ['1 2', '3', '4']) await scene.add('a', ids, { stream: keyStream('x') })
    const first = await one.claim({ pagesPerHead: 10 })
    expect(idsOf(first)).toEqual(['1', '2'])
    expect(first[0]!.stream).toBe(keyStream('x'))
    expect(await two.claim({ pagesPerHead: 10 })).toEqual([])
    await scene.add('a', '5', { stream: keyStream('x') })
    await one.settle({ partial: [{ ...refOf(first[0]!), positions: [0] }] })
    await scene.later(1_000)
    expect(await two.claim()).toEqual([])
    expect(await one.claim()).toEqual([])
    await one.finish(first)
    expect(idsOf(await two.claim())).toEqual(['3'])
    expect(await one.claim()).toEqual([])
  })

  test('a leased key holds up neither other keys nor ordinary jobs nor the same key of others', async (scene) => {
    const worker = await scene.worker()
    await scene.store.append([
      ...['x1', 'x2'].map((id) => scene.page('a', id, { stream: keyStream('x') })),
      ...['y1', 'y2'].map((id) => scene.page('a', id, { stream: keyStream('y') })),
      ...['o1', 'o2'].map((id) => scene.page('a', id)),
      ...['b1', 'b2'].map((id) => scene.page('b', id, { stream: keyStream('x') })),
    ])
    const claimed = []
    for (let pages = await worker.claim(); pages.length > 0; pages = await worker.claim())
      claimed.push(...pages)
    expect(idsOf(claimed).sort()).toEqual(['b1', 'o1', 'o2', 'x1', 'y1'])
  })

  test('the keys of a tenant take turns', async (scene) => {
    const worker = await scene.worker()
    const serve = async () => {
      const page = await worker.claimOne()
      await worker.finish([page])
      scene.advance(1)
      return page.stream
    }
    for (let n = 0; n < 12; n++) await scene.add('a', `flood${n}`, { stream: keyStream('flood') })
    for (let n = 0; n < 4; n++) await scene.add('a', `calm${n}`, { stream: keyStream('calm') })
    scene.advance(1)
    const turns = []
    for (let n = 0; n < 6; n++) turns.push(await serve())
    expect(turns.filter((stream) => stream === keyStream('calm'))).toHaveLength(3)
    await scene.add('a', 'late', { stream: keyStream('late') })
    scene.advance(1)
    expect([await serve(), await serve(), await serve()]).toContain(keyStream('late'))
  })

  test('a failed job of a key comes back to its place, after its pause', async (scene) => {
    const worker = await scene.worker()
    await scene.add('a', '1 2 3', { stream: keyStream('x') })
    await scene.add('a', '4', { stream: keyStream('x') })
    const [page] = await worker.claim()
    const firstAt = page!.firstAt
    const openAt = scene.store.now() + 5_000
    const again: JobRecord[] = [['2', 'job', { n: '2' }, 1], recordOf('3')]
    await worker.restore(page!, again, openAt)
    await scene.promote()
    expect(await worker.claim()).toEqual([])
    const { nextDueAt } = await scene.store.promote(100)
    expect(nextDueAt).toBeLessThanOrEqual(openAt)
    await scene.add('a', '5', { stream: keyStream('x') })
    expect(await worker.claim()).toEqual([])
    expect(await scene.later(5_000)).toBeGreaterThan(0)
    const back = await worker.claim()
    expect(attemptsOf(recordsOf(back))).toEqual(['2:1', '3:0'])
    expect(back[0]).toMatchObject({ seq: page!.seq, jobs: 2, firstAt, done: [] })
    expect(back[0]!.bytes).toBe(Buffer.byteLength(back[0]!.body))
    await worker.finish(back)
    expect(await worker.drain()).toEqual(['4', '5'])
  })

  test('a worker that closes gives a key back in order', async (scene) => {
    const [closing, other] = [await scene.worker(), await scene.worker()]
    await scene.add('a', '1 2', { stream: keyStream('x') })
    await scene.add('a', '3', { stream: keyStream('x') })
    const [page] = await closing.claim()
    await closing.restore(page!, ['1', '2'].map(recordOf), scene.store.now())
    await scene.store.closeWorker(closing.id)
    await scene.promote()
    expect(await other.drain()).toEqual(['1', '2', '3'])
  })

  test('a key whose worker died comes back in order, with one attempt more for the first alone', async (scene) => {
    const [dead, other] = [await scene.worker(), await scene.worker()]
    await scene.add('a', '1 2 3', { stream: keyStream('x') })
    await scene.add('a', '4', { stream: keyStream('x') })
    const [page] = await dead.claim()
    await dead.settle({ partial: [{ ...refOf(page!), positions: [0] }] })
    scene.advance(3_000)
    expect(await scene.kill(dead)).toBe(2)
    const back = await other.claim({ pagesPerHead: 10 })
    expect(attemptsOf(recordsOf(back))).toEqual(['2:1', '3:0'])
    expect(back[0]!.firstAt).toBe(page!.firstAt)
    expect(await dead.finish([page!])).toEqual(new Set())
    expect(await other.claim()).toEqual([])
    await other.finish(back)
    expect(await other.drain()).toEqual(['4'])
  })

  test('a job that kills workers dies alone and lets its key go on', async (scene) => {
    await scene.add('a', 'killer 2', { stream: keyStream('x') })
    await scene.add('a', '3', { stream: keyStream('x') })
    for (let round = 0; round < 3; round++) {
      const worker = await scene.worker()
      expect(idsOf(await worker.claim())).toEqual(['killer', '2'])
      await scene.kill(worker, 3)
    }
    expect((await scene.letters()).map((letter) => letter.id)).toEqual(['killer'])
    expect(await (await scene.worker()).drain()).toEqual(['2', '3'])
  })

  test('the last job of a page can die with its worker, too', async (scene) => {
    await scene.add('a', 'killer', { stream: keyStream('x') })
    await scene.add('a', '2', { stream: keyStream('x') })
    const worker = await scene.worker()
    await worker.claim()
    expect(await scene.kill(worker, 1)).toBe(1)
    expect(await (await scene.worker()).drain()).toEqual(['2'])
  })

  test('nothing is put back under a lost lease', async (scene) => {
    const [dead, other] = [await scene.worker(), await scene.worker()]
    await scene.add('a', '1', { stream: keyStream('x') })
    const [page] = await dead.claim()
    await scene.kill(dead)
    const [again] = await other.claim()
    expect(await dead.restore(page!, [recordOf('1')], scene.store.now())).toEqual(new Set())
    await scene.promote()
    expect(await other.claim()).toEqual([])
    await other.finish([again!])
    expect(await other.claim()).toEqual([])
  })

  test('promotes into streams, in the order of due times', async (scene) => {
    const worker = await scene.worker()
    const now = scene.store.now()
    await scene.add('a', '2', { stream: keyStream('x'), dueAt: now + 2_000 })
    await scene.add('a', '1', { stream: keyStream('x'), dueAt: now + 1_000 })
    await scene.add('a', 'y', { stream: keyStream('y'), dueAt: now + 1_000 })
    await scene.add('a', 'p', { stream: priorityStream(3), dueAt: now + 1_000 })
    await scene.add('a', 'o', { dueAt: now + 1_000 })
    expect(await worker.claim()).toEqual([])
    expect(await scene.later(2_000)).toBe(5)
    const claimed = await worker.drain()
    expect([...claimed].sort()).toEqual(['1', '2', 'o', 'p', 'y'])
    expect(claimed.indexOf('1')).toBeLessThan(claimed.indexOf('2'))
    expect(claimed.indexOf('p')).toBeLessThan(claimed.indexOf('o'))
  })

  test('settles pages of several streams and tenants together', async (scene) => {
    const worker = await scene.worker()
    await scene.store.append([
      scene.page('a', 'x1', { stream: keyStream('x') }),
      scene.page('a', 'x2', { stream: keyStream('x') }),
      scene.page('a', 'y1', { stream: keyStream('y') }),
      scene.page('b', 'x1', { stream: keyStream('x') }),
      scene.page('b', 'o1'),
    ])
    const claimed = []
    for (let pages = await worker.claim(); pages.length > 0; pages = await worker.claim())
      claimed.push(...pages)
    const openAt = scene.store.now() + 1_000
    const [kept, gone] = [claimed.filter(isX), claimed.filter((page) => !isX(page))]
    await worker.settle({
      finished: gone.map(refOf),
      restore: kept.map(({ jobs, bytes, body, firstAt, ...page }) => ({
        ...{ ...refOf({ jobs, bytes, body, firstAt, ...page }), jobs, bytes, body, firstAt, openAt },
      })),
      ...ending(claimed),
    })
    expect(await worker.claim()).toEqual([])
    await scene.later(1_000)
    expect((await worker.drain()).sort()).toEqual(['x1', 'x1', 'x2'])
  })
}

const isX = ({ stream }: { stream: string }) => stream === keyStream('x')
