/**
 * kill -9 of the server, again and again at random moments, while a client sends events and mails. Afterwards every
 * accepted event must be processed once, no mail may have arrived twice, and every message must be sent or listed as in
 * doubt. PostgreSQL and the SMTP sink live on. `--kills 100`, `--seed 1`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, postgresStore } from '@fairway/queue'
import pg from 'pg'
import { startSmtpSink } from '../../apps/server/test/messaging/messages/smtp-sink.ts'
import { eventsPerPurchase, people, type SteadyClient, startClient } from './crash-client.ts'
import { closeAll, createProject, freePort, startFairway, startPostgres } from './machines.ts'
import { randomFrom } from './random.ts'
import { option, pairedRow, quick, report } from './report.ts'

const kills = option('kills', quick ? 10 : 100)
const seed = option('seed', 1)
/** Long enough for kills to find mails between their claim and their outcome. */
const sinkDelayMs = 20
/** A killed worker's jobs come back when its lease ends, after 30 s. */
const drainMs = 180_000

/** Asks the project's REST API with its secret key. */
type Rest = (path: string, body?: unknown, method?: string) => Promise<Record<string, unknown>>

async function setUp(url: string, trackingKey: string, rest: Rest): Promise<void> {
  await rest('/settings', { mode: 'live' }, 'PATCH')
  const template = await rest('/templates', {
    name: 'Thanks',
    fromAddress: 'Shop <shop@example.com>',
    subject: 'event-{{ event.number }}',
    html: '<p>Thank you, {{ user.email }}</p>',
  })
  await rest('/campaigns', {
    name: 'Thanks',
    triggerEvent: 'Purchased item',
    templateId: template.id,
    state: 'live',
  })
  const response = await fetch(`${url}/v1/batch`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${trackingKey}:`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      batch: Array.from({ length: people }, (_, n) => ({
        type: 'identify',
        userId: `user-${n}`,
        traits: { email: `user-${n}@example.com` },
      })),
    }),
  })
  if (!response.ok) throw new Error(`people: ${response.status} ${await response.text()}`)
}

async function until(what: string, condition: () => Promise<boolean>, maxMs: number): Promise<void> {
  const giveUp = Date.now() + maxMs
  while (!(await condition())) {
    if (Date.now() > giveUp) return console.error(`Gave up waiting until ${what}`)
    await sleep(200)
  }
}

interface MessageRow {
  /** `event-N` or `code-N`, also the subject of its mail. */
  name: string
  id: string
  state: string
  reason: string | null
}

async function readMessages(database: pg.Pool): Promise<MessageRow[]> {
  const { rows } = await database.query<MessageRow>(
    `select coalesce('event-' || (e.properties ->> 'number'), replace(m.cause, 'transactional:', '')) as name,
       m.id, m.state, m.reason
     from messages m left join events e on e.project_id = m.project_id and e.id = m.event_id`,
  )
  return rows
}

async function countListedUnknown(rest: Rest): Promise<number> {
  let listed = 0
  let cursor: unknown
  do {
    const page = await rest(`/messages?state=unknown&limit=100${cursor ? `&cursor=${cursor}` : ''}`)
    listed += (page.items as unknown[]).length
    cursor = page.nextCursor
  } while (cursor)
  return listed
}

function checkEvents(accepted: Set<number>, stored: number[]) {
  const distinct = new Set(stored)
  return {
    lost: [...accepted].filter((number) => !distinct.has(number)),
    // The client ends only when all that it sent was accepted, so others were never sent.
    surplus: stored.length - [...distinct].filter((number) => accepted.has(number)).length,
  }
}

function checkMessages(client: SteadyClient, rows: MessageRow[], subjects: string[]) {
  const purchases = [...client.acceptedEvents].filter((number) => number % eventsPerPurchase === 0)
  const expected = new Set([...purchases.map((number) => `event-${number}`), ...client.acceptedCodes])
  const made = new Set(rows.map(({ name }) => name))
  const arrived = new Set(subjects)
  const inState = (...states: string[]) => rows.filter(({ state }) => states.includes(state))
  return {
    missing: [...expected].filter((name) => !made.has(name)),
    surplus: rows.length - [...made].filter((name) => expected.has(name)).length,
    twice: subjects.filter((subject, index) => subjects.indexOf(subject) !== index),
    unsettled: inState('pending', 'claimed'),
    refused: inState('failed', 'skipped'),
    notArrived: inState('sent').filter(({ name }) => !arrived.has(name)),
    unknown: inState('unknown'),
    unknownArrived: inState('unknown').filter(({ name }) => arrived.has(name)),
  }
}

const postgres = await startPostgres()
const sink = await startSmtpSink({ onMessage: () => sleep(sinkDelayMs).then(() => null) })
try {
  const databaseUrl = await postgres.database('fairway_crash')
  const { project, trackingKey, secretKey } = await createProject(databaseUrl, 'bench')
  const environment = {
    FAIRWAY_PORT: String(await freePort()),
    FAIRWAY_SMTP_URL: `smtp://127.0.0.1:${sink.port}?connections=5`,
    FAIRWAY_ALLOW_PRIVATE_NETWORKS: 'true',
  }
  let fairway = await startFairway(databaseUrl, environment)
  const { url } = fairway
  const rest: Rest = async (path, body, method = body === undefined ? 'GET' : 'POST') => {
    const response = await fetch(`${url}/api/v1/projects/${project.id}${path}`, {
      method,
      headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }
  const database = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  const queue = createQueue({ store: postgresStore({ connectionString: databaseUrl }) })
  const count = async (table: string) =>
    Number((await database.query(`select count(*) from ${table}`)).rows[0].count)
  await setUp(url, trackingKey, rest)
  await until('the people are there', async () => (await count('people')) === people, 30_000)

  const client = startClient(url, { trackingKey, secretKey })
  const random = randomFrom(seed)
  for (let kill = 1; kill <= kills; kill++) {
    await sleep(200 + random() * 1_800)
    await fairway.kill()
    fairway = await startFairway(databaseUrl, environment)
    if (kill % 10 === 0) console.log(`${kill} kills, ${client.acceptedEvents.size} events accepted`)
  }
  await client.finish()

  // Health checks keep jobs of their own in lanes that no other process serves.
  const lanes = async () => (await queue.stats()).filter(({ lane }) => !lane.startsWith('canary:'))
  const isEmpty = async () =>
    (await lanes()).every((lane) => lane.waitingJobs + lane.scheduledJobs + lane.leasedJobs === 0)
  await until('the queue is empty', isEmpty, drainMs)

  const { rows } = await database.query<{ number: number }>(
    `select (properties ->> 'number')::int as number from events`,
  )
  const events = checkEvents(
    client.acceptedEvents,
    rows.map(({ number }) => number),
  )
  const subjects = sink.mails.map(({ parsed }) => parsed.subject ?? '')
  const messages = checkMessages(client, await readMessages(database), subjects)
  const listed = await countListedUnknown(rest)
  const dead = (await lanes()).reduce((sum, lane) => sum + lane.deadJobs, 0)
  await Promise.all([database.end(), queue.close()])

  const mustBeNone: [string, string, unknown[] | number][] = [
    ['accepted events lost', 'events', events.lost],
    ['events doubled or never sent', 'events', events.surplus],
    ['mails that arrived twice', 'mails', messages.twice],
    ['messages lost: no row', 'messages', messages.missing],
    ['messages lost: sent, but never arrived', 'messages', messages.notArrived],
    ['messages doubled or never asked for', 'messages', messages.surplus],
    ['messages left pending or claimed', 'messages', messages.unsettled],
    ['messages failed or skipped', 'messages', messages.refused],
    ['messages in doubt that are not listed', 'messages', Math.abs(messages.unknown.length - listed)],
    ['jobs given up', 'jobs', dead],
  ]
  const sizeOf = (found: unknown[] | number) => (typeof found === 'number' ? found : found.length)
  const plain = (name: string, unit: string, ours: number) => pairedRow(name, unit, [{ ours }], null)
  report('crash', [
    plain('kill -9 during ingest and send', 'kills', kills),
    plain('requests cut off or refused, then repeated', 'requests', client.repeated),
    plain('events accepted', 'events', client.acceptedEvents.size),
    plain('mails that arrived', 'mails', sink.mails.length),
    plain('messages in doubt: `unknown`, listed', 'messages', messages.unknown.length),
    plain('of these, arrived', 'messages', messages.unknownArrived.length),
    ...mustBeNone.map(([name, unit, found]) =>
      pairedRow(name, unit, [{ ours: sizeOf(found) }], null, { atMost: 0 }),
    ),
  ])
  for (const [name, , found] of mustBeNone) {
    if (sizeOf(found) === 0) continue
    console.error(name, typeof found === 'number' ? found : found.slice(0, 10))
    process.exitCode = 1
  }
} finally {
  await closeAll()
  await sink.close()
}
