import type { NewPage } from '../../../pages/page.ts'
import type { Table } from '../client/table.ts'
import type { Commits } from '../intake/commits.ts'
import type { IntakeReader } from '../intake/intake-reader.ts'
import type { Blobs } from '../items/blobs.ts'
import type { Bodies, Part } from '../items/bodies.ts'
import { Disk } from './disk.ts'
import { Journal, Superseded } from './journal.ts'
import { type Loaded, loadShard } from './load.ts'
import { applySettle, applyUnclaim, type ClaimOperation, type Effects, type Operation } from './operations.ts'
import { giveUp, type Ownership } from './owner-item.ts'
import type { Taken } from './pick.ts'
import { Segments } from './segments.ts'
import { Snapshotter } from './snapshotter.ts'
import type { ShardState, Surroundings } from './state.ts'
import type { StoredPage } from './stored-page.ts'

/** What a shard needs of the process that owns it. */
export interface ShardHome extends Surroundings {
  table: Table
  commits: Commits
  bodies: Bodies
  blobs: Blobs
  member: string
  /** Puts dead letters where they are read. */
  bury(shard: number, letters: Effects): Promise<void>
  /** The shard is not this process's any more. */
  onLost(shard: Shard): void
}

/**
 * A shard in the hands of its owner. Everything is decided in memory and written to the journal; only what the journal took
 * has happened. When a write of the journal fails the whole state in memory is thrown away, and whoever owns the shard next
 * (often the same process) reads what really happened.
 */
export class Shard {
  readonly home: ShardHome
  readonly ownership: Ownership
  readonly state: ShardState
  readonly intake: IntakeReader
  readonly disk: Disk
  readonly segments: Segments
  readonly journal: Journal
  readonly #snapshots: Snapshotter
  /** Recorded, but not done yet. */
  readonly effects: Map<string, Effects>
  /** Dead workers whose work is still to be returned, and those of which it is being returned. */
  readonly gone = new Set<number>()
  readonly returning = new Set<number>()
  #names = 0
  #lost: unknown

  /** Reads the state of a shard that was just taken over, and shuts out its last owner. Undefined: was superseded. */
  static async open(home: ShardHome, ownership: Ownership): Promise<Shard | undefined> {
    const shard: { opened?: Shard; items: number } = { items: 0 }
    const loaded = await loadShard(ownership, {
      ...{ table: home.table, commits: home.commits, around: home },
      room: async () => shard.opened?.disk.room(),
      onItem: (pages) => (shard.opened ? shard.opened.#tookIn(pages) : (shard.items += pages)),
    })
    const opened = new Shard(home, ownership, loaded)
    shard.opened = opened
    try {
      // Shuts out the last owner. If that one wrote meanwhile, what was read is not the end: it is read again.
      await opened.journal.push({ t: 'seal', epoch: ownership.epoch, member: home.member })
    } catch (error) {
      opened.#leave(error)
      return undefined
    }
    opened.#tookIn(shard.items)
    return opened
  }

  /** From now on claims are served. */
  begin(): void {
    this.state.serving = true
    this.disk.begin()
    void this.segments.sweep(this.disk.inUse(), this.ownership.epoch).catch(() => {})
  }

  private constructor(home: ShardHome, ownership: Ownership, loaded: Loaded) {
    const { state, intake, tail, effects } = loaded
    const { table } = home
    const { shard, epoch, snapshot } = ownership
    this.home = home
    this.ownership = ownership
    this.state = state
    this.intake = intake
    this.effects = effects
    this.segments = new Segments(table, shard)
    this.disk = new Disk(state, this.segments, () => this.journal, this.nextName)
    this.#snapshots = new Snapshotter(table, ownership, this)
    const covered = snapshot?.covers ?? 0
    this.journal = new Journal(
      table,
      shard,
      { epoch, tail, covered },
      {
        onBoundary: (n, bytes) => this.#snapshots.onBoundary(n, bytes),
        covering: () => this.#snapshots.making,
        highest: () => intake.highest,
        onLost: (error) => this.#leave(error),
      },
    )
  }

  get number(): number {
    return this.ownership.shard
  }

  get lost(): boolean {
    return this.#lost !== undefined
  }

  /** A name that no other owner of this shard ever uses. */
  readonly nextName = (): string => `${this.ownership.epoch}.${++this.#names}`

  check(): void {
    if (this.#lost !== undefined) throw this.#lost
  }

  /** Writes bodies for which the journal is to have names. */
  write(pages: NewPage[]): Promise<Part[]> {
    return this.home.bodies.write(this.number, this.home.now(), pages, this.nextName)
  }

  /** What was picked of this shard's heads is leased, once this resolves. */
  async recordClaim(lease: number, worker: number, taken: Taken[]): Promise<void> {
    const limits = taken
      .filter(({ grant, pace }) => grant !== null || pace !== null)
      .map(({ head, grant, pace }): NonNullable<ClaimOperation['limits']>[number] => [
        ...([head.lane, head.tenant, grant] as const),
        pace ? head.pacedUntil! : null,
      ])
    const operation: ClaimOperation = {
      ...{ t: 'claim', lease, worker, at: this.home.now() },
      pages: taken.flatMap(({ pages }) =>
        pages.map(({ parts, seq }): ClaimOperation['pages'][number] => [
          parts.flatMap(({ item, entry }) => [item, entry]),
          seq,
        ]),
      ),
      ...(limits.length > 0 && { limits }),
    }
    await this.journal.push(operation)
  }

  /** A claim failed half-way: its pages wait again. */
  async unclaim(lease: number): Promise<void> {
    if (this.lost || !this.state.leases.has(lease)) return
    applyUnclaim(this.state, lease)
    await this.journal.push({ t: 'unclaim', lease })
  }

  /** Leased pages whose bodies are gone. */
  async endLost(lease: number, worker: number, pages: StoredPage[]): Promise<void> {
    const finished = pages.map(({ seq }): [number, number] => [lease, seq])
    const operation: Operation = { t: 'settle', worker, at: this.home.now(), finished }
    applySettle(this.state, operation)
    await this.journal.push(operation)
  }

  push(operation: Operation): Promise<void> {
    return this.journal.push(operation)
  }

  /** Resolves when all that is in memory now is in a snapshot. */
  snapshot(): Promise<void> {
    return this.#snapshots.now()
  }

  /** Leaves the shard to whoever wants it, with nothing to be done again. */
  async release(): Promise<void> {
    if (this.lost) return
    await this.intake.close()
    await this.snapshot()
    this.#leave(new Superseded(this.number))
    await giveUp(this.home.table, this.ownership)
  }

  /** Gives it up at once; its journal is read by the next owner. */
  abandon(error: unknown): void {
    this.#leave(error)
  }

  #tookIn(pages: number): void {
    this.#snapshots.tookIn(pages)
    this.disk.relieve()
  }

  #leave(error: unknown): void {
    if (this.lost) return
    this.#lost = error
    this.journal.stop(error)
    this.disk.close()
    void this.intake.close()
    this.state.leave()
    this.home.onLost(this)
  }
}
