import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { holdPeople } from '../../../src/audience/people/session.ts'
import type { Consent } from '../../../src/messaging/messages/consent.ts'
import { permalinkUrl, readMessageToken, unsubscribeUrl } from '../../../src/messaging/messages/links.ts'
import { withTransaction } from '../../../src/platform/db/transaction.ts'
import { addMessages, addPerson, addTemplate, deliver, ofCampaign, plainMail } from '../messages/support.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())

const here = (url: string) => server.url + new URL(url).pathname
const subscribed = async (id: number) =>
  (await server.app.pool.query('select subscribed, written from people where id = $1', [id])).rows[0]
const changes = async (id: number) =>
  (await server.app.pool.query('select kind, detail from person_changes where person_id = $1', [id])).rows

async function marketingMail(consent: Consent = { kind: 'marketing' }) {
  const personId = await addPerson(server.app, server.projectId, { email: `p${Math.random()}@x.example` })
  const templateId = await addTemplate(server.app, server.projectId, {
    html: '<p>{{ url.unsubscribe_link }}</p><script>1</script>',
  })
  const [id] = await addMessages(server.app, server.projectId, [
    { ...ofCampaign, consent, personId, templateId },
  ])
  await deliver(server.app, server.projectId, [id!])
  return { personId, id: id!, link: here(unsubscribeUrl(server.app, server.projectId, id!)) }
}

