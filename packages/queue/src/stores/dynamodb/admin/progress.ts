import type { Json } from '../../../api/types.ts'
import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import { keys, progressParts } from '../keys.ts'
import type { JobName } from './cancels.ts'

export type ProgressRow = JobName & { progress: Json }

/** The progress of jobs that ended goes with their settlement: this is for what workers left behind that died. */
const keepMs = 7 * 86_400_000

/** How far long jobs are. */
export class Progress {
  readonly #table: Table
  readonly #now: () => number

  constructor(table: Table, now: () => number) {
    this.#table = table
    this.#now = now
  }

  async save(rows: ProgressRow[]): Promise<void> {
    const last = new Map(rows.map((row) => [row.id, row]))
    await this.#table.putMany([...last.values()].map((row) => this.#rowOf(row)))
  }

  /** Only where there is none yet. */
  async saveNew(row: ProgressRow): Promise<void> {
    await this.#table.tryPut(this.#rowOf(row), { text: 'attribute_not_exists(pk)' })
  }

  async read(id: string): Promise<Json | undefined> {
    const row = await this.#table.get(keys.progress(id))
    return row && this.#isCurrent(row) ? progressOf(row).progress : undefined
  }

  async delete(ids: string[]): Promise<void> {
    await this.#table.deleteMany([...new Set(ids)].map((id) => keys.progress(id)))
  }

  async all(limit = Number.POSITIVE_INFINITY): Promise<ProgressRow[]> {
    const found: ProgressRow[] = []
    for (let part = 0; part < progressParts && found.length < limit; part++) {
      const rows = await this.#table.query({
        pk: keys.progresses(part),
        ...(Number.isFinite(limit) && { limit: limit - found.length }),
      })
      found.push(...rows.filter((row) => this.#isCurrent(row)).map(progressOf))
    }
    return found
  }

  async purge(tenant: string): Promise<void> {
    const rows = await this.all()
    await this.delete(rows.filter((row) => row.tenant === tenant).map(({ id }) => id))
  }

  #rowOf({ lane, tenant, id, progress }: ProgressRow): Row {
    const at = this.#now()
    const ttl = Math.ceil((at + keepMs) / 1_000)
    return { ...keys.progress(id), lane, tenant, progress: JSON.stringify(progress), at, ttl }
  }

  #isCurrent(row: Row): boolean {
    return Number(row.at) >= this.#now() - keepMs
  }
}

const progressOf = (row: Row): ProgressRow => ({
  ...{ lane: String(row.lane), tenant: String(row.tenant), id: row.sk },
  progress: JSON.parse(String(row.progress)) as Json,
})
