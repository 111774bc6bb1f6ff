import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { listTimeline } from '../../../src/audience/people/timeline.ts'
import { claimMessages, recordOutcomes } from '../../../src/messaging/delivery/outcomes.ts'
import { messageIdOf } from '../../../src/messaging/messages/create.ts'
import type { App } from '../../../src/platform/app.ts'
import { refusal, type SmtpSink, startSmtpSink } from './smtp-sink.ts'
import {
  addMessages,
  addPerson,
  addTemplate,
  deliver,
  ofCampaign,
  plainMail,
  sendThrough,
  stateOf,
} from './support.ts'

let server: TestServer
let app: App
const sinks: SmtpSink[] = []
let now = Date.now()

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

const newProject = async () => (await createProject(app, { name: 'Shop' })).project.id
async function sink(options: Parameters<typeof startSmtpSink>[0] = {}) {
  const started = await startSmtpSink(options)
  sinks.push(started)
  return started
}
const to = (address: string, mail = plainMail()) => ({ input: { to: [address], mail } })

describe('sending', () => {
  test('a batch leaves through SMTP, once each, and is recorded', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const ids = await addMessages(
      app,
      project,
      Array.from({ length: 30 }, (_, n) => to(`p${n}@x.example`)),
    )
    const settled = await deliver(app, project, ids)
    expect(settled.snoozed.size).toBe(0)
    expect(smtp.mails.map((mail) => mail.to[0]).sort()).toEqual(ids.map((_, n) => `p${n}@x.example`).sort())
    expect(smtp.connections).toBeLessThanOrEqual(4)
    for (const id of ids)
      expect(await stateOf(app, project, id)).toMatchObject({ state: 'sent', attempts: 1 })

    await deliver(app, project, ids)
    expect(smtp.mails).toHaveLength(30)
  })

  test('the person, the event and the data are in the mail; text is made from the HTML', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const personId = await addPerson(app, project, {
      id: 'u1',
      email: 'ann@x.example',
      properties: { name: 'Ænn 🎉' },
    })
    const templateId = await addTemplate(app, project, {
      subject: '{{ user.name }}, {{ event.item }} is here',
      html: '<html><body><h1>Hej {{ customer.name }}</h1><p>{{ event.item }} <a href="{{ url.unsubscribe_link }}">stop</a></p></body></html>',
    })
    const event = { name: 'Purchased item', properties: { item: 'Søster' } }
    const [id] = await addMessages(app, project, [{ ...ofCampaign, personId, templateId, input: { event } }])
    await deliver(app, project, [id!])
    const { parsed, source } = smtp.mails[0]!
    expect(parsed.subject).toBe('Ænn 🎉, Søster is here')
    expect(parsed.text).toContain('Hej Ænn 🎉')
    expect(parsed.text).toContain(`Søster stop [http`)
    expect(parsed.html).toContain('<h1>Hej Ænn 🎉</h1>')
    expect(parsed.messageId).toBe(`<${id}.${project}@shop.example>`)
    const headers = source.toString('latin1').split('\r\n\r\n')[0]!
    expect(headers).toMatch(/^List-Unsubscribe: <http[^\s]+\/u\/[^\s]+>\r?$/m)
    expect(headers).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$/m)
    expect(headers).toMatch(/^[\x20-\x7e\r\n\t]*$/)
  })

  test('nobody gets what they must not get, and the reason is kept', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const templateId = await addTemplate(app, project)
    const noEmail = await addPerson(app, project, {})
    const invalid = await addPerson(app, project, { email: 'a@b.co, c@d.co' })
    const gone = await addPerson(app, project, { email: 'gone@x.example' })
    const optedOut = await addPerson(app, project, { email: 'out@x.example', subscribed: false })
    const bad = await addPerson(app, project, { email: 'Bad@x.example' })
    const banned = await addPerson(app, project, {})
    await app.pool.query('update people set suppressed = true where id = $1', [banned])
    await app.pool.query(
      `insert into suppressions (project_id, address, reason) values ($1, 'bad@x.example', 'complaint')`,
      [project],
    )
    const messages = await addMessages(app, project, [
      { ...ofCampaign, templateId, personId: noEmail },
      { ...ofCampaign, templateId, personId: invalid },
      { ...ofCampaign, templateId, personId: gone },
      { ...ofCampaign, templateId, personId: optedOut },
      { ...ofCampaign, templateId, personId: bad },
      { templateId, personId: optedOut },
      { templateId, personId: bad },
      { templateId, personId: optedOut, input: { onlySubscribed: true } },
      { templateId, personId: banned, input: { to: ['other@x.example'] } },
      {
        ...ofCampaign,
        templateId,
        personId: await addPerson(app, project, { email: 'gate@x.example' }),
        cause: 'gated',
      },
    ])
    await app.pool.query('delete from people where id = $1', [gone])
    const ids = await app.pool.query<{ id: string }>('select id from messages where project_id = $1', [
      project,
    ])
    expect(ids.rowCount).toBe(messages.length)
    await deliver(app, project, messages, {
      gate: async (_app, _project, asked) => {
        expect(asked).toHaveLength(1)
        return new Map([[asked[0]!.id, { skip: 'condition false' }]])
      },
    })
    const { rows } = await app.pool.query<{
      state: string
      reason: string
      class: string
      person_id: number
      cause: string
    }>('select state, reason, class, person_id, cause from messages where project_id = $1', [project])
    const reason = (match: (row: (typeof rows)[0]) => boolean) =>
      rows.filter(match).map((row) => row.reason ?? row.state)
    expect(reason((row) => row.person_id === noEmail)).toEqual(['no email'])
    expect(reason((row) => row.person_id === invalid)).toEqual(['the email address is not valid'])
    expect(reason((row) => row.person_id === gone)).toEqual(['the person was deleted'])
    expect(reason((row) => row.person_id === optedOut).sort()).toEqual([
      'sent',
      'unsubscribed',
      'unsubscribed',
    ])
    expect(reason((row) => row.person_id === bad)).toEqual(['suppressed', 'suppressed'])
    expect(reason((row) => row.person_id === banned)).toEqual(['suppressed'])
    expect(reason((row) => row.cause === 'gated')).toEqual(['condition false'])
    expect(smtp.mails.map((mail) => mail.to)).toEqual([['out@x.example']])
  })

  test('a template that fails fails its own messages only', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const ids = await addMessages(app, project, [
      to('a@x.example', plainMail({ html: '<p>\n{{ 1 | time_zone: "Nowhere" }}</p>' })),
      to('b@x.example'),
      to('c@x.example', plainMail({ from: 'a@x.example, b@x.example' })),
      to('d@x.example', plainMail({ from: '' })),
      { input: { to: ['e@x.example'] }, templateId: 999_999 },
    ])
    await deliver(app, project, ids)
    const states = await Promise.all(ids.map((id) => stateOf(app, project, id)))
    expect(smtp.mails.map((mail) => mail.to[0])).toEqual(['b@x.example'])
    expect(states.filter(({ state }) => state === 'failed').map(({ reason }) => reason)).toEqual([
      expect.stringContaining('html, line 2, column 1: unknown time zone "Nowhere"'),
      expect.stringContaining('is not one address'),
      expect.stringContaining('from is missing'.replace('from is', 'from: is')),
      'the template was deleted',
    ])
  })

  test('values can not add headers or recipients', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const evil = 'x\r\nBcc: victim@x.example\r\n\r\nbody'
    const [id] = await addMessages(app, project, [
      {
        input: {
          to: ['a@x.example'],
          data: { evil },
          mail: plainMail({ subject: 'S {{ trigger.evil }}', headers: { 'X-Order': '{{ trigger.evil }}' } }),
        },
      },
    ])
    await deliver(app, project, [id!])
    const mail = smtp.mails[0]!
    expect(mail.to).toEqual(['a@x.example'])
    expect(mail.parsed.headers.has('bcc')).toBe(false)
    expect(mail.parsed.subject).toBe('S x Bcc: victim@x.example body')
  })

  test('attachments arrive, and are forgotten once sent', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const [id] = await addMessages(app, project, [
      { input: { to: ['a@x.example'], mail: plainMail(), attachments: 1 } },
    ])
    await app.pool.query('insert into attachments values ($1, $2, 0, $3, $4)', [
      project,
      id,
      'räkning.pdf',
      Buffer.from([0, 255, 13, 10, 46, 13, 10]),
    ])
    await deliver(app, project, [id!])
    const [attachment] = smtp.mails[0]!.parsed.attachments
    expect(attachment!.filename).toBe('räkning.pdf')
    expect([...attachment!.content]).toEqual([0, 255, 13, 10, 46, 13, 10])
    const left = await app.pool.query('select from attachments where project_id = $1', [project])
    expect(left.rowCount).toBe(0)
  })
})

