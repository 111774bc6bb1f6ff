import type { Json } from '../../../api/types.ts'
import type { ClaimedPage, LaneRequest } from '../../store.ts'
import type { Summaries } from '../admin/summaries.ts'
import { pause } from '../client/retrying.ts'
import type { Bodies } from '../items/bodies.ts'
import { fromLine } from '../shard/stored-page.ts'
import type { LentPage } from './lending.ts'
import type { Question } from './mailbox.ts'
import type { LocalSession } from './sessions.ts'

/** Pauses after a question that brought nothing, doubled each time: a question costs about six write units. */
const pauses = { shortest: 500, longest: 16_000 }
/** What was asked for and does not come before a worker closes goes back when its session is found gone. */
const closingMs = 3_000

interface Parts {
  isOwn(shard: number): boolean
  summaries: Summaries
  bodies: Bodies
  nextLease(): number
  ask(shard: number, question: Question): Promise<Json>
  wake(): void
}

interface Account {
  borrowing: Promise<void> | undefined
  notBefore: number
  pauseMs: number
  /** Arrived, and not handed out yet. */
  arrived: ClaimedPage[]
}

/**
 * Gets work from other processes' shards for a worker that found none in its own: so a tenant with more work than one
 * process can do is served by all. It takes a few hundred milliseconds and happens beside the claims, which return empty
 * meanwhile; a wake-up tells when something arrived.
 */
export class Borrower {
  readonly #parts: Parts
  readonly #accounts = new WeakMap<LocalSession, Account>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** What arrived for the worker; if nothing did, it is looked for. */
  claim(session: LocalSession, requests: LaneRequest[]): ClaimedPage[] {
    const account = this.#accountOf(session)
    if (account.arrived.length > 0) return account.arrived.splice(0)
    if (!account.borrowing && performance.now() >= account.notBefore)
      account.borrowing = this.#borrow(session, account, requests)
        .catch((): false => false)
        .then((got) => {
          // As long as nobody has anything nothing is asked, so that looking again costs next to nothing.
          if (got !== false) account.pauseMs = pauses.shortest
          account.notBefore = got ? 0 : performance.now() + account.pauseMs
          if (got === false) account.pauseMs = Math.min(pauses.longest, account.pauseMs * 2)
          account.borrowing = undefined
        })
    return []
  }

  /** The worker closes: what it never got goes back. */
  async giveBack(session: LocalSession): Promise<void> {
    const account = this.#accounts.get(session)
    if (account?.borrowing) await Promise.race([account.borrowing, pause(closingMs)])
    for (const lease of new Set(account?.arrived.splice(0).map((page) => page.lease)))
      await this.#return(session, lease)
  }

  async #return(session: LocalSession, lease: number): Promise<void> {
    for (const shard of session.leases.get(lease) ?? [])
      await this.#parts.ask(shard, { ask: 'unlend', lease })
    session.leases.delete(lease)
  }

  /** Undefined: nobody has anything. False: it was gone when it was asked for. */
  async #borrow(
    session: LocalSession,
    account: Account,
    requests: LaneRequest[],
  ): Promise<boolean | undefined> {
    const shard = await this.#fullest(requests.map(({ lane }) => lane))
    if (shard === undefined) return undefined
    const lease = this.#parts.nextLease()
    // Known before it exists, so that it is not taken for one that was never told.
    session.leases.set(lease, new Set([shard]))
    const loan = { worker: session.worker, lease, requests }
    const lent = await this.#askUntilAnswered(session, shard, { ask: 'lend', loan })
    if (lent.length === 0) {
      session.leases.delete(lease)
      return false
    }
    try {
      account.arrived.push(...(await this.#withBodies(shard, lease, lent)))
    } catch (error) {
      await this.#return(session, lease)
      throw error
    }
    this.#parts.wake()
    return true
  }

  /** The shard of another process with most work that could be claimed, as its owner last told. */
  async #fullest(lanes: string[]): Promise<number | undefined> {
    let fullest: { shard: number; jobs: number } | undefined
    for (const [shard, numbers] of await this.#parts.summaries.read()) {
      if (this.#parts.isOwn(shard)) continue
      const jobs = numbers.lanes.reduce(
        (sum, one) => sum + (lanes.includes(one.lane) ? one.claimableJobs : 0),
        0,
      )
      // Of several that are about equally full not all borrowers choose the same.
      const chance = jobs * (0.5 + Math.random())
      if (jobs > 0 && chance > (fullest?.jobs ?? 0)) fullest = { shard, jobs: chance }
    }
    return fullest?.shard
  }

  /** Once asked, pages may be leased to this worker: nobody else will get them before it is known whether they are. */
  async #askUntilAnswered(session: LocalSession, shard: number, question: Question): Promise<LentPage[]> {
    for (;;)
      try {
        return (await this.#parts.ask(shard, question)) as unknown as LentPage[]
      } catch (error) {
        if (session.ended) throw error
        await pause(pauses.shortest)
      }
  }

  async #withBodies(shard: number, lease: number, lent: LentPage[]): Promise<ClaimedPage[]> {
    const pages = lent.map(({ line }) => fromLine(line))
    const bodies = await this.#parts.bodies.readAvailable(shard, pages)
    return pages.flatMap(({ lane, tenant, stream, jobs, bytes, seq, readyAt, firstAt, done }, n) => {
      const body = bodies[n]
      // Ends with the worker's lease.
      if (body === undefined) return []
      const { cost, weight, grant, pace, cancels } = lent[n]!
      return [
        {
          ...{ lane, tenant, stream, jobs, bytes, body, lease, seq, readyAt, firstAt, done },
          ...{ cost, weight, grant, pace, cancels },
        },
      ]
    })
  }

  #accountOf(session: LocalSession): Account {
    let account = this.#accounts.get(session)
    if (!account) {
      account = { borrowing: undefined, notBefore: 0, pauseMs: pauses.shortest, arrived: [] }
      this.#accounts.set(session, account)
    }
    return account
  }
}
