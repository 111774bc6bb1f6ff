import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import type { App } from '../../../src/platform/app.ts'
import { refusal, type SmtpSink, startSmtpSink } from '../messages/smtp-sink.ts'
import { addMessages, deliver, plainMail, sendThrough, stateOf } from '../messages/support.ts'

let server: TestServer
let app: App
const sinks: SmtpSink[] = []
const start = Date.parse('2026-05-01T10:00:00Z')
let now = start

beforeAll(async () => {
  server = await startTestServer({
    now: () => new Date(now),
    config: { role: 'api', allowPrivateNetworks: true },
  })
  app = server.app
})
afterAll(async () => {
  await server.close()
  await Promise.all(sinks.map((sink) => sink.close()))
})

type Options = Parameters<typeof startSmtpSink>[0]
async function projectThrough(options: Options) {
  const sink = await startSmtpSink(options)
  sinks.push(sink)
  const { project } = await createProject(app, { name: 'Shop' })
  await sendThrough(app, project.id, sink.port, { limits: { connections: 2 } })
  return { project: project.id, sink }
}

const mail = (name: string, overrides = {}) => ({
  input: { to: [`${name}@x.example`], mail: plainMail(overrides) },
  dueAt: new Date(now),
})
const many = (count: number, overrides = {}) =>
  Array.from({ length: count }, (_, n) => mail(`p${n}`, overrides))

async function countByState(project: number) {
  const { rows } = await app.pool.query<{ state: string; count: number }>(
    'select state, count(*) from messages where project_id = $1 group by state order by state',
    [project],
  )
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
}

const atMailFrom = (answer: () => Error | null) => ({
  onMailFrom: (_address: unknown, _session: unknown, callback: (error?: Error | null) => void) =>
    callback(answer()),
})

describe('a provider that takes no mail of ours', () => {
  const replies: [number, string][] = [
    [530, '5.7.0 Authentication required'],
    [530, '5.5.1 Authentication Required. Learn more'],
    [535, '5.7.8 Authentication credentials invalid'],
    [534, '5.7.9 Please log in with your web browser'],
    [538, '5.7.11 Encryption required for requested authentication mechanism'],
    [550, '5.4.5 Daily user sending quota exceeded'],
    [450, '4.7.1 Your sending limit was reached'],
    [452, '4.3.1 Insufficient system storage'],
    [550, '5.7.1 Your account has too many messages today: quota exceeded'],
  ]
  test.each(replies)('at MAIL FROM: %i %s: all mail waits, one mail tries', async (code, text) => {
    let refuse = true
    let asked = 0
    const { project, sink } = await projectThrough(
      atMailFrom(() => {
        asked++
        return refuse ? refusal(code, text) : null
      }),
    )
    const ids = await addMessages(app, project, many(30))
    const settled = await deliver(app, project, ids)
    expect(settled.snoozed.size).toBe(30)
    expect(await countByState(project)).toEqual({ pending: 30 })
    for (const id of ids) expect((await stateOf(app, project, id)).reason).toContain(text)
    expect(asked).toBeLessThan(10)

    const before = asked
    now += 31_000
    await deliver(app, project, ids)
    expect(asked).toBe(before + 1)
    refuse = false
    now += 61_000
    await deliver(app, project, ids)
    await deliver(app, project, ids)
    expect(sink.mails).toHaveLength(30)
    expect(await countByState(project)).toEqual({ sent: 30 })
  })

  test.each([
    [550, '5.4.5 Daily user sending quota exceeded'],
    [550, '5.7.1 Sending rate too high: rate limit'],
    [451, '4.7.0 Account rate limit exceeded'],
  ])('after the message: %i %s', async (code, text) => {
    const { project } = await projectThrough({ onMessage: () => refusal(code, text) })
    const ids = await addMessages(app, project, many(12))
    await deliver(app, project, ids)
    expect(await countByState(project)).toEqual({ pending: 12 })
    const { rows } = await app.pool.query(
      'select count(*) from messages where project_id = $1 and attempts = 0',
      [project],
    )
    expect(Number(rows[0].count)).toBeGreaterThan(0)
  })

  test.each([
    [530, '5.7.0 Must issue a STARTTLS command first'],
    [554, '5.7.1 <p0@x.example>: Relay access denied'],
  ])('told only to RCPT: %i %s', async (code, text) => {
    const { project } = await projectThrough({ onRecipient: () => refusal(code, text) })
    const ids = await addMessages(app, project, many(12))
    await deliver(app, project, ids)
    expect(await countByState(project)).toEqual({ pending: 12 })
  })

  test('a quota of a day outlasts the attempts of a mail; what is two days old and still refused has only those', async () => {
    now = start
    const { project } = await projectThrough(
      atMailFrom(() => refusal(550, '5.4.5 Daily user sending quota exceeded')),
    )
    const [id] = await addMessages(app, project, [mail('ann')])
    for (let hour = 0; hour < 47; hour++) {
      await deliver(app, project, [id!])
      now += 3_600_000
    }
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'pending', attempts: 7 })
    now += 2 * 3_600_000
    for (let hour = 0; hour < 7; hour++) {
      expect((await stateOf(app, project, id!)).state).toBe('pending')
      await deliver(app, project, [id!])
      now += 3_600_000
    }
    expect(await stateOf(app, project, id!)).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/given up.*a limit of the account is reached.*5\.4\.5/),
    })
  })
})

