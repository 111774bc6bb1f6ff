import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'

let database: TestDatabase
let server: ServerProcess

beforeAll(async () => {
  database = await createTestDatabase()
  // Time enough to be killed in.
  server = await startServerProcess({ env: { DATABASE_URL: database.url, FAIRWAY_RENDER_SECONDS: '60' } })
})
afterAll(async () => {
  await server.dispose()
  await database.drop()
})

const one = async <T>(sql: string, values: unknown[] = []) =>
  (await database.pool.query(sql, values)).rows[0] as T

test('kill -9 while a mail is made, again and again: it is failed, and the mails beside it are sent', async () => {
  const { secretKey } = JSON.parse(await server.cli('project', 'create', 'Crash', '--json'))
  const send = async (body: string) => {
    const reply = await fetch(`${server.url}/v1/send/email`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secretKey}` },
      body: JSON.stringify({ to: 'ada@x.example', from: 'a@shop.example', subject: 'S', body }),
    })
    return ((await reply.json()) as { delivery_id: string }).delivery_id
  }
  const messageOf = (id: string) =>
    one<{ state: string; reason: string; renders: number }>(
      'select state, reason, renders from messages where id = $1',
      [id],
    )
  // One call of one expression, which no limit of Liquid's looks into.
  const killer = await send(`{{ "${'<script'.repeat(140_000)}" | strip_html }}`)
  const beside = await Promise.all(Array.from({ length: 5 }, () => send('<p>Hello</p>')))

  await until(
    async () => (await one<{ count: number }>('select count(*) from fairway_queue.leases')).count > 0,
  )
  await server.kill()
  for (const counted of [1, 2]) {
    await server.restart()
    await until(async () => (await messageOf(killer)).renders === counted)
    await server.kill()
  }
  await server.restart()
  const ended = await until(async () => {
    const message = await messageOf(killer)
    return message.state !== 'pending' && message
  })
  expect(ended).toMatchObject({
    state: 'failed',
    reason: 'template: the process ended 2 times while this mail was being made; it is not tried again',
  })
  for (const id of beside) await until(async () => (await messageOf(id)).state === 'sent')
}, 240_000)
