import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { claimMessages } from '../../../src/messaging/delivery/outcomes.ts'
import { refusal, startSmtpSink } from './smtp-sink.ts'
import { addMessages, addPerson, deliver, plainMail, sendThrough, stateOf } from './support.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api', allowPrivateNetworks: true } })
})
afterAll(() => server.close())

const call = async (method: string, path: string, body?: unknown) => {
  const reply = await fetch(`${server.url}/api/v1/projects/${server.projectId}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${server.secretKey}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    body: body ? JSON.stringify(body) : undefined,
  })
  const text = await reply.text()
  return { status: reply.status, json: text ? JSON.parse(text) : undefined }
}

const jobsWaiting = async () =>
  (await server.app.queue.stats()).reduce((sum, lane) => sum + lane.waitingJobs + lane.scheduledJobs, 0)

describe('messages', () => {
  test('are listed by keyset without gaps or repeats, and filtered', async () => {
    const personId = await addPerson(server.app, server.projectId, { email: 'a@x.example' })
    // One statement: all of them at the same instant, so the id has to tell them apart.
    const ids = await addMessages(
      server.app,
      server.projectId,
      Array.from({ length: 7 }, (_, n) => ({ personId: n < 3 ? personId : null })),
    )
    const seen: string[] = []
    let cursor = ''
    do {
      const { json } = await call('GET', `/messages?limit=3${cursor && `&cursor=${cursor}`}`)
      seen.push(...json.items.map((message: { id: string }) => message.id))
      cursor = json.nextCursor ?? ''
    } while (cursor)
    expect(seen).toHaveLength(7)
    expect(new Set(seen)).toEqual(new Set(ids))
    expect((await call('GET', `/messages?person=${personId}`)).json.items).toHaveLength(3)
    expect((await call('GET', '/messages?state=sent')).json.items).toEqual([])
    expect((await call('GET', '/messages?state=nonsense')).status).toBe(422)
    expect((await call('GET', '/messages/not-an-id')).status).toBe(422)
    expect((await call('GET', '/messages/00000000-0000-8000-8000-000000000000')).status).toBe(404)
  })

  test('tell what made them and under which consent, and are filtered by both', async () => {
    const { app, projectId } = server
    const { rows } = await app.pool.query<{ id: number }>(
      `insert into campaigns (project_id, name, trigger_event, folded_trigger, template_id)
       values ($1, 'Welcome', 'Signed up', 'signed up', 1) returning id`,
      [projectId],
    )
    const originId = rows[0]!.id
    const news = { kind: 'marketing', topic: 'news' } as const
    const legal = { kind: 'legal', reason: 'The terms changed' } as const
    const [ofNews, ofGone, byApi, unknown] = await addMessages(app, projectId, [
      { origin: 'campaign', originId, consent: news },
      { origin: 'campaign', originId: 9_999, consent: { kind: 'marketing' } },
      { origin: 'api', consent: legal },
      { origin: 'campaign', originId, consent: { kind: 'implied' } as never },
    ])
    const idsOf = async (query: string) =>
      (await call('GET', `/messages?${query}`)).json.items.map(({ id }: { id: string }) => id).sort()
    const message = async (id: string) => (await call('GET', `/messages/${id}`)).json
    expect(await message(ofNews!)).toMatchObject({
      origin: 'campaign',
      originId,
      originName: 'Welcome',
      consent: news,
      class: 'behavioral',
      campaignId: originId,
      campaignName: 'Welcome',
    })
    expect(await message(ofGone!)).toMatchObject({ originId: 9_999, originName: null, campaignName: null })
    expect(await message(byApi!)).toMatchObject({
      origin: 'api',
      originId: null,
      originName: null,
      consent: legal,
      class: 'transactional',
      campaignId: null,
    })
    expect(await message(unknown!)).toMatchObject({ consent: null })
    expect(await idsOf(`origin=campaign&originId=${originId}`)).toEqual([ofNews, unknown].sort())
    expect(await idsOf(`campaign=${originId}`)).toEqual([ofNews, unknown].sort())
    expect(await idsOf('origin=campaign')).toEqual([ofNews, ofGone, unknown].sort())
    expect(await idsOf('consent=legal')).toEqual([byApi])
    expect(await idsOf('consent=marketing&topic=news')).toEqual([ofNews])
    expect((await call('GET', '/messages?consent=implied')).status).toBe(422)
    expect(await idsOf('origin=newsletter')).toEqual([])
    await app.pool.query('delete from messages where id = any($1)', [[ofNews, ofGone, byApi, unknown]])
  })

  test('a failed one is tried again by hand, and keeps the history of its reasons', async () => {
    let refuse = true
    const sink = await startSmtpSink({ onMessage: () => (refuse ? refusal(554, '5.7.1 no') : null) })
    await sendThrough(server.app, server.projectId, sink.port)
    const [id] = await addMessages(server.app, server.projectId, [
      { input: { to: ['a@x.example'], mail: plainMail() } },
    ])
    expect((await call('POST', `/messages/${id}/retry`)).status).toBe(409)
    await deliver(server.app, server.projectId, [id!])
    const before = await jobsWaiting()
    const retried = await call('POST', `/messages/${id}/retry`)
    expect(retried.json).toMatchObject({ state: 'pending', attempts: 0 })
    expect(await jobsWaiting()).toBe(before + 1)
    refuse = false
    await deliver(server.app, server.projectId, [id!])
    const { json } = await call('GET', `/messages/${id}`)
    expect(json.state).toBe('sent')
    expect(json.history.map((entry: { state: string }) => entry.state)).toEqual(['failed', 'pending'])
    expect(json.history[0].reason).toContain('5.7.1')
    await sink.close()
  })

  test('one in doubt is settled by hand, or sent again on request only', async () => {
    const ids = await addMessages(
      server.app,
      server.projectId,
      [1, 2, 3].map(() => ({ input: { to: ['a@x.example'], mail: plainMail() } })),
    )
    const claimed = ids.map((id) => ({ id, turn: 0 }))
    await claimMessages(server.app, server.projectId, claimed, '11111111-1111-4111-8111-111111111111')
    await deliver(server.app, server.projectId, ids)
    const [sent, failed, again] = ids as [string, string, string]
    // Whoever claimed it may be at it yet.
    for (const state of ['sent', 'failed', 'resend']) {
      const { status, json } = await call('POST', `/messages/${again}/resolve`, { state })
      expect(status).toBe(409)
      expect(json.detail).toMatch(/may just be being sent; try again in (4[0-9]{2}|5[01][0-9]|520) s$/)
    }
    await server.app.pool.query(
      `update messages set claimed_at = claimed_at - interval '520 s' where id = any($1::uuid[])`,
      [ids],
    )
    expect((await call('POST', `/messages/${sent}/resolve`, { state: 'sent' })).json.state).toBe('sent')
    expect((await call('POST', `/messages/${failed}/resolve`, { state: 'failed' })).json.state).toBe('failed')
    const before = await jobsWaiting()
    expect((await call('POST', `/messages/${again}/resolve`, { state: 'resend' })).json.state).toBe('pending')
    expect(await jobsWaiting()).toBe(before + 1)
    expect((await call('POST', `/messages/${sent}/resolve`, { state: 'resend' })).status).toBe(409)
    expect((await call('POST', `/messages/${sent}/resolve`, { state: 'lost' })).status).toBe(422)
  })

  test('the test mail stays at home, even in a live project', async () => {
    await server.app.pool.query(`update projects set mode = 'live' where id = $1`, [server.projectId])
    const { status, json } = await call('POST', '/messages/test')
    expect(status).toBe(202)
    await deliver(server.app, server.projectId, [json.messageId])
    expect(await stateOf(server.app, server.projectId, json.messageId)).toMatchObject({ state: 'sent' })
    const detail = await call('GET', `/messages/${json.messageId}`)
    const mail = await call('GET', `/mailbox/${detail.json.mailboxId}`)
    expect(mail.json.subject).toBe('It works, Ada')
  })
})

describe('templates', () => {
  const draft = {
    name: 'Welcome',
    fromAddress: 'a@x.example',
    subject: 'Hi {{ user.name }}',
    html: '<p>{{ event.sku }}</p>',
  }

  test('are made, read, changed, previewed and deleted', async () => {
    const made = await call('POST', '/templates', { ...draft, key: 'welcome' })
    expect(made.status).toBe(201)
    const { id } = made.json
    expect((await call('POST', '/templates', { ...draft, key: 'welcome' })).status).toBe(409)
    expect(
      (await call('PATCH', `/templates/${id}`, { subject: 'Hello {{ user.name }}' })).json,
    ).toMatchObject({
      subject: 'Hello {{ user.name }}',
      html: draft.html,
      key: 'welcome',
    })
    await addPerson(server.app, server.projectId, {
      id: 'u9',
      email: 'u9@x.example',
      properties: { name: 'Nine' },
    })
    const preview = await call('POST', `/templates/${id}/preview`, {
      person: { id: 'u9' },
      event: { properties: { sku: 'S1' } },
    })
    expect(preview.json).toMatchObject({ subject: 'Hello Nine', html: '<p>S1</p>', text: 'S1' })
    expect((await call('POST', `/templates/${id}/preview`, { person: { id: 'nobody' } })).status).toBe(404)
    expect((await call('POST', '/templates/preview', { ...draft, text: null })).json.subject).toMatch(/^Hi/)
    expect(
      (await call('GET', '/templates')).json.items.map((template: { id: number }) => template.id),
    ).toContain(id)
    expect((await call('DELETE', `/templates/${id}`)).status).toBe(204)
    expect((await call('GET', `/templates/${id}`)).status).toBe(404)
  })

  test('are not overwritten unseen by whoever saves later, if they say what they read', async () => {
    const { id, updatedAt } = (await call('POST', '/templates', draft)).json
    const mine = await call('PATCH', `/templates/${id}`, { subject: 'Mine', updatedAt })
    expect(mine).toMatchObject({ status: 200, json: { subject: 'Mine' } })
    const theirs = await call('PATCH', `/templates/${id}`, { subject: 'Theirs', updatedAt })
    expect(theirs).toMatchObject({ status: 409, json: { code: 'changed_meanwhile' } })
    expect((await call('GET', `/templates/${id}`)).json.subject).toBe('Mine')
    const read = { subject: 'Theirs', updatedAt: mine.json.updatedAt }
    expect((await call('PATCH', `/templates/${id}`, read)).json.subject).toBe('Theirs')
    expect((await call('PATCH', `/templates/${id}`, { subject: 'Whatever' })).status).toBe(200)
    expect((await call('PATCH', `/templates/${id}`, { subject: 'x', updatedAt: 'never' })).status).toBe(422)
  })

  test.each([
    [{ html: '<p>\n{% if x %}</p>' }, { field: 'html', line: 2, column: 1 }],
    [{ subject: '{{ a | nope }}' }, { field: 'subject', line: 1 }],
    [{ fromAddress: '{{' }, { field: 'fromAddress', line: 1 }],
    [{ fromAddress: 'not an address' }, { field: 'fromAddress' }],
    [{ fromAddress: 'a@x.example, b@x.example' }, { field: 'fromAddress' }],
    [{ fromAddress: 'Shop hello@example' }, { field: 'fromAddress' }],
    [{ fromAddress: 'Shop hello@x.example' }, { field: 'fromAddress' }],
    [{ replyTo: 'nobody' }, { field: 'replyTo' }],
    [{ replyTo: 'Help help@x.example' }, { field: 'replyTo' }],
    [{ headers: { Bcc: 'x@x.example' } }, { field: 'headers.Bcc' }],
    [{ key: '12' }, { field: 'key' }],
    [{ html: 'a\u0000' }, { field: 'html' }],
    [{ name: '' }, { field: 'name' }],
    [{ unknown: 1 }, { field: 'unknown' }],
  ])('%j is refused where it is wrong', async (change, problem) => {
    const reply = await call('POST', '/templates', { ...draft, ...change })
    expect(reply).toMatchObject({ status: 422, json: problem })
  })

  test('a template without a sender says so wherever it is shown', async () => {
    const created = await call('POST', '/templates', { ...draft, key: null, fromAddress: null })
    const problem = expect.stringContaining('fromAddress is empty')
    expect(created).toMatchObject({ status: 201, json: { senderProblem: problem } })
    const path = `/templates/${created.json.id}`
    expect((await call('GET', path)).json.senderProblem).toEqual(problem)
    expect((await call('GET', '/templates')).json.items[0].senderProblem).toEqual(problem)
    expect((await call('PATCH', path, { name: 'Other' })).json.senderProblem).toEqual(problem)
    expect((await call('PATCH', path, { fromAddress: 'Shop <a@x.example>' })).json.senderProblem).toBeNull()
    await call('DELETE', path)
  })
})
