import { pause } from '../client/retrying.ts'
import type { Row } from '../client/rows.ts'
import type { Table, TransactPart } from '../client/table.ts'
import { keys } from '../keys.ts'

export type Outcome = 'committed' | 'aborted'

/** How long one who meets an append under way waits for its end before it ends it. */
const patienceMs = 1_000
/** An aborted append is asked about for as long as its items may lie unread. */
const keepAbortedS = 40 * 86_400

/**
 * An append of several items happened when its commit record says so; the record is written last, once, by whoever is first:
 * the producer to commit, or somebody who waited for it in vain to abort. What has no record yet is not there.
 */
export class Commits {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** For a transaction: what makes the append happen together with other changes. */
  part(id: string, ttl: number): TransactPart {
    return { put: rowOf(id, 'committed', ttl), when: { text: 'attribute_not_exists(pk)' } }
  }

  /** `ttl` must not come before anything that refers to the append is gone. Returns what became of the append. */
  commit(id: string, ttl: number): Promise<Outcome> {
    return this.#decide(rowOf(id, 'committed', ttl))
  }

  abort(id: string, now: number): Promise<Outcome> {
    return this.#decide(rowOf(id, 'aborted', Math.ceil(now / 1_000) + keepAbortedS))
  }

  async outcomes(ids: string[]): Promise<Map<string, Outcome>> {
    const rows = await this.#table.getMany([...new Set(ids)].map((id) => keys.commit(id)))
    return new Map(rows.map((row) => [String(row.id), row.outcome as Outcome]))
  }

  /** What became of an append, after giving it time to end by itself. */
  async settled(id: string, now: number): Promise<Outcome> {
    const giveUpAt = performance.now() + patienceMs
    for (let waitMs = 10; ; waitMs *= 2) {
      const outcome = (await this.outcomes([id])).get(id)
      if (outcome) return outcome
      if (performance.now() > giveUpAt) return this.abort(id, now)
      await pause(waitMs)
    }
  }

  async #decide(row: Row): Promise<Outcome> {
    const written = await this.#table.tryPut(row, { text: 'attribute_not_exists(pk)' })
    return (written.ok ? row.outcome : written.row?.outcome) as Outcome
  }
}

const rowOf = (id: string, outcome: Outcome, ttl: number): Row => ({ ...keys.commit(id), id, outcome, ttl })
