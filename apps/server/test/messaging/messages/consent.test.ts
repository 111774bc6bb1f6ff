import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { type Consent, readConsent } from '../../../src/messaging/messages/consent.ts'
import type { App } from '../../../src/platform/app.ts'
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts'
import { addMessages, addPerson, addTemplate, deliver, ofCampaign, sendThrough, stateOf } from './support.ts'

let server: TestServer
let app: App
let smtp: SmtpSink

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api', allowPrivateNetworks: true } })
  app = server.app
  smtp = await startSmtpSink()
})
afterAll(async () => {
  await server.close()
  await smtp.close()
})

const newProject = async () => (await createProject(app, { name: 'Shop' })).project.id
const news: Consent = { kind: 'marketing', topic: 'news' }
const legal: Consent = { kind: 'legal', reason: 'The terms changed' }

const stored: unknown[] = [
  { kind: 'transactional' },
  { kind: 'marketing' },
  news,
  legal,
  // What nobody may have written, and what a newer version may write.
  null,
  {},
  'marketing',
  { kind: 'implied' },
  { kind: 'marketing', topic: 7 },
  { kind: 'legal' },
]
const wanting = [undefined, true, false]
const suppressions = ['no', 'address', 'person'] as const

/** What must become of a message, as plainly as it can be said. */
function fate(consent: unknown, subscribed: boolean, wanted: boolean | undefined, suppressed: string) {
  const understood = readConsent(consent)
  if (!understood) return ['failed', expect.stringContaining('no consent')]
  if (understood.kind === 'marketing') {
    if (!subscribed) return ['skipped', 'unsubscribed']
    if (understood.topic === 'news' && wanted === false) return ['skipped', 'unsubscribed from topic "news"']
  }
  return suppressed === 'no' ? ['sent', null] : ['skipped', 'suppressed']
}

describe.each(['live', 'test'] as const)('in a project in %s mode', (mode) => {
  test('who gets what, for every consent, subscription, topic and suppression', async () => {
    const project = await newProject()
    if (mode === 'live') await sendThrough(app, project, smtp.port)
    const templateId = await addTemplate(app, project)
    const cases = stored.flatMap((consent) =>
      [true, false].flatMap((subscribed) =>
        wanting.flatMap((wanted) =>
          suppressions.map((suppressed) => ({ consent, subscribed, wanted, suppressed })),
        ),
      ),
    )
    const messages = []
    for (const [place, { consent, subscribed, wanted, suppressed }] of cases.entries()) {
      const email = `${mode}${place}@x.example`
      const personId = await addPerson(app, project, { email, subscribed })
      await app.pool.query('update people set topics = $2, suppressed = $3 where id = $1', [
        personId,
        JSON.stringify(wanted === undefined ? {} : { news: wanted }),
        suppressed === 'person',
      ])
      if (suppressed === 'address')
        await app.pool.query(`insert into suppressions (project_id, address, reason) values ($1, $2, 'x')`, [
          project,
          email,
        ])
      messages.push({ personId, templateId, consent: consent as Consent })
    }
    const ids = await addMessages(app, project, messages)
    await deliver(app, project, ids)
    for (const [place, id] of ids.entries()) {
      const { consent, subscribed, wanted, suppressed } = cases[place]!
      const { state, reason } = await stateOf(app, project, id)
      expect([state, reason], JSON.stringify(cases[place])).toEqual(
        fate(consent, subscribed, wanted, suppressed),
      )
    }
    if (mode === 'test') return
    const sentTo = cases.flatMap(({ consent, ...rest }, place) =>
      fate(consent, rest.subscribed, rest.wanted, rest.suppressed)[0] === 'sent'
        ? [{ to: `live${place}@x.example`, marketing: readConsent(consent)?.kind === 'marketing' }]
        : [],
    )
    const got = smtp.mails.map(({ to, source }) => ({
      to: to[0],
      marketing: source.toString('latin1').includes('List-Unsubscribe-Post: List-Unsubscribe=One-Click'),
    }))
    const byAddress = (a: { to?: string }, b: { to?: string }) => a.to!.localeCompare(b.to!)
    expect(got.sort(byAddress)).toEqual(sentTo.sort(byAddress))
  })
})

