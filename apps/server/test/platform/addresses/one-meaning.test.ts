import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { describePerson } from '../../../src/audience/people/list.ts'
import { findPersonIds } from '../../../src/audience/people/lookup.ts'
import { searchPeople } from '../../../src/audience/people/search.ts'
import { withPeople } from '../../../src/audience/people/session.ts'
import { suppressAddresses } from '../../../src/exchange/imports/suppress.ts'
import { processItems } from '../../../src/ingest/process.ts'
import { unsubscribeUrl } from '../../../src/messaging/messages/links.ts'
import { addressKey } from '../../../src/platform/email-address.ts'
import { context, identify, start, toJob } from '../../ingest/process-support.ts'
import { addMessages, deliver, plainMail } from '../../messaging/messages/support.ts'

/** In a Turkish database, lower('I') is an i without a dot. */
describe.each([undefined, 'tr-TR'])('in a database of locale %s', (icuLocale) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ icuLocale, config: { role: 'api' } })
    const items = spellings.map(({ id, given }) => identify({ id }, start, { email: given }))
    await processItems(server.app)(
      items.map((item) => toJob(String(server.projectId), item)),
      context(),
    )
  })
  afterAll(() => server?.close())

  const spellings = [
    { id: 'tr', given: 'IBRAHIM.Isik@X.Example', stored: 'IBRAHIM.Isik@x.example' },
    { id: 'de', given: 'Kim@Müller.example', stored: 'Kim@xn--mller-kva.example' },
    { id: 'eai', given: 'ÄB@x.example', stored: 'ÄB@x.example' },
  ].map((one) => ({ ...one, others: othersOf(one.given) }))

  const idOf = async (id: string) =>
    (
      await server.app.pool.query<{ id: number }>(
        'select id from people where project_id = $1 and external_id = $2',
        [server.projectId, id],
      )
    ).rows[0]!.id

  test.each(spellings)('$given is stored, looked up and searched as one', async ({ id, stored, others }) => {
    const person = await idOf(id)
    expect((await describePerson(server.app, server.projectId, person)).email).toBe(stored)
    for (const email of others) {
      expect(await findPersonIds(server.app.pool, server.projectId, [{ email }])).toEqual([person])
      const project = { id: server.projectId, defaultCountry: null }
      const found = await searchPeople(server.app, project, email.trim(), { limit: 10 })
      expect(found.items.map((item) => item.id)).toEqual([person])
    }
  })

  test.each(spellings)('an unsubscribe by any spelling of $given counts', async ({ id, others }) => {
    for (const recipient of others) {
      await server.app.pool.query('update people set subscribed = true where project_id = $1', [
        server.projectId,
      ])
      const [message] = await addMessages(server.app, server.projectId, [{ recipient }])
      const url = new URL(unsubscribeUrl(server.app, server.projectId, message!))
      await fetch(server.url + url.pathname, { method: 'POST', body: 'confirm=1' })
      const { rows } = await server.app.pool.query(
        'select external_id from people where project_id = $1 and not subscribed',
        [server.projectId],
      )
      expect(rows).toEqual([{ external_id: id }])
    }
  })

  test.each(spellings)('a suppression of any spelling of $given stops every other', async (spelling) => {
    const { id, given, others } = spelling
    for (const suppressed of others) {
      await server.app.pool.query('delete from suppressions')
      await importSuppressions(suppressed)
      const ids = await addMessages(
        server.app,
        server.projectId,
        [given, ...others].map((to) => ({ input: { to: [to], mail: plainMail() } })),
      )
      await deliver(server.app, server.projectId, ids)
      const { rows } = await server.app.pool.query(
        'select distinct state, reason from messages where id = any($1)',
        [ids],
      )
      expect(rows).toEqual([{ state: 'skipped', reason: 'suppressed' }])
      const person = await describePerson(server.app, server.projectId, await idOf(id))
      expect(person.suppressed).toMatchObject({ reason: 'import' })
    }
  })

  async function importSuppressions(address: string) {
    await withPeople(server.app, server.projectId, { exclusive: false }, (session) =>
      suppressAddresses(session, [addressKey(address)]),
    )
  }
})

function othersOf(address: string): string[] {
  const [local, domain] = address.split('@') as [string, string]
  return [
    address,
    `\u200b${address} \ufeff`,
    address.toLowerCase(),
    `${local}@${domain.toUpperCase()}`,
    address.normalize('NFD'),
  ]
}
