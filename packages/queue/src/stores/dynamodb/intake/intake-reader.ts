import type { Table } from '../client/table.ts'
import { inBatches } from '../client/table.ts'
import { PageItem } from '../items/page-item.ts'
import { keys } from '../keys.ts'
import type { Commits } from './commits.ts'

/** An item is given up this long after its ticket was seen: its producer died, or will draw another ticket. */
const patienceMs = 10_000
/** Items read with one request. */
const batchItems = 32

interface Arrived {
  pages: PageItem
  /** When it was appended, epoch ms. */
  at: number
}

interface Hooks {
  /** Takes in the pages of an item. */
  consume(ticket: number, pages: PageItem, at: number): void
  /** Resolves when there is room for more. */
  room(): Promise<void>
  now(): number
}

/**
 * The owner's side of a shard's intake: takes in items in the order of their tickets, each once. A ticket whose item is not
 * there yet is passed over and looked for again: its append had not ended when a later one ended, so that either may come
 * first. What was appended by this very process is offered directly and need not be read.
 */
export class IntakeReader {
  readonly #table: Table
  readonly #commits: Commits
  readonly #shard: number
  readonly #hooks: Hooks
  /** All tickets up to here are done with. */
  #cursor: number
  /** Done with beyond the cursor. */
  readonly #ahead: Set<number>
  /** The last ticket known to be drawn. */
  #tail: number
  /** Drawn by this process, whose append has not ended. */
  readonly #expected = new Set<number>()
  /** Offered by this process, waiting for items before it to be looked for. */
  readonly #offered = new Map<number, Arrived>()
  /** Read, but their append is not committed yet. */
  readonly #pending = new Map<number, Arrived & { commit: string; since: number }>()
  /** Drawn, but nothing is there yet. */
  readonly #missing = new Map<number, number>()
  #reading: Promise<void> | undefined
  #again = false
  #closed = false

  constructor(
    table: Table,
    commits: Commits,
    shard: number,
    from: { cursor: number; ahead: number[] },
    hooks: Hooks,
  ) {
    this.#table = table
    this.#commits = commits
    this.#shard = shard
    this.#hooks = hooks
    this.#cursor = from.cursor
    this.#ahead = new Set(from.ahead)
    this.#tail = Math.max(from.cursor, ...from.ahead)
  }