describe('test mode and the sandbox', () => {
  test('without a test address nothing leaves: the mailbox has it', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    await app.pool.query(`update projects set mode = 'test' where id = $1`, [project])
    const [id] = await addMessages(app, project, [to('a@x.example', plainMail({ from: '' }))])
    await deliver(app, project, [id!])
    expect(smtp.mails).toHaveLength(0)
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'sent', reason: null })
    const { rows } = await app.pool.query('select envelope_to, source from mailbox where project_id = $1', [
      project,
    ])
    expect(rows).toHaveLength(1)
    expect(rows[0].envelope_to).toEqual(['a@x.example'])
    expect(rows[0].source.toString()).toContain('Subject: Hello')
  })

  test('with one, everything goes there', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    await app.pool.query(`update projects set mode = 'test', test_address = 'me@x.example' where id = $1`, [
      project,
    ])
    const ids = await addMessages(app, project, [
      { input: { to: ['a@x.example'], bcc: ['boss@x.example'], mail: plainMail() } },
    ])
    await deliver(app, project, ids)
    expect(smtp.mails.map((mail) => mail.to)).toEqual([['me@x.example']])
    expect(smtp.mails[0]!.parsed.headers.get('x-fairway-test-for')).toBe('a@x.example')
  })

  test('its address is sent to in its one form, also where an older version stored another', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    await app.pool.query(
      `update projects set mode = 'test', test_address = 'me@bücher.example' where id = $1`,
      [project],
    )
    await deliver(app, project, await addMessages(app, project, [to('a@x.example')]))
    const { rows } = await app.pool.query('select state, recipient from messages where project_id = $1', [
      project,
    ])
    expect(rows).toEqual([{ state: 'sent', recipient: 'me@xn--bcher-kva.example' }])
  })

  test("a live project's test message stays in the sandbox", async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const ids = await addMessages(app, project, [{ ...to('a@x.example'), test: true }, to('b@x.example')])
    await deliver(app, project, ids)
    expect(smtp.mails.map((mail) => mail.to[0])).toEqual(['b@x.example'])
  })
})

