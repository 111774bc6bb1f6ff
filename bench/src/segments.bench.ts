/**
 * Segments of one project with a million people and twenty million events.
 *
 * - counting: what a condition selects, exactly, against the quickest of several ways to write it in SQL by hand; and the
 *   estimate that somebody who builds a segment sees first.
 * - building: everybody looked at once.
 * - looking again: how many changed people a second are looked at, and in how much CPU time of this process and of
 *   PostgreSQL each, with 20 and with 200 segments; and how far that lags behind while they come at a fixed rate.
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { pino } from 'pino'
import { describe } from '../../apps/server/src/audience/conditions/describe.ts'
import { createSegment, deleteSegment } from '../../apps/server/src/audience/segments/change-segment.ts'
import { evaluateStep } from '../../apps/server/src/audience/segments/evaluate.ts'
import { previewSegment } from '../../apps/server/src/audience/segments/preview.ts'
import { storeSegmentEvents } from '../../apps/server/src/ingest/process-events.ts'
import type { App } from '../../apps/server/src/platform/app.ts'
import { readConfig } from '../../apps/server/src/platform/config.ts'
import { workTask } from '../../apps/server/src/platform/tasks/work.ts'
import { startServer } from '../../apps/server/src/server.ts'
import { taskKinds } from '../../apps/server/src/task-kinds.ts'
import { atEnd, closeAll, createProject, environment, startPostgres } from './machines.ts'
import { option, pairedRow, quick, type Row, report, runs } from './report.ts'
import { makeAudience, manySegments } from './segments/audience.ts'
import { counted } from './segments/counted.ts'
import { postgresCpu } from './segments/postgres-cpu.ts'

const people = option('people', quick ? 50_000 : 1_000_000)
const eventsPerPerson = option('events', 20)
const changed = option('changed', quick ? 10_000 : 100_000)
/** Of people who change at a steady rate. */
const changingPerSecond = option('rate', 10_000)
const changingFor = option('seconds', quick ? 5 : 60)
/** MB that PostgreSQL keeps in memory; the default is the embedded one's, which is small on purpose. */
const buffers = option('buffers', 128)

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

async function countRows(app: App, projectId: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const { name, condition, byHand } of counted) {
    const preview = (exact: boolean) =>
      app.expensiveReads.run({ projectId, narrow: '' }, (seat) =>
        previewSegment(seat, projectId, condition, { exact }),
      )
    const exact: { ours: number; peer: number }[] = []
    const estimates: { ours: number }[] = []
    // The first round fills the caches of both.
    for (let run = 0; run <= runs; run++) {
      let count = -1
      const ours = await seconds(async () => {
        count = (await preview(true)).count
      })
      const hands: number[] = []
      for (const sql of byHand) {
        hands.push(
          await seconds(async () => {
            const client = await app.pool.connect()
            try {
              // As tuned as ours.
              await client.query(`set work_mem = '64MB'`)
              const { rows } = await client.query<{ count: number }>(sql, [projectId, app.now()])
              if (Math.abs(rows[0]!.count - count) > people / 10_000)
                throw new Error(`${name}: ${count} by us, ${rows[0]!.count} by hand`)
            } finally {
              client.release(true)
            }
          }),
        )
      }
      const estimate = await seconds(() => preview(false))
      if (run === 0) continue
      exact.push({ ours, peer: Math.min(...hands) })
      estimates.push({ ours: estimate })
      console.log(name, { count, ours, hands, estimate })
    }
    rows.push(pairedRow(`exact count: ${name}`, 's', exact, 'best SQL by hand', { ratioAtMost: 1.5 }))
    rows.push(pairedRow(`estimate: ${name}`, 's', estimates, null, { atMost: 1 }))
  }
  return rows
}

async function buildAll(app: App, projectId: number): Promise<void> {
  const { rows } = await app.pool.query<{ id: number }>(
    `select id from tasks where project_id = $1 and state in ('waiting', 'running')`,
    [projectId],
  )
  const context = { signal: new AbortController().signal } as never
  for (const { id } of rows) {
    const state = async () =>
      (
        await app.pool.query<{ state: string }>('select state from tasks where project_id = $1 and id = $2', [
          projectId,
          id,
        ])
      ).rows[0]!.state
    do
      await workTask(app, taskKinds)(
        { tenant: String(projectId), data: { task: id }, attempt: 1 } as never,
        context,
      )
    while ((await state()) === 'running')
  }
}

/** Marks random people as changed, in rows as batches of 500 writers' items make them, and works through them. */
async function lookAgain(app: App, projectId: number, postmaster: number) {
  await app.pool.query(
    `insert into changed_people (project_id, people, event_people, event_names)
     select $1, array_agg(id), '{}', '{}'
     from (select id, row_number() over (order by hashint8(id)) as place from people where project_id = $1) as p
     where place <= $2 group by (place - 1) / 500`,
    [projectId, changed],
  )
  await app.pool.query('checkpoint')
  const own = process.cpuUsage()
  const theirs = postgresCpu(postmaster)
  const elapsed = await seconds(async () => {
    while (await evaluateStep(app, projectId, storeSegmentEvents));
  })
  const { user, system } = process.cpuUsage(own)
  return {
    perSecond: changed / elapsed,
    ownMs: (user + system) / 1_000 / changed,
    theirMs: (postgresCpu(postmaster) - theirs) / changed,
  }
}

