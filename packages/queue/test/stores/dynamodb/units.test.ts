import { randomBytes, randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { encodeRecord } from '../../../src/pages/job-record.ts'
import { packPages } from '../../../src/pages/pack-pages.ts'
import type { NewPage } from '../../../src/pages/page.ts'
import { emptySettlement, ending, refOf } from '../conformance/scene.ts'
import { describeOnDynamodb, openDynamodb } from './harness.ts'

const lane = 'units'

/** A job of 250 bytes as applications make them: words that repeat, ids and numbers that do not. */
function typical(tenant: string) {
  const data = {
    event: 'Order Completed',
    user: randomUUID(),
    total: Math.round(Math.random() * 1e5) / 100,
    properties: { order: randomBytes(6).toString('hex'), plan: 'pro', source: 'web' },
    at: new Date(1.7e12 + Math.random() * 1e11).toISOString(),
  }
  const record = encodeRecord([randomBytes(9).toString('base64url'), 'deliver', data])
  return { lane, tenant, stream: '', record, bytes: Buffer.byteLength(record) }
}

/** Of bytes that nothing compresses much. */
function random(tenant: string) {
  const record = encodeRecord([
    randomBytes(9).toString('base64url'),
    'deliver',
    randomBytes(161).toString('base64'),
  ])
  return { lane, tenant, stream: '', record, bytes: Buffer.byteLength(record) }
}

const pagesOf = (tenant: string, jobs: number, make = typical): NewPage[] =>
  packPages(Array.from({ length: jobs }, () => make(tenant)))

interface Case {
  name: string
  /** Appends; each is one group commit. */
  appends: () => NewPage[][]
  heads?: number
  /** Share of jobs that fail once. */
  retries?: number
}

/** Units per job over the whole life: append, claim, settle. */
async function measure({ appends, heads = 200, retries = 0 }: Case) {
  const { store, close } = await openDynamodb()
  const worker = await store.openWorker(600_000)
  const before = store.requestUnits()
  const at = { append: before, end: before }
  let jobs = 0
  for (const pages of appends()) {
    await store.append(pages)
    jobs += pages.reduce((sum, page) => sum + page.jobs, 0)
  }
  at.append = store.requestUnits()
  let ended = 0
  for (let number = 1; ended < jobs; number++) {
    await store.promote(10_000)
    const request = { lane, heads, pagesPerHead: 4, maxBytes: 16e6, slots: 16, skip: [] }
    const pages = await store.claim(worker, [request])
    const again = pages.filter((page) => page.firstAt === page.readyAt && Math.random() < retries)
    await store.settle({
      ...emptySettlement(worker, number),
      ...{ finished: pages.map(refOf), ...ending(pages) },
      reschedule: again.map(({ lane, tenant, stream, jobs, bytes, body, lease }) => ({
        ...{ lane, tenant, stream, jobs, bytes, body, lease, dueAt: store.now(), firstAt: store.now() - 1 },
      })),
    })
    ended += pages.reduce((sum, page) => sum + page.jobs, 0) - again.reduce((sum, page) => sum + page.jobs, 0)
  }
  at.end = store.requestUnits()
  await close()
  const per = (units: number) => Math.round((units / jobs) * 1_000) / 1_000
  return {
    jobs,
    append: per(at.append.write - before.write),
    write: per(at.end.write - before.write),
    read: per(at.end.read - before.read),
  }
}

const pagesOf100 = (make = typical) => Array.from({ length: 100 }, (_, n) => pagesOf(`t${n % 20}`, 100, make))
const cases: (Case & { budget: number })[] = [
  { name: 'pages of 100 jobs of 250 bytes', appends: () => pagesOf100(), budget: 0.25 },
  { name: 'the same of random bytes', appends: () => pagesOf100(random), budget: 0.4 },
  { name: 'the same, a tenth retried', appends: () => pagesOf100(), retries: 0.1, budget: 0.3 },
  {
    name: 'pages of 500',
    appends: () => Array.from({ length: 20 }, (_, n) => pagesOf(`t${n}`, 500)),
    budget: 0.2,
  },
  {
    name: '10,000 tenants with a job each in one commit',
    appends: () => [Array.from({ length: 10_000 }, (_, n) => pagesOf(`t${n}`, 1)[0]!)],
    budget: 0.5,
  },
  {
    name: '100 tenants with a job each in one commit',
    appends: () =>
      Array.from({ length: 20 }, (_, n) =>
        Array.from({ length: 100 }, (_, m) => pagesOf(`t${n}-${m}`, 1)[0]!),
      ),
    budget: 1,
  },
  {
    name: 'a commit, a claim and a settlement for every single job',
    appends: () => Array.from({ length: 100 }, (_, n) => pagesOf(`t${n}`, 1)),
    heads: 1,
    budget: 8,
  },
]

describeOnDynamodb('request units on DynamoDB Local', () => {
  it.each(cases)('$name', async ({ budget, ...one }) => {
    const units = await measure(one)
    console.log(
      `${one.name}: per job ${units.write} write units (${units.append} to append), ${units.read} read units`,
    )
    expect(units.write).toBeLessThanOrEqual(budget)
  })
})
