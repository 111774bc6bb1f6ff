import type { Json } from '../../../api/types.ts'
import type { Wake } from '../../store.ts'
import type { Cancels } from '../admin/cancels.ts'
import type { Controls } from '../admin/controls.ts'
import { pause } from '../client/retrying.ts'
import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import type { Shard } from '../shard/shard.ts'
import type { Mailbox, Question } from './mailbox.ts'

/** Pauses between two looks: while something comes, and when nothing has come for long. */
const pauses = { shortest: 25, longest: 250, growth: 1.3 }

interface Parts {
  table: Table
  owned: Map<number, Shard>
  controls: Controls
  cancels: Cancels
  mailbox: Mailbox
  answer(shard: Shard, question: Question): Promise<Json>
  wake(what: Wake): void
}

/** What an owner has seen of its shard's counters. */
interface Seen {
  tail: number
  mails: number
  marks: number
  controls: number
}

/**
 * Looks at the counters of the shards that this process owns, all with one request, for what other processes did: appends,
 * cancelled jobs, changed controls, questions. Half a read unit per shard and look.
 */
export class Poller {
  readonly #parts: Parts
  readonly #seen = new WeakMap<Shard, Seen>()
  #timer: NodeJS.Timeout | undefined
  #pauseMs: number = pauses.shortest
  #running = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#next()
  }

  stop(): void {
    this.#running = false
    clearTimeout(this.#timer)
  }

  /** Takes in what is there at this moment; `shards` are owned by this process. */
  async poll(shards: Shard[], { consistent = true, patienceMs = 2_000 } = {}): Promise<boolean> {
    if (shards.length === 0) return false
    const rows = await this.#parts.table.getMany(
      shards.map((shard) => keys.intake(shard.number)),
      { consistent },
    )
    const byKey = new Map(rows.map((row) => [row.pk, row]))
    const news = await Promise.all(
      shards.map(async (shard) => {
        const row = byKey.get(keys.intake(shard.number).pk)
        return row !== undefined && !shard.lost && (await this.#notice(shard, row, patienceMs))
      }),
    )
    return news.includes(true)
  }

  async #notice(shard: Shard, row: Row, patienceMs: number): Promise<boolean> {
    const { controls, cancels, mailbox, wake } = this.#parts
    const seen = this.#seen.get(shard) ?? { tail: 0, mails: 0, marks: 0, controls: 0 }
    const now = {
      tail: count(row.tail),
      mails: count(row.mails),
      marks: count(row.marks),
      controls: count(row.controls),
    }
    this.#seen.set(shard, now)
    try {
      if (now.controls > seen.controls) {
        await controls.loadShard(shard.number)
        for (const head of shard.state.heads.values()) shard.state.refresh(head)
      }
      if (now.marks > seen.marks) {
        await cancels.loadShard(shard.number)
        wake('cancelled')
      }
      const before = shard.intake.highest
      if (now.tail > before || shard.intake.behind)
        // Goes on if it takes longer: very much that is unread in one shard does not keep others from being looked at.
        await Promise.race([shard.intake.catchUp(now.tail), pause(patienceMs)])
      const came = shard.intake.highest > before
      if (came) {
        wake('ready')
        wake('scheduled')
      }
      if (now.mails > seen.mails)
        await mailbox.answer(shard.number, (question) => this.#parts.answer(shard, question))
      return came || now.mails > seen.mails
    } catch (error) {
      // To be looked at again.
      this.#seen.set(shard, seen)
      throw error
    }
  }

  #next(): void {
    if (!this.#running) return
    this.#timer = setTimeout(() => {
      this.poll([...this.#parts.owned.values()], { consistent: false, patienceMs: 200 })
        .catch(() => false)
        .then((news) => {
          this.#pauseMs = news ? pauses.shortest : Math.min(pauses.longest, this.#pauseMs * pauses.growth)
          this.#next()
        })
    }, this.#pauseMs).unref()
  }
}

const count = (value: unknown): number => Number(value ?? 0)