describe('the unsubscribe link', () => {
  // What mail clients take for a part of a link that stands in a text.
  test.each([']', ')', '.', '%3E', '=', '],'])(
    'works with %s behind it, and not with more letters',
    async (end) => {
      const { link } = await marketingMail()
      expect((await fetch(link + end)).status).toBe(200)
      expect((await fetch(`${link}x${end}`)).status).toBe(404)
      expect((await fetch(`${link}${end}x`)).status).toBe(404)
    },
  )

  test('GET changes nothing; the button does; twice is fine', async () => {
    const { personId, link } = await marketingMail()
    const page = await fetch(link)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const html = await page.text()
    expect(html).toMatch(/<form method="post">.*<button type="submit">/)
    expect(html).toContain('<html lang="en">')
    expect((await subscribed(personId)).subscribed).toBe(true)

    for (let n = 0; n < 2; n++) {
      const reply = await fetch(link, {
        method: 'POST',
        body: 'confirm=1',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      expect(reply.status).toBe(200)
      expect(await reply.text()).toContain('You are unsubscribed')
    }
    const person = await subscribed(personId)
    expect(person.subscribed).toBe(false)
    expect(person.written.$subscribed).toBeGreaterThan(1.7e12)
    expect(await changes(personId)).toEqual([
      { kind: 'subscription', detail: expect.objectContaining({ subscribed: false, via: 'page' }) },
    ])
  })

  describe('of a mail about a topic', () => {
    const topicsOf = async (id: number) =>
      (await server.app.pool.query('select subscribed, topics from people where id = $1', [id])).rows[0]
    const post = (link: string, body?: string) =>
      fetch(link, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    const news = { kind: 'marketing', topic: 'News & <offers>' } as const

    test.each([
      ['the button for it', 'from=topic'],
      ['one click of the mail client', 'List-Unsubscribe=One-Click'],
    ])('%s opts out of that alone', async (_, body) => {
      const { personId, link } = await marketingMail(news)
      const page = await (await fetch(link)).text()
      expect(page).toContain('Unsubscribe from “News &amp; &lt;offers&gt;”')
      expect(page).toContain('Unsubscribe from all marketing emails')
      for (let n = 0; n < 2; n++)
        expect(await (await post(link, body)).text()).toContain(
          'no more emails about “News &amp; &lt;offers&gt;”',
        )
      expect(await topicsOf(personId)).toEqual({ subscribed: true, topics: { 'News & <offers>': false } })
      expect(await changes(personId)).toEqual([
        {
          kind: 'subscription',
          detail: expect.objectContaining({ subscribed: false, topic: 'News & <offers>' }),
        },
      ])
    })

    test.each([
      ['the button for all', 'from=all'],
      ['a form that says nothing', undefined],
      ['a page of before', 'confirm=1'],
    ])('%s opts out of all marketing', async (_, body) => {
      const { personId, link } = await marketingMail(news)
      expect(await (await post(link, body)).text()).toContain('no more marketing emails')
      expect(await topicsOf(personId)).toEqual({ subscribed: false, topics: {} })
    })

    test('is remembered for whoever gets the address later', async () => {
      const { personId, link } = await marketingMail(news)
      const { rows } = await server.app.pool.query('select email from people where id = $1', [personId])
      await post(link, 'from=topic')
      const later = await fetch(`${server.url}/api/v1/projects/${server.projectId}/people/id:heir`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${server.secretKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ email: rows[0].email }),
      })
      expect(await later.json()).toMatchObject({ subscribed: true, topics: { 'News & <offers>': false } })
    })
  })

  test('of other mail, no form opts out of a topic', async () => {
    const { personId, link } = await marketingMail()
    expect(await (await fetch(link)).text()).not.toContain('from all marketing')
    await fetch(link, { method: 'POST', body: 'from=topic' })
    expect((await subscribed(personId)).subscribed).toBe(false)
  })

  test('is heard by segments', async () => {
    await server.app.pool.query(
      `insert into segments (project_id, name, kind, conditions) values ($1, 'Subscribed', 'dynamic', '{"subscribed": true}')`,
      [server.projectId],
    )
    const { personId, link } = await marketingMail()
    await fetch(link, { method: 'POST' })
    const { rows } = await server.app.pool.query('select people from changed_people where $1 = any(people)', [
      personId,
    ])
    expect(rows).toHaveLength(1)
    await server.app.pool.query('delete from segments; delete from changed_people')
  })

  test('does not miss somebody who gets the address at the same moment', async () => {
    const { personId, link } = await marketingMail()
    const { rows } = await server.app.pool.query('select email from people where id = $1', [personId])
    let answer: Promise<Response> | undefined
    const other = await withTransaction(server.app.pool, async (client) => {
      await holdPeople(client, server.projectId, { exclusive: false })
      const added = await client.query<{ id: number }>(
        'insert into people (project_id, external_id, email) values ($1, $2, $3) returning id',
        [server.projectId, `late ${personId}`, rows[0].email],
      )
      answer = fetch(link, { method: 'POST', body: new URLSearchParams({ confirm: '1' }) })
      // It waits for us.
      await expect
        .poll(async () => {
          const waiting = await server.app.pool.query(
            `select from pg_locks where locktype = 'advisory' and not granted
               and database = (select oid from pg_database where datname = current_database())`,
          )
          return waiting.rowCount
        })
        .toBe(1)
      return added.rows[0]!.id
    })
    expect((await answer!).status).toBe(200)
    for (const id of [personId, other]) expect((await subscribed(id)).subscribed).toBe(false)
  })

  test.each([
    ['application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'],
    [
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
    ],
  ])('one click of a mail client (RFC 8058) as %s', async (type, body) => {
    const { personId, link } = await marketingMail()
    const reply = await fetch(link, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
      redirect: 'error',
    })
    expect(reply.status).toBe(200)
    expect((await subscribed(personId)).subscribed).toBe(false)
    expect((await changes(personId))[0]!.detail.via).toBe('one_click')
  })

  test('the next marketing mail is skipped, transactional mail still goes', async () => {
    const { personId, link } = await marketingMail()
    await fetch(link, { method: 'POST' })
    const templateId = await addTemplate(server.app, server.projectId)
    const ids = await addMessages(server.app, server.projectId, [
      { ...ofCampaign, personId, templateId },
      { personId, templateId },
    ])
    await deliver(server.app, server.projectId, ids)
    const { rows } = await server.app.pool.query(
      'select class, state, reason from messages where id = any($1) order by class',
      [ids],
    )
    expect(rows).toEqual([
      { class: 'behavioral', state: 'skipped', reason: 'unsubscribed' },
      { class: 'transactional', state: 'sent', reason: null },
    ])
  })

  test('a mail to somebody who is no person unsubscribes everybody with that address, and nobody else', async () => {
    const a = await addPerson(server.app, server.projectId, { email: 'Shared@x.example' })
    const b = await addPerson(server.app, server.projectId, { email: 'other@x.example' })
    const [id] = await addMessages(server.app, server.projectId, [
      { recipient: 'shared@x.example', input: { to: ['shared@x.example'], mail: plainMail() } },
    ])
    await fetch(here(unsubscribeUrl(server.app, server.projectId, id!)), { method: 'POST' })
    expect((await subscribed(a)).subscribed).toBe(false)
    expect((await subscribed(b)).subscribed).toBe(true)

    const later = await fetch(`${server.url}/api/v1/projects/${server.projectId}/people/id:later`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${server.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'SHARED@x.example' }),
    })
    expect(await later.json()).toMatchObject({ subscribed: false })
  })

  test("opts out whoever shares the person's address, and nobody else", async () => {
    const { personId, link } = await marketingMail()
    const { rows } = await server.app.pool.query('select email from people where id = $1', [personId])
    const sharing = await addPerson(server.app, server.projectId, { email: rows[0].email.toUpperCase() })
    const other = await addPerson(server.app, server.projectId, { email: `not-${rows[0].email}` })
    await fetch(link, { method: 'POST' })
    expect((await subscribed(personId)).subscribed).toBe(false)
    expect((await subscribed(sharing)).subscribed).toBe(false)
    expect((await subscribed(other)).subscribed).toBe(true)
  })

  test('of a mail to a named address opts out that mailbox, not the person whom the mail is about', async () => {
    for (const forget of [undefined, true]) {
      const own = `p${Math.random()}@x.example`
      const named = `n${Math.random()}@x.example`
      const personId = await addPerson(server.app, server.projectId, { email: own })
      const reader = await addPerson(server.app, server.projectId, { email: named.toUpperCase() })
      const bcc = `b${Math.random()}@x.example`
      const blind = await addPerson(server.app, server.projectId, { email: bcc })
      const [id] = await addMessages(server.app, server.projectId, [
        {
          personId,
          recipient: named,
          input: { to: [named], bcc: forget ? [] : [bcc], mail: plainMail(), forget },
        },
      ])
      await deliver(server.app, server.projectId, [id!])
      const link = here(unsubscribeUrl(server.app, server.projectId, id!))
      const page = await (await fetch(link)).text()
      expect(page).toContain(`<strong>${named}</strong>`)
      expect(page).not.toContain(own)
      expect(page).not.toContain(bcc)
      await fetch(link, { method: 'POST' })
      expect((await subscribed(reader)).subscribed).toBe(false)
      expect((await subscribed(personId)).subscribed).toBe(true)
      expect((await subscribed(blind)).subscribed).toBe(true)
    }
  })

  test('opts out the mailbox that got the mail and its person, who has another address by now', async () => {
    const { personId, link } = await marketingMail()
    const { rows } = await server.app.pool.query('select email from people where id = $1', [personId])
    const fresh = `new${Math.random()}@x.example`
    await server.app.pool.query('update people set email = $2 where id = $1', [personId, fresh])
    const heir = await addPerson(server.app, server.projectId, { email: rows[0].email })
    const sharing = await addPerson(server.app, server.projectId, { email: fresh })
    const page = await (await fetch(link)).text()
    expect(page).toContain(`<strong>${rows[0].email}</strong>`)
    expect(page).not.toContain(fresh)
    await fetch(link, { method: 'POST' })
    expect((await subscribed(personId)).subscribed).toBe(false)
    expect((await subscribed(heir)).subscribed).toBe(false)
    expect((await subscribed(sharing)).subscribed).toBe(true)
  })

  test('a forged or foreign token does nothing', async () => {
    const { personId, id, link } = await marketingMail()
    const view = permalinkUrl(server.app, server.projectId, id).split('/v/')[1]!
    for (const bad of [
      `${link}x`,
      link.replace(/\.[^.]+$/, '.AAAA'),
      `${server.url}/u/${view}`,
      `${server.url}/u/a.b`,
    ]) {
      expect((await fetch(bad, { method: 'POST' })).status).toBe(404)
    }
    expect((await subscribed(personId)).subscribed).toBe(true)
    expect(readMessageToken(server.app, 'unsubscribe', link.split('/u/')[1]!)).toEqual({
      projectId: server.projectId,
      messageId: id,
    })
  })
})

describe('view in browser', () => {
  test('shows the mail without letting its scripts run', async () => {
    const { id } = await marketingMail()
    const reply = await fetch(here(permalinkUrl(server.app, server.projectId, id)))
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-security-policy')).toMatch(/^sandbox(?!.*allow-scripts)/)
    expect(await reply.text()).toContain('/u/')
  })

  test('a deleted template leaves a page that says so', async () => {
    const { id } = await marketingMail()
    await server.app.pool.query('delete from templates where project_id = $1', [server.projectId])
    const reply = await fetch(here(permalinkUrl(server.app, server.projectId, id)))
    expect(reply.status).toBe(404)
    expect(await reply.text()).toContain('no longer available')
  })
})
