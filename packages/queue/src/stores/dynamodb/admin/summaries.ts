import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import { packJson, unpackJson } from '../packing.ts'
import type { Shard } from '../shard/shard.ts'
import { numbersOf, type ShardNumbers } from './shard-numbers.ts'

/** How often an owner tells others of changed numbers: one small write per shard with traffic. */
const publishEveryMs = 5_000
/** The same where there is work that others must borrow. */
const soonMs = 900
/** Tenants told of, those with most waiting jobs: quotas of the others are not near. */
const tenantsTold = 200
/** Summaries of other owners' shards are read again after this long. */
const readEveryMs = 1_000

/** Numbers of shards, as their owners tell them: what a process knows of shards that it does not own. */
export class Summaries {
  readonly #table: Table
  readonly #published = new WeakMap<Shard, { text: string; at: number }>()
  #read: { at: number; byShard: Map<number, ShardNumbers> } | undefined
  #reading: Promise<Map<number, ShardNumbers>> | undefined

  constructor(table: Table) {
    this.#table = table
  }

  /** Tells of a shard's numbers, if they changed and were not told just now. */
  async publish(shard: Shard, { now = false, soon = false } = {}): Promise<void> {
    const last = this.#published.get(shard)
    if (!now && last && performance.now() - last.at < (soon ? soonMs : publishEveryMs)) return
    const numbers = numbersOf(shard.state)
    numbers.tenants.length = Math.min(numbers.tenants.length, tenantsTold)
    const text = JSON.stringify({ ...numbers, at: 0 })
    if (last?.text === text) return
    this.#published.set(shard, { text, at: performance.now() })
    await this.#table.put({ ...keys.summary(shard.number), shard: shard.number, d: await packJson(numbers) })
  }

  /** As of a few seconds ago, of every shard that ever had an owner. */
  async read(): Promise<Map<number, ShardNumbers>> {
    if (this.#read && performance.now() - this.#read.at < readEveryMs) return this.#read.byShard
    this.#reading ??= this.#table
      .query({ pk: keys.summaries(), consistent: false })
      .then((rows) => {
        const byShard = new Map(rows.map((row) => [Number(row.shard), unpackJson<ShardNumbers>(row.d)]))
        this.#read = { at: performance.now(), byShard }
        return byShard
      })
      .finally(() => {
        this.#reading = undefined
      })
    return this.#reading
  }
}
