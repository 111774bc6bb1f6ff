/**
 * From accepted to fully processed: events come in over HTTP in batches of 100, the person is updated, the event stored,
 * 20 live campaigns are evaluated (one in a hundred events triggers one of them). Client, server and PostgreSQL share the
 * machine. Counted from the first request until the last event is processed.
 */
import pg from 'pg'
import { bareLoop } from './bare-pipeline.ts'
import { closeAll, createProject, type Fairway, startFairway, startPostgres } from './machines.ts'
import { median, option, pairedRow, quick, report, runs } from './report.ts'

const events = option('events', quick ? 50_000 : 200_000)
const longEvents = option('long', quick ? 100_000 : 2_000_000)
/** The client stays this far ahead at most, so that it is a steady stream and not one flood. */
const maxAhead = 50_000

interface Project {
  project: { id: string }
  trackingKey: string
  secretKey: string
}

async function setUpCampaigns(url: string, { project, secretKey }: Project): Promise<void> {
  const rest = async (path: string, body: unknown) => {
    const response = await fetch(`${url}/api/v1/projects/${project.id}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as { id: number }
  }
  const template = await rest('/templates', {
    name: 'Hello',
    fromAddress: 'Shop <hello@shop.example>',
    subject: 'Hello {{ user.email }}',
    html: '<p>Hello</p>',
  })
  for (let n = 0; n < 20; n++)
    await rest('/campaigns', {
      name: `Campaign ${n}`,
      triggerEvent: n === 0 ? 'Purchased item' : `Event ${n}`,
      templateId: template.id,
      wait: { kind: 'after', days: 30 },
      conditions: { person: 'plan', operator: 'equals', value: 'pro' },
      state: 'live',
    })
}

/** Returns events per second, and the server's memory sampled every second. */
async function stream(fairway: Fairway, database: pg.Pool, project: Project, total: number, run: string) {
  const authorization = `Basic ${Buffer.from(`${project.trackingKey}:`).toString('base64')}`
  const processed = async () => {
    const { rows } = await database.query(
      `select coalesce(sum(value), 0)::int as count from counters where project_id = $1 and name = 'events'`,
      [project.project.id],
    )
    return Number(rows[0].count)
  }
  const before = await processed()
  const memory: number[] = []
  let done = 0
  const startedAt = performance.now()
  const sampling = setInterval(async () => {
    memory.push(fairway.memory())
    done = (await processed()) - before
  }, 500)
  let next = 0
  const send = async () => {
    while (next < total) {
      while (next - done > maxAhead) await new Promise((resolve) => setTimeout(resolve, 20))
      const from = next
      next += 100
      const batch = Array.from({ length: 100 }, (_, n) => {
        const id = from + n
        return {
          type: 'track',
          userId: `user-${(id * 7_919) % 20_000}`,
          event: id % 100 === 0 ? 'Purchased item' : 'Viewed item',
          properties: { sku: `sku-${id % 97}`, price: 19.99, position: id % 7 },
          messageId: `${run}-${id}`,
          timestamp: new Date().toISOString(),
        }
      })
      const response = await fetch(`${fairway.url}/v1/batch`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ batch }),
      })
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      await response.arrayBuffer()
    }
  }
  await Promise.all([send(), send(), send(), send()])
  while ((done = (await processed()) - before) < total)
    await new Promise((resolve) => setTimeout(resolve, 50))
  const rate = (total / (performance.now() - startedAt)) * 1_000
  clearInterval(sampling)
  return { rate, memory }
}

const postgres = await startPostgres()
try {
  const url = await postgres.database('fairway_pipeline')
  const bareUrl = await postgres.database('bare')
  const project = await createProject(url, 'bench')
  const fairway = await startFairway(url)
  await setUpCampaigns(fairway.url, project)
  const database = new pg.Pool({ connectionString: url, max: 1 })
  await stream(fairway, database, project, Math.min(events, 20_000), 'warm')

  const measured = []
  for (let run = 0; run < runs; run++) {
    const peer = await bareLoop(bareUrl, events)
    const { rate } = await stream(fairway, database, project, events, `run${run}`)
    measured.push({ ours: rate, peer })
  }
  const long = await stream(fairway, database, project, longEvents, 'long')
  const fifth = Math.max(1, Math.floor(long.memory.length / 5))
  const growth = median(long.memory.slice(-fifth)) / median(long.memory.slice(fifth, 2 * fifth))
  await database.end()

  report('pipeline', [
    pairedRow(
      'accepted to processed, 20 live campaigns',
      'events/s',
      measured,
      'plain loop: upsert people, insert events',
      {
        atLeast: 10_000,
      },
    ),
    pairedRow(
      `the same over ${longEvents.toLocaleString('en')} events`,
      'events/s',
      [{ ours: long.rate }],
      null,
      { atLeast: 10_000 },
    ),
    pairedRow('memory at the end of that', 'MB', [{ ours: median(long.memory.slice(-fifth)) }], null, {
      atMost: 250,
    }),
    pairedRow('memory, last fifth against second fifth', '×', [{ ours: growth }], null, { atMost: 1.1 }),
  ])
} finally {
  await closeAll()
}
