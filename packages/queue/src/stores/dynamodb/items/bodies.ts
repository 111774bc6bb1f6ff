import type { NewPage } from '../../../pages/page.ts'
import type { Table } from '../client/table.ts'
import { type ItemId, keys } from '../keys.ts'
import { PageItem, packItems } from './page-item.ts'

/** Where a page's jobs are. A page that was joined of several has several parts. */
export interface Part {
  item: ItemId
  entry: number
  jobs: number
  bytes: number
}

/** Why a page cannot be had: its item was deleted by hand, or by TTL after nobody served its shard for `keepDays`. */
export class BodyMissing extends Error {
  readonly item: string
  constructor(item: string) {
    super(`The item ${item} of the queue's table is missing: the jobs in it are lost`)
    this.item = item
  }
}

const dayMs = 86_400_000

/** Items of pages, through a bounded memory of those used last: what was just appended or read is mostly claimed next. */
export class Bodies {
  readonly #table: Table
  readonly #limit: number
  readonly #keepMs: number
  /** In the order of use. */
  readonly #known = new Map<string, PageItem>()
  #bytes = 0

  constructor(table: Table, limits: { cacheBytes: number; keepDays: number }) {
    this.#table = table
    this.#limit = limits.cacheBytes
    this.#keepMs = limits.keepDays * dayMs
  }

  get cachedBytes(): number {
    return this.#bytes
  }

  /** After this long a page that still waits must be written again, before TTL takes its item. */
  get refreshAfterMs(): number {
    return this.#keepMs / 2
  }

  /** The TTL of an item whose last page is due then, in epoch seconds as DynamoDB wants it. */
  expiry(lastDueAt: number): number {
    return Math.ceil((lastDueAt + this.#keepMs) / 1_000)
  }

  remember(shard: number, item: ItemId, pages: PageItem): void {
    const name = nameOf(shard, item)
    this.#forget(name)
    this.#known.set(name, pages)
    this.#bytes += pages.size
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= this.#limit) break
      this.#forget(oldest)
    }
  }

  /** Bodies of pages, each the joined bodies of its parts, in the order asked for. */
  async read(shard: number, pages: { parts: Part[] }[]): Promise<string[]> {
    const items = await this.#items(
      shard,
      new Set(pages.flatMap(({ parts }) => parts.map(({ item }) => item))),
    )
    return pages.map(({ parts }) => parts.map(({ item, entry }) => items.get(item)!.body(entry)).join(','))
  }

  /** Blobs of pages, as far as their items are there. */
  async blobsOf(shard: number, pages: { parts: Part[] }[]): Promise<string[]> {
    const wanted = new Set(pages.flatMap(({ parts }) => parts.map(({ item }) => item)))
    const items = await this.#items(shard, wanted).catch((error: unknown) => {
      if (error instanceof BodyMissing) return new Map<ItemId, PageItem>()
      throw error
    })
    return pages.flatMap(({ parts }) =>
      parts.flatMap(({ item, entry }) => items.get(item)?.blobsOf(entry) ?? []),
    )
  }

  /** As {@link read}; undefined for pages whose items are gone, which is reported to the process as a warning. */
  async readAvailable(shard: number, pages: { parts: Part[] }[]): Promise<(string | undefined)[]> {
    try {
      return await this.read(shard, pages)
    } catch (error) {
      if (!(error instanceof BodyMissing)) throw error
    }
    const bodies: (string | undefined)[] = []
    for (const page of pages)
      try {
        bodies.push(...(await this.read(shard, [page])))
      } catch (error) {
        if (!(error instanceof BodyMissing)) throw error
        process.emitWarning(error)
        bodies.push(undefined)
      }
    return bodies
  }

  /**
   * Writes pages into items of their owner's own, named by `nextItem`. Nothing refers to them before the owner's journal
   * does: one that crashes in between leaves items that TTL takes away.
   */
  async write(shard: number, now: number, pages: NewPage[], nextItem: () => string): Promise<Part[]> {
    const parts: Part[] = []
    const rows = await Promise.all(
      packItems(pages).map(async (group) => {
        const pageItem = PageItem.of(group)
        const item = nextItem()
        this.remember(shard, item, pageItem)
        for (const [entry, { jobs, bytes }] of pageItem.entries.entries())
          parts.push({ item, entry, jobs, bytes })
        const ttl = this.expiry(pageItem.lastDueAt(now))
        return { ...keys.body(shard, item), d: await pageItem.encode(), ttl }
      }),
    )
    await Promise.all(rows.map((row) => this.#table.put(row)))
    return parts
  }

  async #items(shard: number, wanted: Set<ItemId>): Promise<Map<ItemId, PageItem>> {
    const found = new Map<ItemId, PageItem>()
    const missing: ItemId[] = []
    for (const item of wanted) {
      const known = this.#known.get(nameOf(shard, item))
      if (!known) missing.push(item)
      else {
        found.set(item, known)
        // Used last.
        this.#known.delete(nameOf(shard, item))
        this.#known.set(nameOf(shard, item), known)
      }
    }
    // Items never change, so the cheap reads will do; one that was written a moment ago may need the other kind.
    for (const consistent of [false, true]) {
      const absent = missing.filter((item) => !found.has(item))
      if (absent.length === 0) break
      const rows = await this.#table.getMany(
        absent.map((item) => keys.body(shard, item)),
        { consistent },
      )
      const byKey = new Map(rows.map((row) => [row.pk, row]))
      for (const item of absent) {
        const row = byKey.get(keys.body(shard, item).pk)
        if (!row) continue
        const pages = PageItem.decode(row.d)
        found.set(item, pages)
        this.remember(shard, item, pages)
      }
    }
    const lost = missing.find((item) => !found.has(item))
    if (lost !== undefined) throw new BodyMissing(keys.body(shard, lost).pk)
    return found
  }

  #forget(name: string): void {
    const known = this.#known.get(name)
    if (!known) return
    this.#known.delete(name)
    this.#bytes -= known.size
  }
}

const nameOf = (shard: number, item: ItemId): string => `${shard}#${item}`
