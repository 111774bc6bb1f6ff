/**
 * What a transaction that is held open does. Two databases on one PostgreSQL server have the same churn at the same time; in
 * one of them a transaction that has read a row of a table of its own stays open. Vacuum's horizon is per database, so the
 * other shows what the same minutes cost without it. `--minutes 30` (5), `--rate 2000` jobs a second in each database,
 * `--reads heads`: the transaction has read a row of a table of the queue's instead, which keeps compaction away.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { atEnd, closeAll, startPostgres } from './machines.ts'
import { hot, passing, type Sample, Side, sumOf } from './queue/held/side.ts'
import { option, pairedRow, quick, report, words } from './report.ts'

const minutes = option('minutes', quick ? 1 : 5)
const publishedMinutes = 30
const rate = option('rate', 2_000)
const [reads] = words('reads', ['own'])
const sampleMs = 15_000
/** Code is compiled and plans are made before the transaction opens. */
const warmUpMs = 10_000

const postgres = await startPostgres({ shared_preload_libraries: 'pg_stat_statements' })
try {
  const statements = await connect(postgres.url)
  await statements.query('create extension pg_stat_statements')
  const urls = { held: await postgres.database('held'), free: await postgres.database('free') }
  const held = await Side.start(urls.held, rate)
  const free = await Side.start(urls.free, rate)
  await sleep(warmUpMs)

  const holder = await connect(urls.held)
  await holder.query('create table a_row as select 1 as n')
  const before = await Promise.all([held.sample(statements, 0), free.sample(statements, 0)])
  await holder.query('begin isolation level repeatable read')
  await holder.query(`select * from ${reads === 'own' ? 'a_row' : `fairway_queue.${reads}`} limit 1`)
  const openedAt = performance.now()

  const samples: Pair[] = []
  for (let n = 1; n <= (minutes * 60_000) / sampleMs; n++) {
    await sleep(openedAt + n * sampleMs - performance.now())
    const at = (n * sampleMs) / 1_000
    const sample = { held: await held.sample(statements, at), free: await free.sample(statements, at) }
    samples.push(sample)
    console.log(
      `${at} s: ${(['held', 'free'] as const).map((side) => `${side} ${line(sample[side])}`).join(' | ')}`,
    )
  }
  await holder.query('commit')
  report(
    // Short trials must not replace the published figures.
    minutes >= publishedMinutes ? 'queue-held' : 'queue-held-short',
    [{ name: 'before', of: [{ held: before[0], free: before[1] }] }, ...thirds(samples)].flatMap(rows),
    { minutes, jobsPerSecond: rate, theTransactionReads: reads, samples },
  )
} finally {
  await closeAll()
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  atEnd(() => client.end())
  return client
}

interface Pair {
  held: Sample
  free: Sample
}

/** A minute each at the start, in the middle and at the end. */
function thirds(all: Pair[]): { name: string; of: Pair[] }[] {
  const length = Math.min(4, Math.ceil(all.length / 3))
  const middle = (all.length - length) >> 1
  return [
    { name: 'start', of: all.slice(0, length) },
    { name: 'middle', of: all.slice(middle, middle + length) },
    { name: 'end', of: all.slice(-length) },
  ].map(({ name, of }) => ({ name: `${name} (${of[0]!.held.at} to ${of.at(-1)!.held.at} s)`, of }))
}

function rows({ name, of }: { name: string; of: Pair[] }) {
  const row = (what: string, unit: string, pick: (sample: Sample) => number, target?: { atMost: number }) =>
    pairedRow(
      `${name}: ${what}`,
      unit,
      of.map((pair) => ({ ours: pick(pair.held), peer: pick(pair.free) })),
      'no transaction open',
      target,
    )
  return [
    row('claim, time in the server', 'ms', ({ claimMs }) => claimMs),
    row('buffers a claim looks at', '', ({ claimBuffers }) => claimBuffers),
    row('server time of all statements a job', 'ms', ({ serverMsPerJob }) => serverMsPerJob),
    row('dead versions of hot tables', 'rows', ({ dead }) => sumOf(dead, hot)),
    row('hot tables', 'MB', ({ megabytes }) => sumOf(megabytes, hot)),
    row('dead versions of pages and leases', 'rows', ({ dead }) => sumOf(dead, passing)),
    row('pages and leases', 'MB', ({ megabytes }) => sumOf(megabytes, passing)),
    row('jobs wait, p50', 'ms', ({ dwellP50 }) => dwellP50),
    row('jobs wait, p99', 'ms', ({ dwellP99 }) => dwellP99),
    row('jobs handled', 'jobs/s', ({ jobs }) => (jobs * 1_000) / sampleMs),
  ]
}

function line({ claimMs, claimBuffers, dead, megabytes, dwellP99, jobs }: Sample): string {
  const round = (value: number, digits = 0) => value.toFixed(digits)
  return (
    `claim ${round(claimMs, 2)} ms ${round(claimBuffers)} buffers, dead ${sumOf(dead, hot)} + ${sumOf(dead, passing)}, ` +
    `${round(sumOf(megabytes, hot))} + ${round(sumOf(megabytes, passing))} MB, p99 ${round(dwellP99)} ms, ${jobs} jobs`
  )
}
