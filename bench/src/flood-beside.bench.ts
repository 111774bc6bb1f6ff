/**
 * One project floods, another one is quiet: how long the quiet one's event takes to become a mail in an SMTP server, alone and
 * while the other sends at 70 % of what the server was just measured to process. Open loop: the flood keeps its rate whatever
 * the answers take. Server, workers, PostgreSQL, mail server and both senders share the machine.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { closeAll, createProject, startFairway, startPostgres, startProcess } from './machines.ts'
import { option, quick, type Row, report } from './report.ts'

const capacityEvents = option('capacity-events', quick ? 40_000 : 150_000)
const seconds = option('seconds', quick ? 10 : 60)
const perBatch = 100
const quietEveryMs = 100
/** The client of the capacity run stays this far ahead at most. */
const maxAhead = 50_000
const floodShare = 0.7

type Project = Awaited<ReturnType<typeof createProject>>
const basic = ({ trackingKey }: Project) => `Basic ${Buffer.from(`${trackingKey}:`).toString('base64')}`
const quantile = (values: number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!

const postgres = await startPostgres()
try {
  const url = await postgres.database('fairway_flood_beside')
  const flooding = await createProject(url, 'floods')
  const quiet = await createProject(url, 'is quiet')
  const { ready, child: sink } = await startProcess<{ port: number }>('./smtp-sink.ts', ['arrivals'])
  const fairway = await startFairway(url, {
    FAIRWAY_SMTP_URL: `smtp://127.0.0.1:${ready.port}?connections=5`,
    FAIRWAY_ALLOW_PRIVATE_NETWORKS: 'true',
  })
  const database = new pg.Pool({ connectionString: url, max: 2 })
  await setUp(quiet)

  let next = 0
  let refused = 0
  const batchOf = (n: number) =>
    JSON.stringify({
      batch: Array.from({ length: perBatch }, (_, index) => {
        const id = n * perBatch + index
        return {
          type: 'track',
          userId: `user-${(id * 7_919) % 20_000}`,
          event: 'Viewed item',
          properties: { sku: `sku-${id % 97}`, price: 19.99, position: id % 7 },
          messageId: `flood-${id}`,
          timestamp: new Date().toISOString(),
        }
      }),
    })
  const flood = async () => {
    const response = await fetch(`${fairway.url}/v1/batch`, {
      method: 'POST',
      headers: { authorization: basic(flooding), 'content-type': 'application/json' },
      body: batchOf(next++),
    })
    await response.arrayBuffer()
    return response.status
  }
  const processed = async () => {
    const { rows } = await database.query(
      `select coalesce(sum(value), 0)::int as count from counters where project_id = $1 and name = 'events'`,
      [flooding.project.id],
    )
    return Number(rows[0].count)
  }

  await quietMails(3)
  const alone = await quietMails(seconds / 2)

  const capacity = await measureCapacity()
  await settled()
  const rate = capacity * floodShare
  let flooded = 0
  const memory: number[] = []
  const floodingUntil = Date.now() + seconds * 1_000
  const startedAt = Date.now()
  const sampling = setInterval(() => memory.push(fairway.memory()), 1_000)
  const running = (async () => {
    const waiting = new Set<Promise<unknown>>()
    while (Date.now() < floodingUntil) {
      const due = Math.floor(((Date.now() - startedAt) / 1_000) * (rate / perBatch))
      for (; flooded + refused + waiting.size < due && waiting.size < 500; ) {
        const sent = flood()
          .then((status) => (status < 300 ? flooded++ : refused++))
          .catch(() => refused++)
          .finally(() => waiting.delete(sent))
        waiting.add(sent)
      }
      await sleep(2)
    }
    await Promise.all(waiting)
  })()
  const beside = await quietMails(seconds)
  await running
  clearInterval(sampling)
  const behind = next * perBatch - (await processed())
  await settled()
  await database.end()

  const row = (name: string, unit: string, ours: number, target?: Row['target']): Row => ({
    case: name,
    unit,
    ours: ours >= 100 ? Math.round(ours) : Number(ours.toPrecision(3)),
    peer: null,
    peerName: null,
    ratio: null,
    ...(target && { target }),
  })
  const aloneP99 = quantile(alone, 0.99)
  report(
    'flood-beside',
    [
      row('accepted and processed, closed loop', 'events/s', capacity),
      row('event to mail, p50, nobody floods', 'ms', quantile(alone, 0.5)),
      row('the same, p99', 'ms', aloneP99),
      row('event to mail, p50, beside a flood at 70 %', 'ms', quantile(beside, 0.5)),
      row('the same, p99', 'ms', quantile(beside, 0.99), { atMost: Math.max(100, 3 * aloneP99) }),
      row('flood: accepted of what was meant', '%', (100 * flooded * perBatch) / (rate * seconds)),
      row('flood: events that wait at its end', 'events', behind),
      row('memory of all processes meanwhile', 'MB', quantile(memory, 0.5), { atMost: 350 }),
    ],
    { rate, seconds, refused, quiet: { alone: alone.length, beside: beside.length } },
  )

  async function setUp({ project, secretKey }: Project): Promise<void> {
    const rest = async (method: string, path: string, body: unknown) => {
      const response = await fetch(`${fairway.url}/api/v1/projects/${project.id}${path}`, {
        method,
        headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as { id: number }
    }
    await rest('PATCH', '/settings', { mode: 'live' })
    const template = await rest('POST', '/templates', {
      name: 'Hello',
      fromAddress: 'Bench <bench@example.com>',
      subject: 'Hello {{ user.email }}',
      html: '<p>Hello {{ user.email }}</p>',
    })
    await rest('POST', '/campaigns', {
      name: 'At once',
      triggerEvent: 'Signed up',
      templateId: template.id,
      state: 'live',
    })
  }

  /** One event every 100 ms; resolves with the ms each took to arrive as a mail. */
  async function quietMails(forSeconds: number): Promise<number[]> {
    const sentAt = new Map<string, number>()
    const sends: Promise<unknown>[] = []
    const startedAt = Date.now()
    for (let n = 0; Date.now() - startedAt < forSeconds * 1_000; n++) {
      const email = `quiet-${startedAt}-${n}@example.com`
      sentAt.set(email, Date.now())
      sends.push(
        fetch(`${fairway.url}/v1/batch`, {
          method: 'POST',
          headers: { authorization: basic(quiet), 'content-type': 'application/json' },
          body: JSON.stringify({
            batch: [
              { type: 'identify', userId: email, traits: { email } },
              { type: 'track', userId: email, event: 'Signed up' },
            ],
          }),
        }).then((response) => response.arrayBuffer()),
      )
      await sleep(Math.max(0, startedAt + (n + 1) * quietEveryMs - Date.now()))
    }
    await Promise.all(sends)
    for (const giveUp = Date.now() + 120_000; ; await sleep(100)) {
      const answer = once(sink, 'message')
      sink.send('arrivals')
      const [{ arrivals }] = (await answer) as [{ arrivals: Record<string, number> }]
      const missing = [...sentAt.keys()].filter((email) => !(email in arrivals))
      if (missing.length === 0) return [...sentAt].map(([email, at]) => arrivals[email]! - at)
      if (Date.now() > giveUp) throw new Error(`${missing.length} mails of the quiet project did not arrive`)
    }
  }

  /** Events a second, accepted and processed, of a client that is never far ahead. */
  async function measureCapacity(): Promise<number> {
    const before = await processed()
    const startedAt = performance.now()
    let sent = 0
    let done = 0
    const looking = setInterval(async () => (done = (await processed()) - before), 250)
    const send = async () => {
      while (sent < capacityEvents) {
        while (sent - done > maxAhead) await sleep(20)
        sent += perBatch
        const status = await flood()
        if (status >= 300) throw new Error(`the capacity run was answered ${status}`)
      }
    }
    await Promise.all([send(), send(), send(), send()])
    while ((await processed()) - before < sent) await sleep(50)
    clearInterval(looking)
    return sent / ((performance.now() - startedAt) / 1_000)
  }

  async function settled(): Promise<void> {
    for (
      const giveUp = Date.now() + 300_000;
      (await processed()) < (next - refused) * perBatch;
      await sleep(200)
    )
      if (Date.now() > giveUp) throw new Error('the flood was not worked off')
  }
} finally {
  await closeAll()
}