test('who is named twice is given to the server once', async () => {
  const project = await newProject()
  const smtp = await sink()
  await sendThrough(app, project, smtp.port)
  const [id] = await addMessages(app, project, [
    { input: { to: ['a@x.example'], bcc: ['b@x.example', 'a@x.example'], mail: plainMail() } },
  ])
  await deliver(app, project, [id!])
  const { rows } = await app.pool.query('select state, recipient from messages where id = $1', [id])
  expect(rows).toEqual([{ state: 'sent', recipient: 'a@x.example, b@x.example' }])
})

describe('errors', () => {
  test('4xx: back to pending, later again, then sent', async () => {
    const project = await newProject()
    let refuse = true
    const smtp = await sink({ onRecipient: () => (refuse ? refusal(451, '4.7.1 greylisted') : null) })
    await sendThrough(app, project, smtp.port)
    const [id] = await addMessages(app, project, [to('a@x.example')])
    const settled = await deliver(app, project, [id!])
    expect(settled.snoozed.get(id!)).toBeGreaterThan(5_000)
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'pending', attempts: 1 })
    refuse = false
    await deliver(app, project, [id!])
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'sent', attempts: 2 })
    expect(smtp.mails).toHaveLength(1)
  })

  test('a recipient refused for now among several gets its own retries, whoever else has the mail', async () => {
    const project = await newProject()
    const later = new Set(['b@x.example', 'd@x.example'])
    const smtp = await sink({
      onRecipient: (address) => {
        if (address === 'nobody@x.example') return refusal(550, '5.1.1 no such user')
        return later.has(address) ? refusal(451, '4.7.1 greylisted') : null
      },
    })
    await sendThrough(app, project, smtp.port)
    const [id] = await addMessages(app, project, [
      {
        input: {
          to: ['a@x.example', 'b@x.example', 'nobody@x.example'],
          bcc: ['c@x.example', 'd@x.example'],
          mail: plainMail(),
        },
      },
    ])
    const first = await deliver(app, project, [id!])
    expect(first.snoozed.has(id!)).toBe(true)
    expect(await stateOf(app, project, id!)).toMatchObject({
      state: 'pending',
      reason: expect.stringMatching(
        /not yet taken for b@x.example, d@x.example: .*greylisted.*refused for nobody@x.example: .*no such user/,
      ),
    })
    const { rows } = await app.pool.query('select address from suppressions where project_id = $1', [project])
    expect(rows).toEqual([{ address: 'nobody@x.example' }])

    later.delete('b@x.example')
    await deliver(app, project, [id!])
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'pending', attempts: 2 })
    later.clear()
    await deliver(app, project, [id!])
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'sent', attempts: 3 })
    await deliver(app, project, [id!])
    expect(smtp.mails.map((mail) => mail.to)).toEqual([
      ['a@x.example', 'c@x.example'],
      ['b@x.example'],
      ['d@x.example'],
    ])
    // One mail, the same for everybody.
    expect(new Set(smtp.mails.map(({ parsed }) => parsed.messageId)).size).toBe(1)
  })

  test('a recipient refused for ever for now: the message says so, not "sent"', async () => {
    const project = await newProject()
    const smtp = await sink({
      onRecipient: (address) => (address === 'b@x.example' ? refusal(451, '4.7.1 greylisted') : null),
    })
    await sendThrough(app, project, smtp.port)
    const [id] = await addMessages(app, project, [
      { input: { to: ['a@x.example', 'b@x.example'], mail: plainMail() } },
    ])
    for (let attempt = 1; attempt <= 14; attempt++) await deliver(app, project, [id!])
    expect((await stateOf(app, project, id!)).state).toBe('failed')
    expect(smtp.mails.map((mail) => mail.to)).toEqual([['a@x.example']])
  })

  test('4xx for ever: failed after the last attempt', async () => {
    const project = await newProject()
    const smtp = await sink({ onMessage: () => refusal(452, '4.2.2 mailbox full') })
    await sendThrough(app, project, smtp.port)
    const [id] = await addMessages(app, project, [to('a@x.example')])
    for (let attempt = 1; attempt < 14; attempt++) {
      const settled = await deliver(app, project, [id!])
      expect(settled.snoozed.has(id!)).toBe(true)
    }
    const settled = await deliver(app, project, [id!])
    expect(settled.snoozed.has(id!)).toBe(false)
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'failed', attempts: 14 })
  })

  test('5xx: failed at once; an address that does not exist is suppressed, a refused message is not', async () => {
    const project = await newProject()
    const smtp = await sink({
      onRecipient: (address) => (address.startsWith('nobody') ? refusal(550, '5.1.1 no such user') : null),
      onMessage: () => refusal(554, '5.7.1 spam'),
    })
    await sendThrough(app, project, smtp.port)
    const ids = await addMessages(app, project, [to('Nobody@x.example'.toLowerCase()), to('a@x.example')])
    const settled = await deliver(app, project, ids)
    expect(settled.snoozed.size).toBe(0)
    for (const id of ids) expect((await stateOf(app, project, id)).state).toBe('failed')
    const { rows } = await app.pool.query('select address, reason from suppressions where project_id = $1', [
      project,
    ])
    expect(rows).toEqual([{ address: 'nobody@x.example', reason: expect.stringContaining('5.1.1') }])
  })

  test('a bounce of an address that is listed meanwhile is told by the message and is no longer lifted', async () => {
    const project = await newProject()
    const reasons = { api: 'api', import: 'import', complaint: 'complaint', manual: 'asked by phone' }
    const smtp = await sink({
      onRcptTo: ({ address }, _session, callback) => {
        const reason = reasons[address.split('@')[0] as keyof typeof reasons]
        app.pool
          .query(
            `insert into suppressions (project_id, address, reason, created_at) values ($1, $2, $3, '2026-01-01')
             on conflict do nothing`,
            [project, address, reason],
          )
          .then(() => callback(refusal(550, '5.1.1 no such user')), callback)
      },
    })
    await sendThrough(app, project, smtp.port)
    const people = await Promise.all(
      Object.keys(reasons).map((name) => addPerson(app, project, { id: name, email: `${name}@x.example` })),
    )
    const templateId = await addTemplate(app, project)
    // Twice to each, in one batch.
    const ids = await addMessages(
      app,
      project,
      [...people, ...people].map((personId) => ({ ...ofCampaign, personId, templateId })),
    )
    await deliver(app, project, ids)
    const { rows } = await app.pool.query(
      'select address, reason, created_at from suppressions where project_id = $1 order by address',
      [project],
    )
    const created_at = new Date('2026-01-01')
    expect(rows).toEqual([
      { address: 'api@x.example', reason: expect.stringMatching(/^hard bounce: .*5\.1\.1/), created_at },
      { address: 'complaint@x.example', reason: 'complaint', created_at },
      { address: 'import@x.example', reason: expect.stringMatching(/^hard bounce: .*5\.1\.1/), created_at },
      { address: 'manual@x.example', reason: 'asked by phone', created_at },
    ])
    for (const [place, id] of ids.entries()) {
      expect(await stateOf(app, project, id)).toMatchObject({
        state: 'failed',
        reason: expect.stringContaining('5.1.1'),
      })
      const { items } = await listTimeline(app, project, people[place % people.length]!, {
        limit: 10,
      })
      expect(items.filter(({ kind }) => kind === 'message')).toContainEqual(
        expect.objectContaining({ id, state: 'failed', reason: expect.stringContaining('5.1.1') }),
      )
    }
  })

  test('the connection breaks after the message was handed over: unknown, never again', async () => {
    const project = await newProject()
    let taken = 0
    const smtp = await sink({
      onData(stream) {
        stream.on('end', () => {
          taken++
          for (const connection of smtpConnections(this)) connection.close()
        })
        stream.resume()
      },
    })
    await sendThrough(app, project, smtp.port)
    const [id] = await addMessages(app, project, [to('a@x.example')])
    const settled = await deliver(app, project, [id!])
    expect(taken).toBe(1)
    expect(settled.snoozed.size).toBe(0)
    expect(await stateOf(app, project, id!)).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('after the message was handed over'),
    })
    await deliver(app, project, [id!])
    expect(taken).toBe(1)
  })

  test('the connection breaks in the middle of a big message: it can not have been accepted, so later again', async () => {
    const project = await newProject()
    let cut = true
    const smtp = await sink({
      onData(stream, _session, callback) {
        if (!cut) return void stream.resume().on('end', () => callback())
        stream.once('data', () => {
          for (const connection of smtpConnections(this)) connection._socket.destroy()
        })
      },
    })
    await sendThrough(app, project, smtp.port)
    // More than any socket buffer takes at once.
    const [id] = await addMessages(app, project, [
      { input: { to: ['a@x.example'], mail: plainMail(), attachments: 1 } },
    ])
    await app.pool.query('insert into attachments values ($1, $2, 0, $3, $4)', [
      project,
      id,
      'big.bin',
      Buffer.alloc(12_000_000, 1),
    ])
    const settled = await deliver(app, project, [id!])
    expect(settled.snoozed.has(id!)).toBe(true)
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'pending' })
    cut = false
    await deliver(app, project, [id!])
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'sent' })
  })

  test('a server that refuses connections: circuit open, the others wait without using up an attempt', async () => {
    const project = await newProject()
    const closed = await startSmtpSink()
    await closed.close()
    await sendThrough(app, project, closed.port, { limits: { connections: 4 } })
    const ids = await addMessages(
      app,
      project,
      Array.from({ length: 40 }, (_, n) => to(`p${n}@x.example`)),
    )
    const settled = await deliver(app, project, ids)
    expect(settled.snoozed.size).toBe(40)
    const { rows } = await app.pool.query<{ attempts: number; count: number }>(
      `select attempts, count(*) from messages where project_id = $1 and state = 'pending' group by attempts order by attempts`,
      [project],
    )
    expect(rows[0]!.attempts).toBe(0)
    expect(rows[0]!.count).toBeGreaterThanOrEqual(28)

    // While it is open nothing is tried at all; when its time is over, one message is.
    await deliver(app, project, ids)
    const tries = async () =>
      (
        await app.pool.query<{ sum: string }>('select sum(attempts) from messages where project_id = $1', [
          project,
        ])
      ).rows[0]!.sum
    const before = Number(await tries())
    await deliver(app, project, ids)
    expect(Number(await tries())).toBe(before)
    now += 31_000
    await deliver(app, project, ids)
    expect(Number(await tries())).toBe(before + 1)
  })

  test('a rate limit lets through what it allows and spreads the rest', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port, { limits: { perSecond: 5 } })
    const ids = await addMessages(
      app,
      project,
      Array.from({ length: 12 }, (_, n) => to(`p${n}@x.example`)),
    )
    const settled = await deliver(app, project, ids)
    expect(smtp.mails).toHaveLength(5)
    expect([...settled.snoozed.values()]).toEqual([200, 400, 600, 800, 1_000, 1_200, 1_400])
    now += 1_000
    await deliver(app, project, [...settled.snoozed.keys()])
    expect(smtp.mails).toHaveLength(10)
  })
})