describe('a sender that is refused', () => {
  const bad = { from: 'Bad <bad@shop.example>' }
  const refuseBad = {
    onMailFrom: (
      { address }: { address: string },
      _session: unknown,
      callback: (error?: Error | null) => void,
    ) => callback(address === 'bad@shop.example' ? refusal(554, '5.7.1 Sender not allowed') : null),
  }
  const counting = () => {
    const asked: string[] = []
    return {
      asked,
      options: {
        onMailFrom: (
          from: { address: string },
          session: unknown,
          callback: (error?: Error | null) => void,
        ) => {
          asked.push(from.address)
          refuseBad.onMailFrom(from, session, callback)
        },
      },
    }
  }

  test('waits, with the reason, while mail of others leaves; one mail of it tries again', async () => {
    const { asked, options } = counting()
    const { project, sink } = await projectThrough(options as Options)
    const refused = await addMessages(app, project, many(30, bad))
    await deliver(app, project, refused)
    expect(await countByState(project)).toEqual({ pending: 30 })
    expect(asked.length).toBeLessThan(10)
    const good = await addMessages(app, project, many(30))
    await deliver(app, project, [...refused, ...good])
    expect(sink.mails).toHaveLength(30)
    expect(await countByState(project)).toEqual({ pending: 30, sent: 30 })
    for (const id of refused)
      expect(await stateOf(app, project, id)).toMatchObject({
        reason: expect.stringMatching(
          /^will be tried again: The server takes no mail from this sender.*5\.7\.1/,
        ),
      })
    now += 31_000
    const before = asked.length
    await deliver(app, project, refused)
    expect(asked.length).toBe(before + 1)
  })

  test('for ever: fails, after two days and the rest of its attempts', async () => {
    now = start
    const { project } = await projectThrough(refuseBad as Options)
    const ids = await addMessages(app, project, many(6, bad))
    for (let hour = 0; hour < 24; hour++) {
      await deliver(app, project, ids)
      now += 2 * 3_600_000
    }
    expect(await countByState(project)).toEqual({ pending: 6 })
    for (let hour = 0; hour < 14; hour++) {
      await deliver(app, project, ids)
      now += 3_600_000
    }
    expect(await countByState(project)).toEqual({ failed: 6 })
  })

  test('told only to RCPT, or after the message', async () => {
    const text = '5.7.1 <bad@shop.example>: Sender address rejected: not owned by user'
    for (const options of [
      { onRecipient: () => refusal(553, text) },
      { onMessage: () => refusal(550, '5.1.8 Bad sender') },
    ]) {
      const { project } = await projectThrough(options)
      const ids = await addMessages(app, project, many(3))
      await deliver(app, project, ids)
      expect(await countByState(project)).toEqual({ pending: 3 })
    }
  })
})

describe('a recipient', () => {
  test.each([
    [552, '5.2.2 Mailbox over quota'],
    [552, '5.3.4 Message size exceeds limit'],
    [554, '5.7.1 spam'],
    [550, '5.1.1 no such user'],
    [550, 'User unknown'],
  ])('that is refused is nobody else’s fault: %i %s', async (code, text) => {
    for (const options of [
      { onRecipient: () => refusal(code, text) },
      { onMessage: () => refusal(code, text) },
    ]) {
      const { project } = await projectThrough(options)
      const ids = await addMessages(app, project, many(8))
      await deliver(app, project, ids)
      expect(await countByState(project)).toEqual({ failed: 8 })
    }
  })

  test('who is told not to exist after the message is suppressed, where it is the only one', async () => {
    const { project } = await projectThrough({ onMessage: () => refusal(554, '5.1.1 no such user') })
    const ids = await addMessages(app, project, [
      mail('ann'),
      { input: { to: ['b@x.example', 'c@x.example'], mail: plainMail() } },
    ])
    await deliver(app, project, ids)
    expect(await countByState(project)).toEqual({ failed: 2 })
    const { rows } = await app.pool.query('select address from suppressions where project_id = $1', [project])
    expect(rows).toEqual([{ address: 'ann@x.example' }])
  })
})
