/**
 * kill -9 at random moments of processes that add, processes that work, and PostgreSQL itself. Afterwards every job whose
 * add resolved must have run, and only jobs whose end was not yet stored when something died may have run again.
 * `--kills 500`, `--seed 1`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, postgresStore } from '@fairway/queue'
import { atEnd, closeAll, startPostgres } from './machines.ts'
import { Cast } from './queue/crash-cast.ts'
import { judge, tell } from './queue/crash-verdict.ts'
import { randomFrom } from './random.ts'
import { option, pairedRow, quick, report } from './report.ts'

const kills = option('kills', quick ? 20 : 500)
const seed = option('seed', 1)
const maxPauseMs = 800
/** What dead workers held comes back when their lease ends. */
const drainMs = 60_000

const logs = mkdtempSync(join(tmpdir(), 'fairway-bench-crash-'))
atEnd(() => rmSync(logs, { recursive: true, force: true }))
const postgres = await startPostgres()
try {
  const url = await postgres.database('queue_crash')
  const queue = createQueue({ store: postgresStore({ connectionString: url }) })
  await queue.migrate()
  const cast = new Cast(url, logs, postgres)
  await cast.start()
  const random = randomFrom(seed)
  for (let kill = 1; kill <= kills; kill++) {
    await sleep(random() * maxPauseMs)
    await cast.killOne(random())
    if (kill % 20 === 0) console.log(`${kill} kills`)
  }
  await cast.stopAdding()

  const leftOver = async () =>
    (await queue.stats()).reduce(
      (sum, lane) => sum + lane.waitingJobs + lane.scheduledJobs + lane.leasedJobs,
      0,
    )
  const giveUpAt = Date.now() + drainMs
  // PostgreSQL may be on its way back still.
  while ((await leftOver().catch(() => 1)) > 0 && Date.now() < giveUpAt) await sleep(200)
  const left = await leftOver()
  const dead = (await queue.stats()).reduce((sum, lane) => sum + lane.deadJobs, 0)
  await queue.close()
  await cast.close()

  const verdict = judge(logs, cast.deaths)
  const plain = (name: string, unit: string, ours: number) => pairedRow(name, unit, [{ ours }], null)
  const mustBeNone: [string, number[] | number][] = [
    ['jobs lost of those whose add resolved', verdict.lost],
    ['jobs run again although their end was stored', verdict.acknowledgedAgain],
    ['jobs run again although nothing died', verdict.unexplained],
    ['jobs run that nobody added', verdict.neverAsked],
    ['jobs given up', dead],
    ['jobs left over', left],
  ]
  const sizeOf = (found: number[] | number) => (typeof found === 'number' ? found : found.length)
  report('queue-crash', [
    ...Object.entries(cast.kills).map(([role, count]) => plain(`kill -9 of ${role}`, 'kills', count)),
    plain('jobs whose add resolved', 'jobs', verdict.resolved.length),
    plain('jobs whose add was cut off by a kill', 'jobs', verdict.inDoubt.length),
    plain('of these, stored and run', 'jobs', verdict.inDoubtRan.length),
    plain('jobs whose add was refused', 'jobs', verdict.refused.length),
    plain('of these, stored and run: the commit was made, its reply lost', 'jobs', verdict.refusedRan.length),
    plain('handler calls', 'calls', verdict.calls),
    plain(
      'handler calls that repeat one, its end not stored when something died',
      'calls',
      verdict.again.length,
    ),
    ...mustBeNone.map(([name, found]) =>
      pairedRow(name, 'jobs', [{ ours: sizeOf(found) }], null, { atMost: 0 }),
    ),
  ])
  for (const [name, found] of mustBeNone) {
    if (sizeOf(found) === 0) continue
    console.error(`\n${name}: ${sizeOf(found)}`)
    if (typeof found !== 'number')
      for (const n of found.slice(0, 3)) console.error(`job ${n}\n${tell(logs, cast.deaths, n)}`)
    process.exitCode = 1
  }
} finally {
  await closeAll()
}
