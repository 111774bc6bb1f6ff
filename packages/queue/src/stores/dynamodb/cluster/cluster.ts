import { QueueUnavailable } from '../../../api/errors.ts'
import type { Json } from '../../../api/types.ts'
import type { Cancels } from '../admin/cancels.ts'
import type { Controls } from '../admin/controls.ts'
import type { Summaries } from '../admin/summaries.ts'
import type { Table } from '../client/table.ts'
import { performAll } from '../shard/effects.ts'
import { Superseded } from '../shard/journal.ts'
import type { Lanes } from '../shard/lanes.ts'
import { type Ownership, readOwner, readOwners, takeOver, unowned } from '../shard/owner-item.ts'
import { Shard, type ShardHome } from '../shard/shard.ts'
import { assign } from './assign.ts'
import { type Mailbox, patience, type Question } from './mailbox.ts'
import { Observer } from './observer.ts'
import type { Session, Sessions } from './sessions.ts'

/** How often a process looks who else is there: what a newcomer waits for its shards. */
const balanceEveryMs = 1_000
/** A shard of an owner without any session is free after it stood still for so long. */
const graceMs = 5_000
const unservedMs = 2_000
/** A question to an owner that nobody answers, and that nobody can be found to answer, ends so. */
const patienceMs = 10_000

interface Parts {
  table: Table
  shards: number
  home: ShardHome
  sessions: Sessions
  lanes: Lanes
  controls: Controls
  cancels: Cancels
  mailbox: Mailbox
  summaries: Summaries
  /** Takes in what waits in a shard's intake. */
  takeIn(shard: Shard): Promise<unknown>
}

/**
 * Shares the shards out between the living processes, without a leader: each computes from the list of worker sessions which
 * shards are its own, lets others go, and takes what is free or belongs to a dead one.
 */
export class Cluster {
  readonly owned = new Map<number, Shard>()
  readonly observer = new Observer()
  readonly #parts: Parts
  readonly #opening = new Map<number, Promise<void>>()
  /** Ownerships of unknown members, since when each has not changed. */
  readonly #strange = new Map<number, { owner: string; epoch: number; since: number }>()
  #balancing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #idleSince: number | undefined
  #volunteering = Number.NEGATIVE_INFINITY
  #lastLook: number | undefined
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get member(): string {
    return this.#parts.home.member
  }

  /** A session was opened: takes part from now on, and has its shards, as far as they are free, when this resolves. */
  async join(): Promise<void> {
    this.#timer ??= setInterval(() => void this.balance().catch(() => {}), balanceEveryMs).unref()
    // A look that began before the session was there does not know of it.
    await this.#balancing?.catch(() => {})
    await this.balance()
  }

  /** Somebody here does what only owners can, without a session: as long as nobody else works, this process owns all shards. */
  async volunteer(): Promise<void> {
    if (this.owned.size > 0 || this.#parts.sessions.local.size > 0) return
    this.#volunteering = performance.now()
    if (this.#lastLook !== undefined && performance.now() - this.#lastLook < balanceEveryMs) return
    this.#timer ??= setInterval(() => void this.balance().catch(() => {}), balanceEveryMs).unref()
    await this.balance()
  }

  /** No session is open any more. */
  async leave(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#balancing?.catch(() => {})
    await this.#releaseAll()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.leave()
  }

  balance(): Promise<void> {
    this.#balancing ??= this.#balance().finally(() => {
      this.#balancing = undefined
    })
    return this.#balancing
  }

  /**
   * Does something with a shard: here, if this process owns it, or by its owner elsewhere. Where nobody owns it, it is taken
   * for the time of the question.
   */
  async withShard<T extends Json | undefined>(
    shard: number,
    here: (shard: Shard) => Promise<T>,
    question: Question,
  ): Promise<T> {
    const own = this.owned.get(shard)
    if (own)
      try {
        return await here(own)
      } catch (error) {
        // Has another owner since: that one is asked.
        if (!(error instanceof Superseded)) throw error
      }
    const giveUpAt = performance.now() + patienceMs
    let asked: Awaited<ReturnType<Mailbox['ask']>> | undefined
    for (let attempt = 0; performance.now() < giveUpAt; attempt++) {
      if (attempt % 10 === 0) {
        const guest = await this.#openIfFree(shard)
        if (guest) {
          await asked?.take()
          asked = undefined
          try {
            return await this.#asGuest(guest, here)
          } catch (error) {
            if (!(error instanceof Superseded)) throw error
            continue
          }
        }
        asked ??= await this.#parts.mailbox.ask(shard, question)
      }
      await patience(attempt)
      const answer = await asked!.answer()
      if (!answer) continue
      await asked!.take()
      if (!answer.ok)
        throw new QueueUnavailable(`The owner of shard ${shard} answered: ${answer.error}`, 1_000)
      return answer.value as T
    }
    await asked?.take().catch(() => {})
    throw new QueueUnavailable(`The owner of shard ${shard} does not answer`, 1_000)
  }

