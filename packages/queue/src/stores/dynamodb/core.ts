import { randomBytes } from 'node:crypto'
import type { Json } from '../../api/types.ts'
import type { Wake } from '../store.ts'
import { Cancels } from './admin/cancels.ts'
import { Controls } from './admin/controls.ts'
import { DeadLetters } from './admin/dead-letters.ts'
import { Numbers, type Quotas } from './admin/numbers.ts'
import { Progress } from './admin/progress.ts'
import { RecentAppends } from './admin/recent-appends.ts'
import { Schedules } from './admin/schedules.ts'
import { sectionMovers } from './admin/sections.ts'
import { numbersOf } from './admin/shard-numbers.ts'
import { Summaries } from './admin/summaries.ts'
import { UnownedShards } from './admin/unowned-shards.ts'
import { nextLease } from './claiming.ts'
import type { StoreClock } from './client/store-clock.ts'
import type { Table } from './client/table.ts'
import { Borrower } from './cluster/borrower.ts'
import { Cluster } from './cluster/cluster.ts'
import { lend } from './cluster/lending.ts'
import { Mailbox, type Question } from './cluster/mailbox.ts'
import { Poller } from './cluster/poller.ts'
import { Sessions } from './cluster/sessions.ts'
import { Appender } from './intake/appender.ts'
import { Commits } from './intake/commits.ts'
import { UniqueKeys } from './intake/unique-keys.ts'
import { Blobs } from './items/blobs.ts'
import { Bodies } from './items/bodies.ts'
import { keys } from './keys.ts'
import { Lanes } from './shard/lanes.ts'
import { MemoryBudget } from './shard/memory-budget.ts'
import { purge } from './shard/purging.ts'
import { dropScheduled, dumpScheduled, shardOfRef } from './shard/scheduled.ts'
import { settle } from './shard/settling.ts'
import type { Shard, ShardHome } from './shard/shard.ts'

export interface CoreOptions {
  quotas: Quotas
  cacheBytes: number
  keepDays: number
  /** Pages known in memory, see `MemoryBudget`. */
  pagesInMemory: number
  wake(what: Wake): void
}

export type Core = ReturnType<typeof makeCore>

/** All parts of the store, for a table of so many shards. */
export function makeCore(table: Table, clock: StoreClock, shards: number, options: CoreOptions) {
  const now = () => clock.now()
  const member = randomBytes(9).toString('base64url')
  const bodies = new Bodies(table, options)
  const blobs = new Blobs(table)
  const commits = new Commits(table)
  const uniqueKeys = new UniqueKeys(table, commits, shards)
  const controls = new Controls(table, shards)
  const cancels = new Cancels(table, shards, now)
  const progress = new Progress(table, now)
  const letters = new DeadLetters(table, shards, { bodies, blobs, appender: () => appender, now })
  const schedules = new Schedules(table, () => appender)
  const sessions = new Sessions(table, member)
  const mailbox = new Mailbox(table, now)
  const lanes = new Lanes()
  const memory = new MemoryBudget(options.pagesInMemory)
  const summaries = new Summaries(table)
  const recent = new RecentAppends(now)

  const home: ShardHome = {
    ...{ table, commits, bodies, blobs, member, lanes, memory, now },
    controlsOf: (tenant) => controls.of(tenant),
    bury: (shard, effects) => letters.bury(shard, effects),
    onLost: (shard) => cluster.lost(shard),
  }
  const cluster: Cluster = new Cluster({
    ...{ table, shards, home, sessions, lanes, controls, cancels, mailbox, summaries },
    takeIn: (shard) => {
      unowned.forget(shard.number)
      return poller.poll([shard])
    },
  })
  const appender: Appender = new Appender({
    ...{ table, clock, commits, uniqueKeys, blobs, bodies, shards },
    readerOf: (shard) => cluster.owned.get(shard)?.intake,
  })
  const { wake } = options
  const poller: Poller = new Poller({ table, owned: cluster.owned, controls, cancels, mailbox, answer, wake })
  const unowned = new UnownedShards(table, commits, now, (owner) => cluster.isGone(owner))
  const numbers = new Numbers({
    ...{ shards, cluster, controls, letters, summaries, recent, quotas: options.quotas, now },
    readUnowned: (shard) => unowned.read(shard),
  })
  const allShards = [...Array(shards).keys()]

  async function answer(shard: Shard, question: Question): Promise<Json> {
    switch (question.ask) {
      case 'settle':
        return [...(await settle(shard, question.settlement))]
      case 'lend': {
        const hasMarks = (lane: string, tenant: string) => cancels.has(lane, tenant)
        return (await lend(shard, lanes, hasMarks, question.loan)) as unknown as Json
      }
      case 'unlend':
        await shard.unclaim(question.lease)
        return null
      case 'purge':
        return purge(shard, question.tenant)
      case 'count':
        return remainingIn(shard)
      case 'dump':
        return (await dumpScheduled(shard, question.limit)) as unknown as Json
      case 'drop':
        await dropScheduled(shard, question.refs)
        return null
    }
  }

  /** Waiting, scheduled and leased jobs, after taking in all whose append has ended. */
  async function remainingIn(shard: Shard): Promise<number> {
    const intake = await table.get(keys.intake(shard.number))
    await shard.intake.catchUp(Number(intake?.tail ?? 0))
    return numbersOf(shard.state).lanes.reduce(
      (sum, lane) => sum + lane.waitingJobs + lane.scheduledJobs + lane.leasedJobs,
      0,
    )
  }

  /** Does what a question asks with the shard's owner, wherever that is. */
  const ask = (shard: number, question: Question): Promise<Json> =>
    cluster.withShard(shard, (own) => answer(own, question), question)

  const borrower = new Borrower({
    ...{ summaries, bodies, nextLease, ask },
    isOwn: (shard) => cluster.owned.has(shard),
    wake: () => wake('ready'),
  })

  const sections = sectionMovers({
    ...{
      table,
      shards,
      appender: () => appender,
      uniqueKeys,
      blobs,
      cancels,
      controls,
      letters,
      progress,
      schedules,
      now,
    },
    async dumpScheduled(limit) {
      const answers = await Promise.all(allShards.map((shard) => ask(shard, { ask: 'dump', limit })))
      const all = (answers as unknown as Awaited<ReturnType<typeof dumpScheduled>>[]).flat()
      return all.sort((a, b) => a.page.dueAt - b.page.dueAt).slice(0, limit)
    },
    async dropScheduled(refs) {
      const named = new Set(refs.map(shardOfRef))
      await Promise.all(
        [...named].map((shard) =>
          ask(shard, { ask: 'drop', refs: refs.filter((ref) => shardOfRef(ref) === shard) }),
        ),
      )
    },
  })

  return {
    ...{
      table,
      shards,
      bodies,
      blobs,
      uniqueKeys,
      controls,
      cancels,
      progress,
      letters,
      schedules,
      sessions,
      lanes,
    },
    ...{ cluster, appender, poller, borrower, numbers, recent, sections, ask, memory },
  }
}