describe('in doubt', () => {
  test('a message claimed by somebody who ended is unknown; its owner may still correct it', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const [id] = await addMessages(app, project, [to('a@x.example')])
    const token = randomUUID()
    expect(await claimMessages(app, project, [{ id: id!, turn: 0 }], token)).toEqual(new Set([id]))
    await deliver(app, project, [id!])
    expect(smtp.mails).toHaveLength(0)
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'unknown' })

    await recordOutcomes(app, project, randomUUID(), [{ id: id!, state: 'failed', reason: 'not mine' }])
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'unknown' })
    await recordOutcomes(app, project, token, [{ id: id!, state: 'sent', reason: null }])
    expect(await stateOf(app, project, id!)).toMatchObject({ state: 'sent' })
  })

  test('two handlers with the same messages send each once', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const ids = await addMessages(
      app,
      project,
      Array.from({ length: 20 }, (_, n) => to(`p${n}@x.example`)),
    )
    await Promise.all([deliver(app, project, ids), deliver(app, project, ids)])
    const sent = smtp.mails.map((mail) => mail.parsed.messageId)
    expect(new Set(sent).size).toBe(sent.length)
    expect(sent).toHaveLength(20)
  })

  test('the statement that records a chunk claims the next; where it fails, what was sent is recorded and nothing else sent', async () => {
    const project = await newProject()
    const smtp = await sink()
    await sendThrough(app, project, smtp.port)
    const ids = await addMessages(
      app,
      project,
      Array.from({ length: 20 }, (_, n) => to(`p${n}@x.example`)),
    )
    const statesBy = async () => {
      const { rows } = await app.pool.query(
        'select state, count(*)::int, max(attempts) as attempts from messages where project_id = $1 group by state order by state',
        [project],
      )
      return rows
    }
    // Whatever is the same statement has the same transaction's number.
    await app.pool.query(`
      create table seen (id uuid, state text, tx bigint);
      create function watch() returns trigger language plpgsql as $$ begin
        if new.state = 'claimed' and new.id = '${ids[13]}' then raise exception 'not this one'; end if;
        insert into seen values (new.id, new.state, txid_current());
        return new;
      end $$;
      create trigger watch before update on messages for each row when (new.project_id = ${project}) execute function watch()`)
    await expect(deliver(app, project, ids)).rejects.toThrow('not this one')
    const sentFirst = smtp.mails.length
    expect(await statesBy()).toEqual([
      { state: 'pending', count: 20 - sentFirst, attempts: 0 },
      { state: 'sent', count: sentFirst, attempts: 1 },
    ])
    const { rows: both } = await app.pool.query(
      `select tx from seen group by tx having count(distinct state) = 2`,
    )
    expect(both.length).toBeGreaterThan(0)
    await app.pool.query('drop trigger watch on messages; drop function watch(); drop table seen')
    await deliver(app, project, ids)
    expect(await statesBy()).toEqual([{ state: 'sent', count: 20, attempts: 1 }])
    expect(new Set(smtp.mails.map((mail) => mail.to[0])).size).toBe(20)
    expect(smtp.mails).toHaveLength(20)
  })

  test('the same cause is the same message', async () => {
    const project = await newProject()
    const first = await addMessages(app, project, [{ cause: 'same' }])
    const second = await addMessages(app, project, [{ cause: 'same' }])
    expect(first).toEqual([messageIdOf(project, 'same')])
    expect(second).toEqual([])
  })
})

/** smtp-server keeps its connections in a set; ending one from the server's side is what the tests are about. */
function smtpConnections(server: unknown): Set<{ close(): void; _socket: { destroy(): void } }> {
  return (server as { connections: Set<{ close(): void; _socket: { destroy(): void } }> }).connections
}