  async #balance(): Promise<void> {
    const { sessions, table, shards, controls, lanes } = this.#parts
    const [rows, owners, paused] = await Promise.all([
      sessions.list(),
      readOwners(table),
      controls.pausedLanes(),
    ])
    for (const lane of new Set([...paused, ...lanes.all().map(({ name }) => name)]))
      lanes.get(lane).paused = paused.has(lane)
    this.#lastLook = performance.now()
    const members = this.#livingMembers(rows)
    if (members.size === 0 && performance.now() - this.#volunteering < graceMs) members.add(this.member)
    if (this.#closed || (await this.#isIdle(members))) return
    const targets = assign(shards, members)
    const owner = new Map(owners.map((ownership) => [ownership.shard, ownership]))
    const soon = this.#hasUnservedLane()
    const results = await Promise.allSettled(
      targets.map(async (target, shard) => {
        const current = owner.get(shard) ?? unowned(shard)
        const own = this.owned.get(shard)
        if (own) await this.#keepUp(own, current, target, soon)
        else if (target === this.member && this.#isFree(current, rows, members)) await this.#open(current)
      }),
    )
    // One shard that cannot be had for now must not keep the others from being served.
    for (const result of results) if (result.status === 'rejected') report(result.reason)
  }

  async #keepUp(own: Shard, current: Ownership, target: string, soon: boolean): Promise<void> {
    if (current.epoch > own.ownership.epoch) return own.abandon(new Superseded(own.number))
    if (target !== this.member) return this.#release(own)
    if (own.effects.size > 0) await performAll(own)
    await this.#parts.summaries.publish(own, { soon })
  }

  /** Work waits that no worker of this process asks for: workers elsewhere must learn of it. */
  #hasUnservedLane(): boolean {
    const now = performance.now()
    return this.#parts.lanes.all().some(({ heads, askedAt }) => heads.size > 0 && now - askedAt > unservedMs)
  }

  #livingMembers(rows: Session[]): Set<string> {
    const { living } = this.observer.observe(rows)
    return new Set(living.map(({ member }) => member))
  }

  /** Without a living session this process takes no part; what it still owns it leaves after a while. */
  async #isIdle(members: Set<string>): Promise<boolean> {
    if (members.has(this.member)) {
      this.#idleSince = undefined
      return false
    }
    this.#idleSince ??= performance.now()
    if (this.#parts.sessions.local.size === 0 && performance.now() - this.#idleSince > graceMs)
      await this.#releaseAll()
    return true
  }

  #isFree({ shard, owner, epoch }: Ownership, rows: Session[], members: Set<string>): boolean {
    if (owner === '' || owner === this.member) return true
    if (members.has(owner)) return false
    // All its sessions are known and silent.
    if (rows.some(({ member }) => member === owner) || this.observer.isDead(owner)) return true
    const seen = this.#strange.get(shard)
    if (seen?.owner === owner && seen.epoch === epoch) return performance.now() - seen.since > graceMs
    this.#strange.set(shard, { owner, epoch, since: performance.now() })
    return false
  }

  #open(from: Ownership): Promise<void> {
    const { shard } = from
    let opening = this.#opening.get(shard)
    if (!opening) {
      opening = this.#takeOver(from).finally(() => this.#opening.delete(shard))
      this.#opening.set(shard, opening)
    }
    return opening
  }

  async #takeOver(from: Ownership): Promise<void> {
    const { table, controls, cancels, home, sessions } = this.#parts
    for (let current: Ownership | undefined = from; current; ) {
      const ownership: Ownership | undefined = await takeOver(table, current, this.member)
      if (!ownership) return
      await Promise.all([controls.loadShard(from.shard), cancels.loadShard(from.shard)])
      const shard = await Shard.open(home, ownership)
      if (shard && !this.#closed) {
        this.owned.set(from.shard, shard)
        shard.begin()
        await performAll(shard)
        await unclaimUnanswered(shard, sessions)
        // What was appended before this process came is there when it starts to claim, unless it is very much.
        await this.#parts.takeIn(shard).catch(() => {})
        return
      }
      // Its last owner wrote something after we had read everything, or somebody else was faster.
      const now: Ownership = await readOwner(table, from.shard)
      current = now.epoch === ownership.epoch && !this.#closed ? now : undefined
    }
  }

  async #openIfFree(shard: number): Promise<Shard | undefined> {
    const [rows, current] = await Promise.all([
      this.#parts.sessions.list(),
      readOwner(this.#parts.table, shard),
    ])
    const members = this.#livingMembers(rows)
    if (this.owned.has(shard) || this.#isFree(current, rows, members)) {
      if (!this.owned.has(shard)) await this.#open(current)
      return this.owned.get(shard)
    }
    return undefined
  }

  async #asGuest<T>(shard: Shard, here: (shard: Shard) => Promise<T>): Promise<T> {
    try {
      return await here(shard)
    } finally {
      // A process that works keeps what it has; it may even be its own.
      if (this.#timer === undefined) await this.#release(shard)
    }
  }

  async #releaseAll(): Promise<void> {
    await Promise.all([...this.owned.values()].map((shard) => this.#release(shard)))
  }

  async #release(shard: Shard): Promise<void> {
    try {
      await this.#parts.summaries.publish(shard, { now: true })
      await shard.release()
    } catch (error) {
      // Whoever is next reads the journal.
      shard.abandon(error)
    }
  }

  /** Every session of this member is known to be silent. */
  isGone(member: string): boolean {
    return this.observer.isDead(member)
  }

  lost(shard: Shard): void {
    if (this.owned.get(shard.number) !== shard) return
    this.owned.delete(shard.number)
    this.#parts.controls.forgetShard(shard.number)
    this.#parts.cancels.forgetShard(shard.number)
  }
}

/** Leases of claims that this process began and never finished, because the shard was lost in between. */
async function unclaimUnanswered(shard: Shard, sessions: Sessions): Promise<void> {
  for (const [lease, { worker }] of [...shard.state.leases]) {
    const session = sessions.local.get(worker)
    if (session && !session.leases.get(lease)?.has(shard.number)) await shard.unclaim(lease)
  }
}

/** The store being away is nothing to report, and is tried again anyway. */
function report(error: unknown): void {
  if (!(error instanceof QueueUnavailable) && !(error instanceof Superseded))
    process.emitWarning(error as Error)
}
