import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { holdSending } from '../../../src/messaging/sending/restore-watch.ts'
import type { App } from '../../../src/platform/app.ts'
import { startSmtpSink } from './smtp-sink.ts'
import { addMessages, addPerson, addTemplate, deliver, ofCampaign, sendThrough } from './support.ts'

let server: TestServer
let app: App
let now = Date.now()

beforeAll(async () => {
  server = await startTestServer({
    now: () => new Date(now),
    config: { role: 'api', allowPrivateNetworks: true },
  })
  app = server.app
})
afterAll(() => server.close())

interface Row {
  id: string
  waits_for: string | null
  email: string
  state: string
  reason: string | null
  claimed_at: Date | null
}

/** A batch through a server that needs a second for each mail; `change` happens while the third is handed over. */
async function sendSlowly(change: (project: number, call: Call) => Promise<unknown>, mailMs = 1_000) {
  const { project, secretKey } = await createProject(app, { name: 'Shop' })
  const call: Call = async (method, path, body) => {
    const response = await fetch(`${server.url}/api/v1/projects/${project.id}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secretKey}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
    })
    expect(response.ok, await response.clone().text()).toBe(true)
  }
  let taken = 0
  let changedAt = 0
  let failure: unknown
  const sink = await startSmtpSink({
    onMessage: async () => {
      if (++taken === 3) {
        await change(project.id, call).catch((error) => {
          failure = error
        })
        changedAt = now
      }
      now += mailMs
      return null
    },
  })
  try {
    await sendThrough(app, project.id, sink.port, { limits: { connections: 1 } })
    const templateId = await addTemplate(app, project.id)
    const people: number[] = []
    for (let n = 0; n < 12; n++)
      people.push(await addPerson(app, project.id, { id: `p${n}`, email: `p${n}@x.example` }))
    const ids = await addMessages(
      app,
      project.id,
      people.map((personId) => ({ ...ofCampaign, personId, templateId })),
    )
    let decisions = 0
    const { snoozed } = await deliver(app, project.id, ids, {
      gate: async () => {
        decisions++
        return new Map()
      },
    })
    expect(failure).toBeUndefined()
    const { rows } = await app.pool.query<Row>(
      `select m.id, m.waits_for, p.email, m.state, m.reason, m.claimed_at from messages m join people p on p.id = m.person_id
       where m.project_id = $1 order by p.id`,
      [project.id],
    )
    // The clock jumps a second at once: what was being claimed just then bears exactly that time.
    const late = rows.filter(({ claimed_at: at }) => at && at.getTime() > changedAt + 1_000)
    return { rows, late, snoozed, decisions, arrived: sink.mails.map((mail) => mail.to[0]) }
  } finally {
    await sink.close()
  }
}

type Call = (method: string, path: string, body?: object) => Promise<void>

const last = 'p11@x.example'

const inTestMode = (project: number, testAddress: string | null) =>
  app.pool.query(`update projects set mode = 'test', test_address = $2 where id = $1`, [project, testAddress])

test.each<[string, string, (project: number, call: Call) => Promise<unknown>]>([
  ['suppressed', 'suppressed', (_, call) => call('POST', '/suppressions', { address: last })],
  ['unsubscribed', 'unsubscribed', (_, call) => call('POST', '/people/id:p11/unsubscribe')],
])('who is %s while a slow server takes a batch gets none of it', async (_, reason, change) => {
  const { rows, arrived } = await sendSlowly(change)
  expect(arrived).toHaveLength(11)
  expect(arrived).not.toContain(last)
  expect(rows.at(-1)).toMatchObject({ email: last, state: 'skipped', reason })
  expect(rows.slice(0, -1).every(({ state }) => state === 'sent')).toBe(true)
})

test.each<[string, (project: number, call: Call) => Promise<unknown>]>([
  ['paused', (_, call) => call('POST', '/queue/pause')],
  ['held', (id) => holdSending(app, 'restored', { projectId: id })],
  ['put into test mode', (id) => inTestMode(id, null)],
  ['sent to a test address', (id) => inTestMode(id, 'qa@x.example')],
])('a project that is %s while a slow server takes its mail sends no more of it', async (_, change) => {
  const { rows, late, snoozed, arrived } = await sendSlowly(change)
  expect(late).toEqual([])
  expect(arrived.length).toBeLessThan(6)
  expect(new Set(arrived).size).toBe(arrived.length)
  const waiting = rows.filter(({ state }) => state === 'pending')
  expect(waiting).toHaveLength(12 - arrived.length)
  // Its job comes back, or it is woken when the project is live again.
  const comesBack = ({ id, waits_for }: Row) => snoozed.has(id) || waits_for === 'live'
  expect(waiting.every(comesBack)).toBe(true)
})

test('with a fast server nobody is decided about twice', async () => {
  const { decisions, arrived } = await sendSlowly(async () => {}, 10)
  expect(arrived).toHaveLength(12)
  expect(decisions).toBe(1)
})

test('what a slow server has not taken of a batch within a minute goes back untried, and at once', async () => {
  const { rows, snoozed, arrived } = await sendSlowly(async () => {}, 10_000)
  expect(arrived.length).toBeGreaterThanOrEqual(6)
  expect(arrived.length).toBeLessThan(10)
  const waiting = rows.filter(({ state }) => state === 'pending')
  expect(waiting).toHaveLength(12 - arrived.length)
  expect(waiting.every(({ claimed_at, reason }) => claimed_at === null && reason === null)).toBe(true)
  expect([...snoozed.values()]).toEqual(waiting.map(() => 0))
})
