import { createHash } from 'node:crypto'
import { blobsOf, decodeBody, encodeBody } from '../../pages/job-record.ts'
import type { NewPage } from '../../pages/page.ts'
import { movedKey } from '../moved-key.ts'
import type { ClaimedPage, Settlement, Store } from '../store.ts'

const leaseMs = 10_000
/** Bodies on their way at once: what is urgent waits for the round before it, so rounds are short. */
const bytesAtOnce = 512 * 1024
const tenantsAtOnce = 200
const pagesPerTenant = 8
/** Names of lanes are read again after this long. */
const lanesEveryMs = 2_000

/**
 * Takes waiting pages from one store to another: claimed here, stored there under a key made of what is in them, then
 * finished here. Whoever dies in between leaves a claim whose pages come back as they were, and who takes them next finds
 * the key taken. Any number of movers work side by side: a key's jobs are claimed one page at a time, so they stay in order.
 */
export class PageMover {
  readonly #from: Store
  readonly #to: Store
  /** Name of the move, for the keys. */
  readonly #origin: string
  #worker: number | undefined
  #settlements = 0
  #heartbeat: NodeJS.Timeout | undefined
  #lanes: string[] = []
  #lanesReadAt = Number.NEGATIVE_INFINITY

  constructor(from: Store, to: Store, origin: string) {
    this.#from = from
    this.#to = to
    this.#origin = origin
  }

  /** Returns how many jobs were taken over. */
  async move(): Promise<number> {
    const worker = await this.#open()
    const lanes = await this.#lanesNow()
    if (lanes.length === 0) return 0
    const claimed = await this.#from.claim(
      worker,
      lanes.map((lane) => ({
        lane,
        heads: tenantsAtOnce,
        pagesPerHead: pagesPerTenant,
        maxBytes: Math.ceil(bytesAtOnce / lanes.length),
        slots: Number.MAX_SAFE_INTEGER,
        skip: [],
      })),
    )
    if (claimed.length === 0) return 0
    const pages = claimed.map(unfinishedOf)
    const blobs = pages.flatMap(({ body }) => blobsOf(body))
    await this.#store(pages, blobs)
    await this.#settle(worker, claimed, blobs)
    return pages.reduce((sum, page) => sum + page.jobs, 0)
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    if (this.#worker !== undefined) await this.#from.closeWorker(this.#worker).catch(() => {})
    this.#worker = undefined
  }

  async #store(pages: NewPage[], blobs: string[]): Promise<void> {
    const data = new Map(
      blobs.length > 0 ? (await this.#from.readBlobs(blobs)).map((blob) => [blob.id, blob]) : [],
    )
    const now = this.#to.now()
    await this.#to.append(
      pages
        .filter(({ jobs }) => jobs > 0)
        .map((page) => {
          const own = blobs.length > 0 ? blobsOf(page.body).flatMap((id) => data.get(id) ?? []) : []
          return {
            ...page,
            unique: movedKey(this.#origin, 'scheduled', contentOf(page), now),
            ...(own.length > 0 && { blobs: own }),
          }
        }),
    )
  }

  async #settle(worker: number, claimed: ClaimedPage[], blobs: string[]): Promise<void> {
    const leases = new Set(claimed.map(({ lease }) => lease))
    const granted = claimed.filter(({ grant }) => grant !== null)
    const released = new Map(
      granted.map(({ lease, lane, tenant }) => [
        JSON.stringify([lease, lane, tenant]),
        { lease, lane, tenant },
      ]),
    )
    const settlement: Settlement = {
      worker,
      number: ++this.#settlements,
      finished: claimed.map(({ lease, lane, tenant, stream, seq }) => ({ lease, lane, tenant, stream, seq })),
      emptied: [...leases],
      released: [...released.values()],
      blobs,
      ...{ partial: [], restore: [], reschedule: [], dead: [], closed: [] },
      ...{ corrections: [], cancelled: [], progressed: [] },
    }
    const held = await this.#from.settle(settlement)
    // Given up for dead meanwhile: the pages come back, and are recognised.
    if (held.size < leases.size) this.#lose()
  }

  async #open(): Promise<number> {
    if (this.#worker !== undefined) return this.#worker
    const worker = await this.#from.openWorker(leaseMs, 'mover')
    this.#worker = worker
    this.#settlements = 0
    this.#heartbeat = setInterval(() => {
      this.#from.heartbeat(worker, leaseMs).then(
        (alive) => {
          if (!alive && this.#worker === worker) this.#lose()
        },
        () => {},
      )
    }, leaseMs / 5)
    return worker
  }

  #lose(): void {
    clearInterval(this.#heartbeat)
    this.#worker = undefined
  }

  async #lanesNow(): Promise<string[]> {
    if (performance.now() - this.#lanesReadAt < lanesEveryMs && this.#lanes.length > 0) return this.#lanes
    this.#lanesReadAt = performance.now()
    this.#lanes = (await this.#from.stats()).map(({ lane }) => lane)
    return this.#lanes
  }
}

/** What of a page has not been done. */
function unfinishedOf({ lane, tenant, stream, jobs, bytes, body, done, firstAt }: ClaimedPage): NewPage {
  const page = { lane, tenant, stream, firstAt }
  if (done.length === 0) return { ...page, jobs, bytes, body }
  const finished = new Set(done)
  const left = decodeBody(body).filter((_, position) => !finished.has(position))
  return { ...page, ...encodeBody(left) }
}

/** The same for the same jobs, wherever in the store they were found. */
export function contentOf(page: NewPage): string {
  const { lane, tenant, stream, body, firstAt, dueAt } = page
  const name = JSON.stringify([lane, tenant, stream, firstAt ?? dueAt])
  return createHash('sha256').update(name).update(body).digest('base64url').slice(0, 27)
}
