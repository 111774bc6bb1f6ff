import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import { packJson, unpackJson } from '../packing.ts'
import { fromLine, type Line, lineOf, type StoredPage } from './stored-page.ts'

/** Pages of a chunk, at most: about 8 KB packed. */
export const segmentPages = 512

/** Chunks of queues in the table. Each owner writes under names of its own (`epoch.n`), which no other one ever writes. */
export class Segments {
  readonly #table: Table
  readonly #shard: number

  constructor(table: Table, shard: number) {
    this.#table = table
    this.#shard = shard
  }

  async write(id: string, pages: StoredPage[]): Promise<void> {
    const lines = pages.map((page) => lineOf(page, true))
    await this.#table.put({ ...keys.segment(this.#shard, id), d: await packJson(lines) })
  }

  async read(id: string): Promise<StoredPage[]> {
    const row = await this.#table.get(keys.segment(this.#shard, id))
    if (!row) throw new Error(`The segment ${id} of shard ${this.#shard} is missing`)
    return unpackJson<Line[]>(row.d).map((line) => fromLine(line))
  }

  async delete(ids: string[]): Promise<void> {
    await this.#table.deleteMany(ids.map((id) => keys.segment(this.#shard, id)))
  }

  /** Removes what earlier owners left behind that died: all that is not in use and not of this owner. */
  async sweep(inUse: Set<string>, epoch: number): Promise<void> {
    for await (const rows of this.#table.pages({ pk: keys.segments(this.#shard), consistent: false })) {
      const left = rows.map((row) => row.sk).filter((id) => !inUse.has(id) && Number.parseInt(id, 10) < epoch)
      if (left.length > 0) await this.delete(left)
    }
  }
}