/**
 * Random ones of those who changed before change at a steady rate. How long the last of them wait, and how many wait at the
 * worst moment.
 */
async function lookWhileTheyCome(app: App, projectId: number) {
  const { rows } = await app.pool.query<{ id: number }>(
    'select id from people where project_id = $1 order by hashint8(id) limit $2',
    [projectId, changed],
  )
  const begun = performance.now()
  let ended: number | undefined
  const coming = (async () => {
    for (let come = 0; come < changingFor * changingPerSecond; come += 500) {
      await pause(Math.max(0, begun + (come * 1_000) / changingPerSecond - performance.now()))
      const ids = Array.from({ length: 500 }, () => rows[Math.floor(Math.random() * rows.length)]!.id)
      await app.pool.query(
        `insert into changed_people (project_id, people, event_people, event_names) values ($1, $2, '{}', '{}')`,
        [projectId, ids],
      )
    }
    ended = performance.now()
  })()
  let maxWaiting = 0
  for (let left = 0; ended === undefined || left > 0; ) {
    if (!(await evaluateStep(app, projectId, storeSegmentEvents))) await pause(100)
    left = await waiting(app, projectId)
    maxWaiting = Math.max(maxWaiting, left)
  }
  await coming
  return { behind: (performance.now() - ended) / 1_000, maxWaiting }
}

async function waiting(app: App, projectId: number): Promise<number> {
  const { rows } = await app.pool.query<{ people: number }>(
    `select coalesce(sum(cardinality(people)), 0)::integer as people from (
       select people from changed_people where project_id = $1
       union all select people from changed_batches where project_id = $1) as w`,
    [projectId],
  )
  return rows[0]!.people
}

/** One segment of each kind, everybody looked at. */
async function buildRows(app: App, projectId: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const [place, conditions] of manySegments(5).entries()) {
    const { id } = await createSegment(app, projectId, { name: `Built ${place}`, conditions })
    const building = await seconds(() => buildAll(app, projectId))
    rows.push(pairedRow(`build: ${describe(conditions)}`, 'people/s', [{ ours: people / building }], null))
    await deleteSegment(app, [], projectId, id)
  }
  return rows
}

async function againRows(app: App, projectId: number, postmaster: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const segments of [20, 200]) {
    const made: number[] = []
    for (const [place, conditions] of manySegments(segments).entries())
      made.push(
        (await createSegment(app, projectId, { name: `Segment ${segments} ${place}`, conditions })).id,
      )
    // The first round, which is not measured, does for those who change what a build does for everybody: no events.
    await app.pool.query(`update tasks set state = 'cancelled' where project_id = $1`, [projectId])
    const measured: Awaited<ReturnType<typeof lookAgain>>[] = []
    for (let run = 0; run <= runs; run++) {
      const one = await lookAgain(app, projectId, postmaster)
      console.log({ segments, ...one })
      if (run > 0) measured.push(one)
      else {
        await app.pool.query(`update segments set state = 'ready' where project_id = $1`, [projectId])
        await app.pool.query('vacuum analyze segment_members')
      }
    }
    const steady = await lookWhileTheyCome(app, projectId)
    console.log({ segments, ...steady })
    const of = (member: keyof (typeof measured)[0]) => measured.map((one) => ({ ours: one[member] }))
    rows.push(
      pairedRow(`changed people, ${segments} segments`, 'people/s', of('perSecond'), null, {
        atLeast: 10_000,
      }),
      pairedRow(`one of them, ${segments} segments: this process`, 'ms CPU', of('ownMs'), null, {
        atMost: 2,
      }),
      pairedRow(`one of them, ${segments} segments: PostgreSQL`, 'ms CPU', of('theirMs'), null, {
        atMost: 2,
      }),
    )
    const steadyName = `${changingPerSecond} changed people/s for ${changingFor} s, ${segments} segments`
    rows.push(
      pairedRow(`${steadyName}: behind at the end`, 's', [{ ours: steady.behind }], null),
      pairedRow(`${steadyName}: most waiting`, 'people', [{ ours: steady.maxWaiting }], null),
    )
    for (const id of made) await deleteSegment(app, [], projectId, id)
    // Housekeeping does it in steps.
    await app.pool.query('truncate segment_members, segment_due')
  }
  return rows
}

const postgres = await startPostgres({ shared_buffers: `${buffers}MB` })
try {
  const url = await postgres.database('fairway_segments')
  const { project } = await createProject(url, 'bench')
  const projectId = Number(project.id)
  const database = new pg.Pool({ connectionString: url, max: 2 })
  const making = await seconds(() => makeAudience(database, projectId, people, eventsPerPerson))
  console.log(`made ${people} people and ${people * eventsPerPerson} events in ${Math.round(making)} s`)
  await database.end()
  const config = readConfig({ ...environment(url), FAIRWAY_PORT: '0', FAIRWAY_ROLE: 'api' })
  const server = await startServer(config, pino({ level: 'warn' }, pino.destination(2)))
  atEnd(server.close)
  const rows = [
    ...(await countRows(server.app, projectId)),
    ...(await buildRows(server.app, projectId)),
    ...(await againRows(server.app, projectId, postgres.pid)),
  ]
  report(people < 1_000_000 ? 'segments-short' : buffers === 128 ? 'segments' : 'segments-buffers', rows, {
    people,
    events: people * eventsPerPerson,
    changed,
    buffers,
    runs,
  })
} finally {
  await closeAll()
}
