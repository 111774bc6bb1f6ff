import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../../testing/postgres.ts'
import { memoryStore, postgresStore, type Store } from '../src/index.ts'
import { packPages } from '../src/page.ts'
import type { ClaimedPage } from '../src/store.ts'

/**
 * Random histories of producers, workers, deaths and late settlements, checked against a ledger: no job is lost, a job
 * settled under a live lease never runs again, and nothing settled under a lost lease counts.
 */
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      tenant: fc.nat(3),
      jobs: fc.integer({ min: 1, max: 4 }),
      later: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), worker: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('finish' as const), worker: fc.nat(2), page: fc.nat(5) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('finishPart' as const), worker: fc.nat(2), page: fc.nat(5) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('retry' as const), worker: fc.nat(2), page: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), worker: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('promote' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('collect' as const) }) },
)

interface Setup {
  store: Store
  expire(worker: number): Promise<void>
  advance(ms: number): void
}

async function runHistory(
  { store, expire, advance }: Setup,
  lane: string,
  steps: (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
) {
  const added = new Set<string>()
  const settled = new Set<string>()
  const stale = { worker: 0, pages: [] as ClaimedPage[] }
  let counter = 0
  const workers: { id: number; pages: ClaimedPage[] }[] = []
  for (let n = 0; n < 3; n++) workers.push({ id: await store.openWorker(600_000), pages: [] })
  const idsOf = (page: ClaimedPage) =>
    (JSON.parse(`[${page.body}]`) as [string][])
      .map(([id]) => id)
      .filter((_, position) => !page.done.includes(position))
  const empty = (worker: number) => ({
    worker,
    finished: [],
    partial: [],
    reschedule: [],
    dead: [],
    emptied: [],
    corrections: [],
  })
  const claimFor = async (worker: { id: number; pages: ClaimedPage[] }) => {
    const pages = await store.claim(worker.id, [{ lane, heads: 2, pagesPerHead: 2, maxBytes: 1e6, skip: [] }])
    for (const page of pages)
      for (const id of idsOf(page)) expect(settled.has(id), `${id} runs again`).toBe(false)
    worker.pages.push(...pages)
    return pages.length
  }
  const finish = async (worker: { id: number; pages: ClaimedPage[] }, page: ClaimedPage) => {
    const others = worker.pages.some((one) => one !== page && one.lease === page.lease)
    const live = await store.settle({
      ...empty(worker.id),
      finished: [page],
      emptied: others ? [] : [page.lease],
    })
    if (live.has(page.lease)) for (const id of idsOf(page)) settled.add(id)
    worker.pages = worker.pages.filter((one) => one !== page)
  }

  for (const now of steps) {
    if (now.do === 'append') {
      const jobs = Array.from({ length: now.jobs }, () => {
        const id = `${lane}-${counter++}`
        added.add(id)
        const record = JSON.stringify([id, 'job', null])
        return { lane, tenant: `t${now.tenant}`, record, bytes: Buffer.byteLength(record) }
      })
      const pages = packPages(jobs)
      if (now.later)
        await store.append(
          [],
          pages.map((page) => ({ ...page, dueAt: store.now() + 1_000 })),
        )
      else await store.append(pages, [])
    } else if (now.do === 'promote') {
      advance(1_000)
      await store.promote(100)
    } else if (now.do === 'collect') await store.collect()
    else {
      const worker = workers[now.worker]!
      if (now.do === 'claim') await claimFor(worker)
      if (now.do === 'die') {
        stale.worker = worker.id
        stale.pages = worker.pages
        await expire(worker.id)
        await store.reap({ maxAttempts: 1_000 })
        workers[now.worker] = { id: await store.openWorker(600_000), pages: [] }
        // What the dead one still believed to hold must not count.
        for (const page of stale.pages) {
          const live = await store.settle({ ...empty(stale.worker), finished: [page], emptied: [page.lease] })
          expect(live.size).toBe(0)
        }
      }
      if (!('page' in now) || worker.pages.length === 0) continue
      const page = worker.pages[now.page % worker.pages.length]!
      if (now.do === 'finish') await finish(worker, page)
      if (now.do === 'finishPart') {
        const open = Array.from({ length: page.jobs }, (_, position) => position).filter(
          (one) => !page.done.includes(one),
        )
        if (open.length < 2) continue
        const live = await store.settle({
          ...empty(worker.id),
          partial: [{ ...page, positions: [open[0]!] }],
        })
        expect(live.has(page.lease)).toBe(true)
        settled.add((JSON.parse(`[${page.body}]`) as [string][])[open[0]!]![0])
        page.done.push(open[0]!)
      }
      if (now.do === 'retry') {
        const rest = packPages(
          idsOf(page).map((id) => {
            const record = JSON.stringify([id, 'job', null, 1])
            return { lane, tenant: page.tenant, record, bytes: Buffer.byteLength(record) }
          }),
        )
        const others = worker.pages.some((one) => one !== page && one.lease === page.lease)
        await store.settle({
          ...empty(worker.id),
          finished: [page],
          emptied: others ? [] : [page.lease],
          reschedule: rest.map((again) => ({ ...again, lease: page.lease, dueAt: store.now() })),
        })
        worker.pages = worker.pages.filter((one) => one !== page)
      }
    }
  }

  // Everything left must come out exactly once now.
  for (const worker of workers) for (const page of [...worker.pages]) await finish(worker, page)
  for (let quiet = 0; quiet < 2; ) {
    advance(2_000)
    const { jobs } = await store.promote(1_000)
    const claimed = await claimFor(workers[0]!)
    for (const page of [...workers[0]!.pages]) await finish(workers[0]!, page)
    quiet = jobs + claimed === 0 ? quiet + 1 : 0
  }
  expect([...settled].sort()).toEqual([...added].sort())
  expect(
    (await store.stats()).find((stats) => stats.lane === lane) ?? {
      waitingJobs: 0,
      scheduledJobs: 0,
      leasedJobs: 0,
    },
  ).toMatchObject({
    waitingJobs: 0,
    scheduledJobs: 0,
    leasedJobs: 0,
  })
}

describe('every job is delivered, and none after its settlement', () => {
  it('memory store', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 120 }), async (steps) => {
        let offset = 0
        const store = memoryStore({ now: () => 1_800_000_000_000 + offset })
        await runHistory(
          {
            store,
            expire: async (worker) => void (await store.heartbeat(worker, -1)),
            advance: (ms) => (offset += ms),
          },
          'p',
          steps,
        )
      }),
      { numRuns: 300 },
    )
  })

  it('postgres store', async () => {
    const database = await createTestDatabase({ migrate: false })
    let offset = 0
    const store = postgresStore({ pool: database.pool, now: () => 1_800_000_000_000 + offset })
    await store.migrate()
    let run = 0
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          const expire = async (worker: number) => {
            await database.pool.query(
              `update fairway_queue.workers set expires_at = clock_timestamp() - interval '1 second' where id = $1`,
              [worker],
            )
          }
          await runHistory({ store, expire, advance: (ms) => (offset += ms) }, `p${run++}`, steps)
        }),
        { numRuns: 40, endOnFailure: true },
      )
    } finally {
      await store.close()
      await database.drop()
    }
  })
})
