import type { Table } from '../client/table.ts'
import type { IntakeReader } from '../intake/intake-reader.ts'
import type { Disk } from './disk.ts'
import { type Journal, Superseded } from './journal.ts'
import type { Effects, Operation } from './operations.ts'
import { type Ownership, publishSnapshot } from './owner-item.ts'
import type { Segments } from './segments.ts'
import { encodeState } from './snapshot-form.ts'
import { Snapshots } from './snapshots.ts'
import type { ShardState } from './state.ts'

/** A snapshot is due after so many records, … */
const records = 2_048
/** … after so many pages taken in, which the next owner would have to take in again, … */
const pages = 20_000
/** … or when the journal since is so many times larger than the last snapshot: it then costs a fraction of the journal. */
const timesLarger = 4
const leastBytes = 64 * 1024

/** The shard that is written down. */
export interface SnapshotSource {
  readonly home: { table: Table }
  readonly state: ShardState
  readonly intake: IntakeReader
  readonly effects: Map<string, Effects>
  readonly disk: Disk
  readonly segments: Segments
  readonly journal: Journal
  push(operation: Operation): Promise<unknown>
  abandon(error: unknown): void
}

/** Decides when a snapshot is due, and makes it while work goes on. */
export class Snapshotter {
  readonly #ownership: Ownership
  readonly #shard: SnapshotSource
  readonly #snapshots: Snapshots
  #slot: number
  #lastBytes = 0
  #bytes = 0
  #pages = 0
  #wanted: { resolve: () => void; reject: (error: unknown) => void }[] = []
  /** One is being made. */
  making = false

  constructor(table: Table, ownership: Ownership, shard: SnapshotSource) {
    this.#ownership = ownership
    this.#shard = shard
    this.#snapshots = new Snapshots(table, ownership.shard, ownership.epoch)
    this.#slot = ownership.snapshot?.slot ?? 1
  }

  tookIn(count: number): void {
    this.#pages += count
    if (this.#pages >= pages && !this.making) this.#nudge()
  }

  /** Resolves when what is in memory at this moment is in a snapshot. */
  now(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wanted.push({ resolve, reject })
      this.#nudge()
    })
  }

  /** Memory is just what the journal holds after record `n`. */
  onBoundary(n: number, bytes: number): void {
    this.#bytes += bytes
    if (this.making) return
    const due =
      this.#wanted.length > 0 ||
      this.#pages >= pages ||
      this.#shard.journal.uncovered >= records ||
      this.#bytes >= Math.max(leastBytes, timesLarger * this.#lastBytes)
    if (due) void this.#make(n)
  }

  async #make(n: number): Promise<void> {
    const { state, intake, effects, disk, journal } = this.#shard
    // All of this at once: the state must not change while it is written down.
    const text = JSON.stringify(encodeState(state, intake.position, effects.values()))
    const spent = disk.takeSpent()
    const wanted = this.#wanted.splice(0)
    const [bytes, pagesBefore] = [this.#bytes, this.#pages]
    this.making = true
    this.#bytes = 0
    this.#pages = 0
    try {
      const { bytes: size, ...place } = await this.#snapshots.write(text, n, 1 - this.#slot)
      await journal.reached(n)
      await publishSnapshot(this.#shard.home.table, this.#ownership, place)
      this.#slot = place.slot
      this.#lastBytes = Math.max(size, text.length / 4)
      journal.cover(n)
      for (const { resolve } of wanted) resolve()
      if (spent.length > 0) await this.#shard.segments.delete(spent)
    } catch (error) {
      for (const { reject } of wanted) reject(error)
      disk.spend(spent)
      this.#bytes += bytes
      this.#pages += pagesBefore
      if (error instanceof Superseded) this.#shard.abandon(error)
    } finally {
      this.making = false
      journal.retry()
      if (this.#wanted.length > 0) this.#nudge()
    }
  }

  /** A boundary comes only with a record: without work one is made. */
  #nudge(): void {
    this.#shard.push({ t: 'done', effects: '' }).catch((error: unknown) => {
      for (const { reject } of this.#wanted.splice(0)) reject(error)
    })
  }
}
