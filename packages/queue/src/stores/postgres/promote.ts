import type { NewPage } from '../../pages/page.ts'
import { appendAll, uniqueHeads } from './append.ts'
import { byHead, columns, type PoolDb } from './db.ts'

/** How far back due rows are looked for as a rule, and how often further. See `sql/promote.ts`. */
const lookBackMs = 60_000
const lookFurtherEveryMs = 30_000
/** Heads and streams opened by one transaction, when everything is. */
const openRows = 1_000

/** Moves what is due and opens what was closed for a time. */
export class Promoter {
  readonly #db: PoolDb
  #lookedFurtherAt = Number.NEGATIVE_INFINITY

  constructor(db: PoolDb) {
    this.#db = db
  }

  async promote(
    limit: number,
    onReady?: () => void,
  ): Promise<{ jobs: number; nextDueAt: number | undefined }> {
    const now = this.#db.now()
    const further = now - this.#lookedFurtherAt >= lookFurtherEveryMs
    const floor = further ? 0 : now - lookBackMs
    const [moved] = await this.#db.run<{ jobs: number }>('promote', [now, limit, floor], limit)
    if (moved!.jobs > 0) onReady?.()
    // As long as there is more than one round takes, the next one looks at everything again.
    if (further && moved!.jobs < limit) this.#lookedFurtherAt = now
    const streamed = await this.#promoteStreams(now, limit)
    const opened = await this.#open(now, limit)
    if (streamed + opened > 0) onReady?.()
    const [next] = await this.#db.run<{ at: number | null }>('nextDue', [floor])
    return { jobs: moved!.jobs + streamed + opened, nextDueAt: next!.at ?? undefined }
  }

  async openEverything(): Promise<void> {
    while ((await this.#open(Number.POSITIVE_INFINITY, openRows)) > 0);
  }

  async #promoteStreams(now: number, limit: number): Promise<number> {
    const [due] = await this.#db.run<{ id: number }>('dueStreams', [now, 1])
    if (!due) return 0
    return this.#db.transaction(async (tx) => {
      const rows = await tx.run<NewPage & { id: number }>('dueStreams', [now, limit])
      await tx.run('dropScheduled', [rows.map((row) => row.id)])
      await appendAll(tx, now, rows, {})
      return rows.reduce((sum, row) => sum + row.jobs, 0)
    })
  }

  /** Returns how many heads and streams opened: work that was there before may be claimed now. */
  async #open(now: number, limit: number): Promise<number> {
    const heads = await this.#db.run<{ lane: string; tenant: string }>('closedHeads', [now, limit])
    const streams = await this.#db.run<{ lane: string; tenant: string; stream: string }>('closedStreams', [
      now,
      limit,
    ])
    if (heads.length + streams.length === 0) return 0
    const all = uniqueHeads([...heads, ...streams])
    await this.#db.transaction(async (tx) => {
      await tx.run('lockHeads', byHead(all), all.length)
      await tx.run('openHeads', [...byHead(heads), now], heads.length)
      await tx.run(
        'openStreams',
        [...byHead(streams), ...columns(streams, (stream) => stream.stream), now],
        streams.length,
      )
      await tx.run('refreshHeads', [...byHead(all), now], all.length)
    })
    return all.length
  }
}
