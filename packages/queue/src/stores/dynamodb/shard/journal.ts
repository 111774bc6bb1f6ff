import { randomBytes } from 'node:crypto'
import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import { pack, unpackJson } from '../packing.ts'
import type { Operation } from './operations.ts'

/** Records of a journal. The ring is written over, which costs what writing costs: nothing need be deleted. */
export const ringRecords = 4_096
/** Writing waits for the snapshot that is being made when so much of the ring is in use. */
const mostUncovered = ringRecords - 256
/** Kept for the first records of new owners. */
const sealRecords = 16
/** Text of the operations of one record at most; what waits beyond goes with the next. */
const recordText = 200_000

export interface JournalRecord {
  n: number
  /** Every ticket up to which pages may be named in this record or before. */
  highest: number
  operations: Operation[]
}

interface Waiting {
  text: string
  resolve: () => void
  reject: (error: unknown) => void
}

interface Hooks {
  /** Called as often as the state in memory is just what the journal will hold after record `n`. */
  onBoundary(n: number, bytes: number): void
  /** Whether a snapshot is being made. */
  covering(): boolean
  /** The highest ticket taken in. */
  highest(): number
  /** Nothing more can be written: another owner has the shard, or the table is away. */
  onLost(error: unknown): void
}

/** Somebody else owns the shard. */
export class Superseded extends Error {
  constructor(shard: number) {
    super(`Shard ${shard} has another owner`)
  }
}

/**
 * What the owner of a shard did, in order, one record after the other. Each record takes a slot that must still hold the
 * record one ring's length before: so two owners can never both write a record of the same number, and one that was
 * superseded without noticing finds out at its next write, before anything it did counts. While a record is being written,
 * operations collect for the next.
 */
export class Journal {
  readonly #table: Table
  readonly #shard: number
  readonly #epoch: number
  readonly #hooks: Hooks
  readonly #begun: number
  #tail: number
  #durable: number
  #covered: number
  #waiting: Waiting[] = []
  #later: string[] = []
  #writing: Promise<void> | undefined
  #error: unknown
  #room: (() => void)[] = []

  constructor(
    table: Table,
    shard: number,
    from: { epoch: number; tail: number; covered: number },
    hooks: Hooks,
  ) {
    this.#table = table
    this.#shard = shard
    this.#epoch = from.epoch
    this.#begun = from.tail
    this.#tail = from.tail
    this.#durable = from.tail
    this.#covered = from.covered
    this.#hooks = hooks
  }

  get tail(): number {
    return this.#tail
  }

  /** Records since the last snapshot. */
  get uncovered(): number {
    return this.#tail - this.#covered
  }

  /** Resolves when the operation is in the table. */
  push(operation: Operation): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text: JSON.stringify(operation), resolve, reject })
      // Operations of the same turn of the event loop share a record.
      this.#writing ??= new Promise<void>((done) => setImmediate(done)).then(() => this.#writeAll())
    })
  }

  /** Goes with the next record, whenever that is. */
  pushLater(operation: Operation): void {
    this.#later.push(JSON.stringify(operation))
  }

  /** A snapshot holds everything up to record `n`: the slots before may be written over. */
  cover(n: number): void {
    this.#covered = Math.max(this.#covered, n)
  }

  /** A snapshot was made or failed: what waited for it goes on. */
  retry(): void {
    for (const resume of this.#room.splice(0)) resume()
  }

  /** Resolves when record `n`, which is being written, is in the table; rejects when it never will be. */
  async reached(n: number): Promise<void> {
    while (this.#durable < n) {
      if (this.#error !== undefined) throw this.#error
      await this.#writing
    }
  }

  /** Resolves when everything pushed so far is in the table or failed. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  /** Refuses everything from now on. */
  stop(error: unknown): void {
    this.#error ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#error)
    for (const resume of this.#room.splice(0)) resume()
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 && this.#error === undefined) {
      const batch = this.#take()
      try {
        if (this.uncovered >= mostUncovered) await this.#untilThereIsRoom()
        await this.#write(batch.texts)
        this.#durable = this.#tail
        for (const { resolve } of batch.waiting) resolve()
      } catch (error) {
        for (const { reject } of batch.waiting) reject(error)
        this.stop(error)
        this.#hooks.onLost(error)
      }
    }
    this.#writing = undefined
  }

  async #untilThereIsRoom(): Promise<void> {
    while (this.uncovered >= mostUncovered && this.#hooks.covering()) {
      await new Promise<void>((resume) => this.#room.push(resume))
      if (this.#error !== undefined) throw this.#error
    }
    // Snapshots have failed all the time while records have not. Whoever loads the shard anew tries once more.
    const reserved = this.#tail === this.#begun ? 0 : sealRecords
    if (this.uncovered >= ringRecords - reserved)
      throw new Error(`The journal of shard ${this.#shard} is full`)
  }

  #take(): { texts: string[]; waiting: Waiting[] } {
    let length = 0
    let end = 0
    while (
      end < this.#waiting.length &&
      (end === 0 || length + this.#waiting[end]!.text.length <= recordText)
    )
      length += this.#waiting[end++]!.text.length
    const waiting = this.#waiting.splice(0, end)
    const texts = [...this.#later.splice(0), ...waiting.map(({ text }) => text)]
    return { texts, waiting }
  }

  async #write(texts: string[]): Promise<void> {
    const n = this.#tail + 1
    // Read before anything is awaited: the memory is now what it is after this record.
    const whole = this.#waiting.length === 0
    const data = `{"highest":${this.#hooks.highest()},"operations":[${texts.join(',')}]}`
    this.#tail = n
    if (whole) this.#hooks.onBoundary(n, data.length)
    const nonce = randomBytes(6).toString('base64url')
    const row = {
      ...keys.journalSlot(this.#shard, n % ringRecords),
      ...{ n, nonce, epoch: this.#epoch, d: await pack(Buffer.from(data)) },
    }
    const written = await this.#table.tryPut(row, {
      text: 'attribute_not_exists(pk) or #n = :before',
      values: { ':before': n - ringRecords },
    })
    if (!written.ok && written.row?.nonce !== nonce) throw new Superseded(this.#shard)
  }
}

/** The records after `covered`, in order. */
export async function readJournal(table: Table, shard: number, covered: number): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  let next = covered + 1
  for (;;) {
    // From the slot of the next record to the end of the ring, then from its beginning.
    const slot = next % ringRecords
    const between: [string, string] = [
      keys.journalSlot(shard, slot).sk,
      keys.journalSlot(shard, ringRecords - 1).sk,
    ]
    const before = next
    read: for await (const rows of table.pages({ pk: keys.journal(shard), between, limit: readAhead }))
      for (const row of rows) {
        if (row.n !== next) break read
        records.push({ n: next, ...unpackJson<Omit<JournalRecord, 'n'>>(row.d) })
        next++
      }
    if (next - before < Math.min(readAhead, ringRecords - slot)) return records
  }
}

const readAhead = 512
