import type { Table } from '../client/table.ts'
import type { Commits } from '../intake/commits.ts'
import { keys } from '../keys.ts'
import { Lanes } from '../shard/lanes.ts'
import { type Loaded, loadShard } from '../shard/load.ts'
import { MemoryBudget } from '../shard/memory-budget.ts'
import { type Ownership, readOwner } from '../shard/owner-item.ts'
import { numbersOf, type ShardNumbers } from './shard-numbers.ts'

/** What was read is good for so long. */
const keepMs = 5_000
/** Pages known of all unowned shards together; what comes beyond is not counted. */
const maxPages = 100_000

interface Known {
  at: number
  /** Of which ownership this is the state; a new one is read from its beginning. */
  epoch: number
  loaded: Loaded | undefined
  numbers: ShardNumbers | undefined
}

/**
 * Numbers of shards that nobody owns at the moment, because no worker runs: read from what is stored, without owning them.
 * What is appended meanwhile is read once, when somebody asks.
 */
export class UnownedShards {
  readonly #table: Table
  readonly #commits: Commits
  readonly #now: () => number
  readonly #isGone: (owner: string) => boolean
  readonly #memory = new MemoryBudget(maxPages)
  readonly #known = new Map<number, Known>()
  readonly #reading = new Map<number, Promise<ShardNumbers | undefined>>()

  constructor(table: Table, commits: Commits, now: () => number, isGone: (owner: string) => boolean) {
    this.#table = table
    this.#commits = commits
    this.#now = now
    this.#isGone = isGone
  }

  /** Undefined: somebody owns it, and tells. */
  read(shard: number): Promise<ShardNumbers | undefined> {
    const known = this.#known.get(shard)
    if (known && performance.now() - known.at < keepMs) return Promise.resolve(known.numbers)
    let reading = this.#reading.get(shard)
    if (!reading) {
      reading = this.#read(shard, known)
        .catch(() => known?.numbers)
        .finally(() => this.#reading.delete(shard))
      this.#reading.set(shard, reading)
    }
    return reading
  }

  /** The shard is this process's own from now on. */
  forget(shard: number): void {
    this.#known.get(shard)?.loaded?.state.leave()
    this.#known.delete(shard)
  }

  async #read(shard: number, before: Known | undefined): Promise<ShardNumbers | undefined> {
    const ownership = await readOwner(this.#table, shard)
    if (ownership.owner !== '' && !this.#isGone(ownership.owner)) {
      this.forget(shard)
      this.#known.set(shard, {
        at: performance.now(),
        epoch: ownership.epoch,
        loaded: undefined,
        numbers: undefined,
      })
      return undefined
    }
    if (before?.epoch !== ownership.epoch) this.forget(shard)
    const loaded = this.#known.get(shard)?.loaded ?? (await this.#load(ownership))
    const intake = await this.#table.get(keys.intake(shard))
    // More than memory is for: what is known by now must do.
    await loaded.intake.catchUp(Number(intake?.tail ?? 0)).catch(() => {})
    const numbers = numbersOf(loaded.state)
    this.#known.set(shard, { at: performance.now(), epoch: ownership.epoch, loaded, numbers })
    return numbers
  }

  #load(ownership: Ownership): Promise<Loaded> {
    const around = { lanes: new Lanes(), memory: this.#memory, now: this.#now, controlsOf: () => ({}) }
    return loadShard(ownership, {
      ...{ table: this.#table, commits: this.#commits, around },
      room: async () => {
        if (this.#memory.tight) throw new Error('too much to be counted')
      },
    })
  }
}
