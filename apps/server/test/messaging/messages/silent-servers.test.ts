import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { until } from '../../../../../testing/until.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { readSnapshot } from '../../../src/operations/queue/queue-status.ts'
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts'
import { sendThrough } from './support.ts'

/** More than there are slots. */
const silentProjects = 20

let server: TestServer
let silent: SmtpSink
let well: SmtpSink
let taken = 0
const answers: (() => void)[] = []

beforeAll(async () => {
  server = await startTestServer({ config: { allowPrivateNetworks: true } })
  silent = await startSmtpSink({
    onData: (stream, _session, callback) => {
      stream.resume()
      taken++
      answers.push(() => callback(null))
    },
  })
  well = await startSmtpSink()
})
afterAll(async () => {
  for (const answer of answers) answer()
  await server.close()
  await silent.close()
  await well.close()
})

interface Made {
  id: number
  trackingKey: string
  secretKey: string
}

async function projectThrough(sink: SmtpSink, name: string): Promise<Made> {
  const { project, trackingKey, secretKey } = await createProject(server.app, { name })
  await sendThrough(server.app, project.id, sink.port)
  return { id: project.id, trackingKey, secretKey }
}

async function send({ secretKey }: Made): Promise<string> {
  const reply = await fetch(`${server.url}/v1/send/email`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secretKey}` },
    body: JSON.stringify({
      to: 'ann@x.example',
      from: 'shop@shop.example',
      subject: 'Hello',
      body: '<p>Hello</p>',
    }),
  })
  expect(reply.ok).toBe(true)
  return ((await reply.json()) as { delivery_id: string }).delivery_id
}

const statesOf = async (ids: string[]) => {
  const { rows } = await server.app.pool.query<{ state: string }>(
    'select state from messages where id = any($1)',
    [ids],
  )
  return rows.map(({ state }) => state)
}

test("projects whose mail servers never answer hold up nobody else's mail and events", async () => {
  const hung: string[] = []
  for (let n = 0; n < silentProjects; n++) hung.push(await send(await projectThrough(silent, `Silent ${n}`)))
  await until(() => taken === silentProjects)

  const shop = await projectThrough(well, 'Shop')
  await send(shop)
  await until(() => well.mails.length === 1)
  const tracked = await fetch(`${server.url}/api/v2/events/track?tracking_api_key=${shop.trackingKey}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identity: { id: 'ann' }, event_name: 'Bought' }),
  })
  expect(tracked.ok).toBe(true)
  await until(async () => {
    const { rows } = await server.app.pool.query('select from events where project_id = $1', [shop.id])
    return rows.length === 1
  })

  // Who looks at the queue sees them; a mail that was handed over and not answered is not sent again meanwhile.
  await until(async () => {
    const lane = (await readSnapshot(server.app)).lanes.find((one) => one.lane === 'transactional')
    return lane?.waitingCalls === silentProjects && lane.longestCallMs > 0
  })
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toContain(`fairway_queue_waiting_calls{lane="transactional"} ${silentProjects}`)
  expect(metrics).toMatch(/fairway_queue_longest_call_seconds\{lane="transactional"\} [0-9]/)
  expect(await statesOf(hung)).toEqual(Array(silentProjects).fill('claimed'))
  expect(taken).toBe(silentProjects)

  for (const answer of answers) answer()
  await until(async () => (await statesOf(hung)).every((state) => state === 'sent'))
  expect(taken).toBe(silentProjects)
})
