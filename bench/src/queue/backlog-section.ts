import pg from 'pg'
import { pairedRow } from '../report.ts'
import type { Lab, Subject } from './lab.ts'
import { type Memory, watchMemory } from './memory.ts'
import { nameOf } from './names.ts'
import { type Section, Series } from './section.ts'
import { backlogJobs, backlogSeconds, peerBacklogJobs } from './sizes.ts'
import type { Kind } from './system.ts'

const fewJobs = 10_000
/**
 * With few as with many waiting, every stored page holds 50 jobs, and all tenants have work: a worker keeps a page of each
 * at hand, up to its `prefetchBytes`.
 */
const spread = { tenants: 200, perTenant: 50 }
/** They take 190 of the 200 pages of {@link fewJobs}. */
const claims = { warmUp: 10, count: 28 }
const perSecond = 2_000
/** Enough to have touched all of PostgreSQL's buffers, which would pass for growth otherwise. */
const warmUpJobs = Math.min(1_000_000, backlogJobs)
const onDisk = ['fairway', 'pg-boss', 'graphile-worker'] as const

interface Level extends Memory {
  claimMs: number
}

/** What waiting jobs cost: memory, disk, and time of a claim, with few and with many waiting. */
export function backlogSection(): Section {
  const few: Level[] = []
  const many: Level[] = []
  const disk = new Series<Kind>()
  const memoryPerJob = new Series<Kind>()
  const against = (pick: (level: Level) => number) =>
    many.map((level, run) => ({ ours: pick(level), peer: pick(few[run]!) }))
  const growth = (pick: (level: Level) => number) =>
    many.map((level, run) => ({ ours: pick(level) / pick(few[run]!) }))

  return {
    async measure(lab) {
      await lab.with('fairway', async (subject) => {
        await subject.run('warmUp', { jobs: warmUpJobs, spread })
        await subject.run('fill', { jobs: fewJobs, spread })
        few.push(await measureLevel(subject, fewJobs))
        await subject.run('fill', { jobs: backlogJobs, spread })
        const diskBytes = await bytesOnDisk(subject.url)
        disk.push('fairway', diskBytes / (await subject.run('left')))
        many.push(await measureLevel(subject, backlogJobs))
      })
      const growthBytes =
        (many.at(-1)!.store + many.at(-1)!.process - few.at(-1)!.store - few.at(-1)!.process) * 2 ** 20
      memoryPerJob.push('fairway', Math.max(0, growthBytes / backlogJobs))
      memoryPerJob.push('bullmq-everysec', await redisBytesPerJob(lab))
      for (const kind of onDisk.slice(1))
        disk.push(
          kind,
          await lab.with(kind, async (subject) => {
            const empty = await bytesOnDisk(subject.url)
            await subject.run('fill', { jobs: peerBacklogJobs, spread })
            return ((await bytesOnDisk(subject.url)) - empty) / peerBacklogJobs
          }),
        )
    },
    rows: () => [
      pairedRow(
        `memory of the process, ${waiting}`,
        'MB',
        against(({ process }) => process),
        atFew,
      ),
      pairedRow(
        'memory of the process, growth',
        '×',
        growth(({ process }) => process),
        null,
        { atMost: 1.1 },
      ),
      pairedRow(
        `memory of PostgreSQL, ${waiting}`,
        'MB',
        against(({ store }) => store),
        atFew,
      ),
      pairedRow(
        'memory of PostgreSQL, growth',
        '×',
        growth(({ store }) => store),
        null,
        { atMost: 1.1 },
      ),
      pairedRow(
        'memory per waiting job of 200 bytes',
        'bytes',
        memoryPerJob.pairs('fairway', 'bullmq-everysec'),
        nameOf['bullmq-everysec'],
      ),
      ...onDisk.slice(1).map((peer) =>
        pairedRow('disk per waiting job of 200 bytes', 'bytes', disk.pairs('fairway', peer), nameOf[peer], {
          atMost: 300,
        }),
      ),
      pairedRow(
        `claim of 5 pages, ${waiting}`,
        'ms',
        against(({ claimMs }) => claimMs),
        atFew,
      ),
      pairedRow(
        'claim of 5 pages, growth',
        '×',
        growth(({ claimMs }) => claimMs),
        null,
        { atMost: 1.2 },
      ),
    ],
  }
}

const waiting = `${backlogJobs.toLocaleString('en')} waiting`
const atFew = `${fewJobs.toLocaleString('en')} waiting`

async function measureLevel(subject: Subject, from: number): Promise<Level> {
  // A new process, so that neither level is about what filling it left on the heap.
  await subject.restart()
  await subject.settle()
  const busy = subject.run('keepBusy', { perSecond, seconds: backlogSeconds, spread, from })
  const memory = await watchMemory(subject.pid, subject.storePid, busy)
  return { ...memory, claimMs: await subject.run('claims', claims) }
}

async function bytesOnDisk(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ bytes: number }>(
    `select sum(pg_total_relation_size(c.oid))::float8 as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')`,
  )
  await client.end()
  return rows[0]!.bytes
}

function redisBytesPerJob(lab: Lab): Promise<number> {
  return lab.with('bullmq-everysec', async (subject) => {
    const measure = async () => {
      const { store } = await watchMemory(subject.pid, subject.storePid, subject.run('left'))
      return store * 2 ** 20
    }
    const empty = await measure()
    await subject.run('fill', { jobs: peerBacklogJobs, spread })
    return ((await measure()) - empty) / peerBacklogJobs
  })
}
