/**
 * Nine ways to take more than one's share of @fairway/queue, or to make it lose work, each beside tenants who add a job now
 * and then: how long these wait, with and without the attack, who was served, and whether every job was. PostgreSQL with
 * fsync on; producers and workers are processes.
 */
import { loadavg } from 'node:os'
import { closeAll, startPostgres } from './machines.ts'
import { scenarios } from './queue/scenarios/all.ts'
import { type Outcome, play } from './queue/scenarios/play.ts'
import { broken, missed, rowsOf } from './queue/scenarios/rows.ts'
import { quietMs, quietSource, slotsPerWorker, workers } from './queue/scenarios/scenario.ts'
import { scale } from './queue/scenarios/sizes.ts'
import { option, quick, report, words } from './report.ts'

const all = Object.keys(scenarios)

if (process.argv.includes('--help')) {
  console.log(`npm run bench -- queue-scenarios [--only a,b] [--quick] [--runs 1] [--scale 0.1]

--scale 1 is the full size: a million jobs in flood, noisy and moment, jobs of 30 s in slow, 100,000 tenants in churn, 220,000
jobs in retries, 20,000 payloads in giants, a million jobs in keys, 24 kills in kills. By estimate it takes half an hour. Without it a
tenth of that is run, where a tenth is enough to be a flood; with --quick less still.

At these sizes:
${all.map((name) => `  ${name.padEnd(8)} ${scenarios[name]!.about}`).join('\n')}`)
  process.exit(0)
}

const names = words('only', all)
const unknown = names.filter((name) => !scenarios[name])
if (unknown.length > 0) {
  console.error(`No scenario ${unknown.join(', ')}; there are: ${all.join(', ')}`)
  process.exit(2)
}
const runs = option('runs', 1)
const outcomes = new Map<string, Outcome[]>(names.map((name) => [name, []]))

try {
  const postgres = await startPostgres()
  for (let run = 1; run <= runs; run++)
    for (const name of names) {
      const startedAt = performance.now()
      outcomes.get(name)!.push(await play(postgres, name, scenarios[name]!))
      const seconds = Math.round((performance.now() - startedAt) / 1_000)
      console.log(`run ${run} of ${runs}: ${name}, ${scenarios[name]!.about}: ${seconds} s`)
    }
  const tables = names.map((name) => ({ name, rows: rowsOf(name, outcomes.get(name)!) }))
  report(
    // Some scenarios alone, or a quick trial, must not replace the figures of all.
    `queue-scenarios${names.length === all.length ? '' : `-${names.join('-')}`}${quick ? '-quick' : ''}`,
    tables.flatMap(({ rows }) => rows),
    {
      scale,
      runs,
      sizes: Object.fromEntries(names.map((name) => [name, scenarios[name]!.about])),
      workers: `${workers} processes with ${slotsPerWorker} slots each`,
      quiet: `${quietSource({ about: '', attack: [] }).perSecond} jobs/s of ${quietMs} ms, by 20 tenants (noisy: 180)`,
      // Others at work on the machine show here.
      loadAverage: loadavg().map((load) => Number(load.toFixed(1))),
      outcomes: Object.fromEntries(outcomes),
    },
  )
  for (const { name, rows } of tables) {
    const failed = missed(rows).map((row) => `${row.case.slice(name.length + 2)} ${row.ours} ${row.unit}`)
    console.log(`${name}: ${failed.length === 0 ? 'met' : `missed (${failed.join('; ')})`}`)
  }
  if ([...outcomes.values()].some(broken)) process.exitCode = 1
} finally {
  await closeAll()
}