  /** What a snapshot must keep. */
  get position(): { cursor: number; ahead: number[] } {
    return { cursor: this.#cursor, ahead: [...this.#ahead] }
  }

  /** The highest ticket taken in. */
  get highest(): number {
    return Math.max(this.#cursor, ...this.#ahead)
  }

  /** What this process appended is being taken in behind what others appended: wait for it before looking. */
  get offers(): Promise<void> | undefined {
    return this.#offered.size > 0 ? this.#reading : undefined
  }

  /** Something was drawn and is not done with. */
  get behind(): boolean {
    return this.#missing.size + this.#pending.size + this.#offered.size > 0 || this.#tail > this.highest
  }

  /** This process has drawn these tickets. */
  expect(tickets: number[]): void {
    for (const ticket of tickets) {
      this.#expected.add(ticket)
      this.#tail = Math.max(this.#tail, ticket)
    }
  }

  /** The append of a ticket drawn by this process has ended well. */
  offer(ticket: number, pages: PageItem, at: number): void {
    if (this.#closed || this.#isDone(ticket)) return
    this.#expected.delete(ticket)
    this.#tail = Math.max(this.#tail, ticket)
    if (this.#nothingBefore(ticket)) this.#take(ticket, { pages, at })
    else {
      this.#offered.set(ticket, { pages, at })
      this.catchUp(this.#tail).catch(() => {})
    }
  }

  /** The append of a ticket drawn by this process has failed, perhaps after writing its item. */
  withdraw(ticket: number): void {
    this.#expected.delete(ticket)
  }

  /** Takes in everything up to ticket `tail` that is there. */
  catchUp(tail: number): Promise<void> {
    this.#tail = Math.max(this.#tail, tail)
    if (this.#reading) this.#again = true
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** Resolves when nothing is being read any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#reading?.catch(() => {})
  }

  async #readAll(): Promise<void> {
    do {
      this.#again = false
      await this.#readOnce()
    } while (this.#again && !this.#closed)
  }

  async #readOnce(): Promise<void> {
    const tail = this.#tail
    await this.#endPending()
    const unread: number[] = []
    for (let ticket = this.#cursor + 1; ticket <= tail; ticket++)
      if (!this.#isDone(ticket) && !this.#expected.has(ticket) && !this.#pending.has(ticket))
        unread.push(ticket)
    for (const tickets of inBatches(unread, batchItems)) {
      const arrived = await this.#read(tickets.filter((ticket) => !this.#offered.has(ticket)))
      for (const ticket of tickets) {
        const offered = this.#offered.get(ticket)
        if (offered) arrived.set(ticket, offered)
      }
      await this.#takeAll([...arrived])
    }
  }

  async #takeAll(arrived: [number, Arrived][]): Promise<void> {
    for (const [ticket, item] of arrived.sort(([a], [b]) => a - b)) {
      if (this.#closed) return
      if (this.#isDone(ticket)) continue
      this.#take(ticket, item)
      await this.#hooks.room()
    }
  }

  /** What of these tickets can be taken in; the others are remembered as missing or pending. */
  async #read(tickets: number[]): Promise<Map<number, Arrived>> {
    const arrived = new Map<number, Arrived>()
    if (tickets.length === 0) return arrived
    const rows = await this.#table.getMany(tickets.map((ticket) => keys.body(this.#shard, ticket)))
    const byKey = new Map(rows.map((row) => [row.pk, row]))
    const inCommit: number[] = []
    for (const ticket of tickets) {
      const row = byKey.get(keys.body(this.#shard, ticket).pk)
      if (!row) await this.#miss(ticket)
      else if (row.void) this.#done(ticket)
      else {
        const item = { pages: PageItem.decode(row.d), at: Number(row.at) }
        this.#missing.delete(ticket)
        if (row.commit === undefined) arrived.set(ticket, item)
        else {
          this.#pending.set(ticket, { ...item, commit: String(row.commit), since: performance.now() })
          inCommit.push(ticket)
        }
      }
    }
    if (inCommit.length > 0) for (const [ticket, item] of await this.#committed()) arrived.set(ticket, item)
    return arrived
  }

  /** A ticket without an item: void once its producer has had its time. From then on nothing can come under it. */
  async #miss(ticket: number): Promise<void> {
    const since = this.#missing.get(ticket)
    if (since === undefined) this.#missing.set(ticket, performance.now())
    else if (performance.now() - since > patienceMs) {
      const row = {
        ...keys.body(this.#shard, ticket),
        void: true,
        ttl: Math.ceil(this.#hooks.now() / 1_000) + 40 * 86_400,
      }
      const written = await this.#table.tryPut(row, { text: 'attribute_not_exists(pk)' })
      if (written.ok || written.row?.void) this.#done(ticket)
    }
  }

  /** Takes in what was committed since the last look, before anything that was appended after it. */
  async #endPending(): Promise<void> {
    if (this.#pending.size > 0) await this.#takeAll(await this.#committed())
  }

  /** Aborted ones are done with. */
  async #committed(): Promise<[number, Arrived][]> {
    const outcomes = await this.#commits.outcomes([...this.#pending.values()].map(({ commit }) => commit))
    const committed: [number, Arrived][] = []
    for (const [ticket, item] of [...this.#pending]) {
      let outcome = outcomes.get(item.commit)
      if (!outcome && performance.now() - item.since > patienceMs)
        outcome = await this.#commits.abort(item.commit, this.#hooks.now())
      if (outcome === 'committed') committed.push([ticket, item])
      if (outcome === 'aborted') this.#done(ticket)
      if (outcome) this.#pending.delete(ticket)
    }
    return committed
  }

  #take(ticket: number, { pages, at }: Arrived): void {
    this.#hooks.consume(ticket, pages, at)
    this.#done(ticket)
  }

  #done(ticket: number): void {
    this.#offered.delete(ticket)
    this.#missing.delete(ticket)
    this.#pending.delete(ticket)
    this.#expected.delete(ticket)
    this.#ahead.add(ticket)
    while (this.#ahead.delete(this.#cursor + 1)) this.#cursor++
  }

  #isDone(ticket: number): boolean {
    return ticket <= this.#cursor || this.#ahead.has(ticket)
  }

  /** Every ticket before it is done with, or belongs to an append of this process that goes on at the same time. */
  #nothingBefore(ticket: number): boolean {
    if (this.#reading || this.#pending.size > 0 || this.#offered.size > 0) return false
    for (let before = this.#cursor + 1; before < ticket; before++)
      if (!this.#isDone(before) && !this.#expected.has(before)) return false
    return true
  }
}
