import type { DeadLetter } from '../../../src/api/types.ts'
import { decodeBody, encodeRecord, type JobRecord } from '../../../src/pages/job-record.ts'
import type { NewPage } from '../../../src/pages/page.ts'
import type {
  Appended,
  ClaimedPage,
  LaneRequest,
  PageRef,
  Settlement,
  Store,
} from '../../../src/stores/store.ts'
import type { Harness } from '../conformance.ts'

export type Test = (title: string, body: (scene: Scene) => Promise<void>) => void

const leaseMs = 600_000

/** What one test works with: a lane of its own, and short words for what stores are asked. */
export class Scene {
  readonly lane: string
  readonly store: Store
  readonly #harness: Harness
  readonly #open: () => Promise<Harness>
  readonly #others: Harness[] = []

  constructor(harness: Harness, lane: string, open: () => Promise<Harness>) {
    this.#harness = harness
    this.store = harness.store
    this.lane = lane
    this.#open = open
  }

  /** The same lane in another, empty store. */
  async elsewhere(): Promise<Scene> {
    const other = await this.#open()
    this.#others.push(other)
    return new Scene(other, this.lane, this.#open)
  }

  async close(): Promise<void> {
    for (const other of this.#others) await other.close()
  }

  /** A page of jobs whose ids are given as words: `page('a', '1 2 3')`. */
  page(tenant: string, ids: string, more: Partial<NewPage> = {}): NewPage {
    return pageOf(this.lane, tenant, ids.split(' ').map(recordOf), more)
  }

  add(tenant: string, ids: string, more: Partial<NewPage> = {}): Promise<Appended> {
    return this.store.append([this.page(tenant, ids, more)])
  }

  async worker(): Promise<TestWorker> {
    return new TestWorker(this, await this.store.openWorker(leaseMs))
  }

  advance(ms: number): void {
    this.#harness.advance(ms)
  }

  /** Moves and opens all that is due, as a queue does that is told there was something. Returns the jobs. */
  async promote(): Promise<number> {
    let moved = 0
    for (;;) {
      const { jobs } = await this.store.promote(100)
      if (jobs === 0) return moved
      moved += jobs
    }
  }

  later(ms: number): Promise<number> {
    this.advance(ms)
    return this.promote()
  }

  /** The worker dies and is found out. Returns the jobs that went back. */
  async kill(worker: TestWorker, maxAttempts = 10): Promise<number> {
    await this.#harness.expire(worker.id)
    const jobs = await this.store.reap({ maxAttempts })
    await this.promote()
    return jobs
  }

  /** Its dead letters, newest first. */
  letters(tenant?: string): Promise<DeadLetter[]> {
    return this.store.deadLetters({ lane: this.lane, ...(tenant && { tenant }), limit: 100 })
  }

  async laneStats() {
    return (await this.store.stats()).find((stats) => stats.lane === this.lane)
  }
}

export class TestWorker {
  readonly id: number
  readonly #scene: Scene
  #last: Settlement

  constructor(scene: Scene, id: number) {
    this.#scene = scene
    this.id = id
    this.#last = emptySettlement(id, 0)
  }

  claim(more: Partial<LaneRequest> = {}): Promise<ClaimedPage[]> {
    return this.#scene.store.claim(this.id, [
      { lane: this.#scene.lane, heads: 100, pagesPerHead: 1, maxBytes: 1e7, slots: 4, skip: [], ...more },
    ])
  }

  /** Claims one page, the next in turn. */
  async claimOne(more: Partial<LaneRequest> = {}): Promise<ClaimedPage> {
    const pages = await this.claim({ heads: 1, maxBytes: 1, ...more })
    if (pages.length !== 1) throw new Error(`claimed ${pages.length} pages instead of one: ${idsOf(pages)}`)
    return pages[0]!
  }

  /** Claims and finishes until nothing more comes. Returns the ids in the order of handing out. */
  async drain(more: Partial<LaneRequest> = {}): Promise<string[]> {
    const ids: string[] = []
    for (;;) {
      const pages = await this.claim(more)
      if (pages.length === 0) return ids
      ids.push(...idsOf(pages))
      await this.finish(pages)
    }
  }

  settle(part: Partial<Settlement>): Promise<Set<number>> {
    this.#last = { ...emptySettlement(this.id, this.#last.number + 1), ...part }
    return this.#scene.store.settle(this.#last)
  }

  /** The last settlement again, as when the reply to it was lost. */
  replay(): Promise<Set<number>> {
    return this.#scene.store.settle(this.#last)
  }

  /** Ends all jobs of these pages, which are all that their leases hold. */
  finish(pages: ClaimedPage[], part: Partial<Settlement> = {}): Promise<Set<number>> {
    return this.settle({ finished: pages.map(refOf), ...ending(pages), ...part })
  }

  /** Puts a page of a key back with what is left of it. */
  restore(page: ClaimedPage, records: JobRecord[], openAt: number): Promise<Set<number>> {
    const { firstAt } = page
    const { jobs, bytes, body } = pageOf(page.lane, page.tenant, records)
    return this.settle({
      restore: [{ ...refOf(page), jobs, bytes, body, firstAt, openAt }],
      ...ending([page]),
    })
  }

  /** Buries all jobs of a page. */
  bury(page: ClaimedPage, reason = 'boom'): Promise<Set<number>> {
    const { lease, lane, tenant } = page
    const dead = decodeBody(page.body).map(([id, name, data, made = 0, extra]) => ({
      ...{ lease, id, lane, tenant, name, data: JSON.stringify(data), attempts: made + 1, reason },
      ...(extra?.b && { blob: extra.b }),
    }))
    return this.finish([page], { dead })
  }
}

export const emptySettlement = (worker: number, number: number): Settlement => ({
  worker,
  number,
  finished: [],
  partial: [],
  restore: [],
  reschedule: [],
  dead: [],
  emptied: [],
  released: [],
  closed: [],
  corrections: [],
  blobs: [],
  cancelled: [],
  progressed: [],
})

export const refOf = ({ lease, lane, tenant, stream, seq }: ClaimedPage): PageRef => ({
  lease,
  lane,
  tenant,
  stream,
  seq,
})

/** What a settlement says besides when it ends all that these pages' leases hold. */
export function ending(pages: ClaimedPage[]): Pick<Settlement, 'emptied' | 'released'> {
  const released = new Map<string, Settlement['released'][number]>()
  for (const { lease, lane, tenant, grant } of pages)
    if (grant !== null) released.set(JSON.stringify([lease, tenant]), { lease, lane, tenant })
  return { emptied: [...new Set(pages.map((page) => page.lease))], released: [...released.values()] }
}

export const recordOf = (id: string): JobRecord => [id, 'job', { n: id }]

export function pageOf(
  lane: string,
  tenant: string,
  records: JobRecord[],
  more: Partial<NewPage> = {},
): NewPage {
  const body = records.map(encodeRecord).join(',')
  const page = { lane, tenant, stream: '', jobs: records.length, bytes: Buffer.byteLength(body), body }
  return { ...page, ...more }
}

export const recordsOf = (pages: ClaimedPage[]): JobRecord[] => pages.flatMap((page) => decodeBody(page.body))
export const idsOf = (pages: ClaimedPage[]): string[] => recordsOf(pages).map(([id]) => id)
