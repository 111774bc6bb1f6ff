import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts'

const kills = 4
const messagesPerRound = 60
const connections = 4

let database: TestDatabase
let sink: SmtpSink
let server: ServerProcess
/** What the mail server was given, in its order; while `silent` it answers to none of it. */
const handed: string[] = []
let silent = false

beforeAll(async () => {
  database = await createTestDatabase()
  // Slow enough that every kill finds messages between their claim and their outcome.
  sink = await startSmtpSink({
    onMessage: ({ parsed }) => {
      handed.push(parsed.messageId!)
      return silent ? new Promise(() => {}) : sleep(15).then(() => null)
    },
  })
  server = await startServerProcess({
    env: {
      DATABASE_URL: database.url,
      FAIRWAY_SMTP_URL: `smtp://127.0.0.1:${sink.port}?connections=${connections}`,
    },
  })
})
afterAll(async () => {
  await server.dispose()
  await sink.close()
  await database.drop()
})

test('kill -9 again and again: no email twice, and every message is sent or in doubt', async () => {
  const created = JSON.parse(await server.cli('project', 'create', 'Crash', '--json'))
  await database.pool.query(`update projects set mode = 'live' where id = $1`, [created.project.id])

  const accepted: string[] = []
  for (let round = 0; round <= kills; round++) {
    const before = sink.mails.length
    const sending = sendMany(created.secretKey, round, accepted)
    if (round === kills) {
      await sending
      break
    }
    await until(() => sink.mails.length >= before + 5 + 7 * round)
    await server.kill()
    await server.restart()
    await sending
  }

  // The jobs that a killed worker held come back when its lease ends.
  await until(async () => (await count(`state in ('pending', 'claimed')`)) === 0)

  const arrived = sink.mails.map((mail) => mail.parsed.messageId!)
  expect(new Set(arrived).size).toBe(arrived.length)

  const { rows } = await database.pool.query<{ id: string; state: string; reason: string | null }>(
    'select id, state, reason from messages',
  )
  const states = new Map(rows.map((row) => [row.id, row.state]))
  expect(rows.filter(({ state }) => state !== 'sent' && state !== 'unknown')).toEqual([])
  expect(new Set(accepted).size).toBe((kills + 1) * messagesPerRound)
  for (const id of accepted) expect(['sent', 'unknown']).toContain(states.get(id))
  const arrivedIds = new Set(arrived.map((id) => id.slice(1).split('.')[0]!))
  for (const [id, state] of states) if (state === 'sent') expect(arrivedIds).toContain(id)
  expect(await count(`state = 'unknown'`)).toBeLessThanOrEqual(kills * connections * 2)
}, 240_000)

test('kill -9 while calls wait for a mail server that never answers: what it was given is in doubt, the rest leaves once', async () => {
  const projects = await Promise.all(
    ['One', 'Two', 'Three'].map(async (name) =>
      JSON.parse(await server.cli('project', 'create', name, '--json')),
    ),
  )
  await database.pool.query(`update projects set mode = 'live'`)
  const unknownBefore = await count(`state = 'unknown'`)
  handed.length = 0
  silent = true
  const accepted: string[] = []
  for (const [n, { secretKey }] of projects.entries()) await sendMany(secretKey, 100 + n, accepted)
  // All connections have a mail that is not answered; the other calls wait for places.
  await until(() => handed.length === connections)
  await until(async () => (await count(`state = 'claimed'`)) >= connections)
  await server.kill()
  silent = false
  await server.restart()
  await until(async () => (await count(`state in ('pending', 'claimed')`)) === 0)

  expect(new Set(handed).size).toBe(handed.length)
  const doubted = (await count(`state = 'unknown'`)) - unknownBefore
  expect(doubted).toBeGreaterThanOrEqual(connections)
  expect(doubted).toBeLessThanOrEqual(2 * connections)
  const { rows } = await database.pool.query<{ state: string }>(
    'select state from messages where id = any($1)',
    [accepted],
  )
  expect(rows).toHaveLength(3 * messagesPerRound)
  expect(rows.filter(({ state }) => state === 'sent')).toHaveLength(3 * messagesPerRound - doubted)
}, 240_000)

/** A client that repeats what failed until it is accepted; its idempotency keys make that harmless. */
async function sendMany(key: string, round: number, accepted: string[]): Promise<void> {
  const send = (n: number) =>
    fetch(`${server.url}/v1/send/email`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'idempotency-key': `${round}-${n}` },
      body: JSON.stringify({
        to: `p${n}@x.example`,
        from: 'shop@shop.example',
        subject: `Round ${round}`,
        body: '<p>Hello {{ customer.email }}</p>',
      }),
    })
  await Promise.all(
    Array.from({ length: messagesPerRound }, async (_, n) => {
      for (;;) {
        const reply = await send(n).catch(() => undefined)
        if (reply?.ok) return accepted.push(((await reply.json()) as { delivery_id: string }).delivery_id)
        await sleep(100)
      }
    }),
  )
}

async function count(condition: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*) from messages where ${condition}`,
  )
  return rows[0]!.count
}
