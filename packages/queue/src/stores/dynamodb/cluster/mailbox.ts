import { randomBytes } from 'node:crypto'
import type { Json } from '../../../api/types.ts'
import { pause } from '../client/retrying.ts'
import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import { packJson, unpackJson } from '../packing.ts'
import type { ShardSettlement } from '../shard/settling.ts'
import type { Loan } from './lending.ts'

/** What one process asks of a shard's owner in another. */
export type Question =
  | { ask: 'settle'; settlement: ShardSettlement }
  | { ask: 'lend'; loan: Loan }
  | { ask: 'unlend'; lease: number }
  | { ask: 'purge'; tenant: string }
  | { ask: 'count' }
  | { ask: 'dump'; limit: number }
  | { ask: 'drop'; refs: string[] }

export type Answer = { ok: true; value: Json } | { ok: false; error: string }

/** Letters that were never fetched go by TTL. */
const keepS = 3_600

/**
 * Questions to the owners of shards, over the table: few operations need it (a settlement of what was claimed before its
 * shard moved to another process, a purge). A question may be answered twice, when its owner dies in between.
 */
export class Mailbox {
  readonly #table: Table
  readonly #nowS: () => number

  constructor(table: Table, now: () => number) {
    this.#table = table
    this.#nowS = () => Math.ceil(now() / 1_000)
  }

  /** Posts a question; the function it returns looks for the answer. */
  async ask(
    shard: number,
    question: Question,
  ): Promise<{ answer: () => Promise<Answer | undefined>; take: () => Promise<void> }> {
    const id = randomBytes(12).toString('base64url')
    await this.#table.put({ ...keys.mail(shard, id), d: await packJson(question), ttl: this.#nowS() + keepS })
    // The owner looks at this item anyway, for new tickets.
    await this.#table.update(keys.intake(shard), { text: 'ADD #mails :one', values: { ':one': 1 } })
    return {
      answer: async () => {
        const row = await this.#table.get(keys.reply(id))
        return row && unpackJson<Answer>(row.d)
      },
      take: async () => {
        await Promise.all([this.#table.delete(keys.mail(shard, id)), this.#table.delete(keys.reply(id))])
      },
    }
  }

  /** Answers everything that was asked of a shard. */
  async answer(shard: number, answer: (question: Question) => Promise<Json>): Promise<void> {
    for (const row of await this.#table.query({ pk: keys.mails(shard) })) {
      const reply = await answer(unpackJson<Question>(row.d)).then(
        (value): Answer => ({ ok: true, value }),
        (error: Error): Answer => ({ ok: false, error: error.message }),
      )
      await this.#table.put({ ...keys.reply(row.sk), d: await packJson(reply), ttl: this.#nowS() + keepS })
      await this.#table.delete(row)
    }
  }
}

/** Pauses between two looks for an answer. */
export const patience = (attempt: number): Promise<void> => pause(Math.min(200, 10 * 1.5 ** attempt))