test('an opt-out of a topic by the address alone counts where the mail goes to a named address', async () => {
  const project = await newProject()
  const templateId = await addTemplate(app, project)
  const personId = await addPerson(app, project, { email: 'own@x.example' })
  const holder = await addPerson(app, project, { email: 'held@x.example' })
  await app.pool.query(`update people set topics = '{"news": false}' where id = $1`, [holder])
  await app.pool.query(
    `insert into address_consents (project_id, address, register, at, value) values ($1, 'nobody@x.example', '$topic:news', 1, false)`,
    [project],
  )
  const send = async (consent: Consent, to: string) => {
    const [id] = await addMessages(app, project, [{ personId, templateId, consent, input: { to: [to] } }])
    await deliver(app, project, [id!])
    return (await stateOf(app, project, id!)).state
  }
  for (const address of ['held@x.example', 'Nobody@x.example']) {
    expect(await send(news, address)).toBe('skipped')
    expect(await send({ kind: 'marketing', topic: 'offers' }, address)).toBe('sent')
    expect(await send({ kind: 'marketing' }, address)).toBe('sent')
    expect(await send(legal, address)).toBe('sent')
  }
})

test('what its origin asks for by now can only hold a message back, never let it go', async () => {
  const project = await newProject()
  const templateId = await addTemplate(app, project)
  const willing = await addPerson(app, project, { email: 'willing@x.example' })
  const optedOut = await addPerson(app, project, { email: 'out@x.example', subscribed: false })
  const noNews = await addPerson(app, project, { email: 'no-news@x.example' })
  await app.pool.query(`update people set topics = '{"news": false}' where id = $1`, [noNews])
  const become = async (made: Consent, now: Consent) => {
    const ids = await addMessages(
      app,
      project,
      [willing, optedOut, noNews].map((personId) => ({
        ...ofCampaign,
        originId: 7,
        personId,
        templateId,
        consent: made,
      })),
    )
    await deliver(app, project, ids, { consents: async () => new Map([[7, now]]) })
    const states = await Promise.all(ids.map((id) => stateOf(app, project, id)))
    const { rows } = await app.pool.query('select distinct consent from messages where id = any($1)', [ids])
    // What it was made under stays on record.
    expect(rows).toEqual([{ consent: made }])
    return states.map(({ state }) => state)
  }
  const transactional: Consent = { kind: 'transactional' }
  const marketing: Consent = { kind: 'marketing' }
  expect(await become(transactional, transactional)).toEqual(['sent', 'sent', 'sent'])
  expect(await become(transactional, marketing)).toEqual(['sent', 'skipped', 'sent'])
  expect(await become(transactional, news)).toEqual(['sent', 'skipped', 'skipped'])
  expect(await become(marketing, transactional)).toEqual(['sent', 'skipped', 'sent'])
  expect(await become(news, legal)).toEqual(['sent', 'skipped', 'skipped'])
  expect(await become({ kind: 'marketing', topic: 'offers' }, news)).toEqual(['sent', 'skipped', 'skipped'])
})

test('what an unknown part of a newer version made is kept back, and may be tried again', async () => {
  const project = await newProject()
  const personId = await addPerson(app, project, { email: 'a@x.example' })
  const templateId = await addTemplate(app, project)
  const [id] = await addMessages(app, project, [
    { personId, templateId, origin: 'hologram', consent: { kind: 'transactional' } },
  ])
  await deliver(app, project, [id!])
  expect(await stateOf(app, project, id!)).toMatchObject({
    state: 'failed',
    reason: 'made by "hologram", which this version of Fairway does not know: upgrade it, then try again',
  })
})
