import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { startTestServer } from '../../../../../testing/server.ts'
import { deliverMessages } from '../../../src/messaging/delivery/deliver.ts'
import { origins } from '../../../src/origins.ts'
import type { App } from '../../../src/platform/app.ts'
import { migrate } from '../../../src/platform/db/migrate.ts'
import {
  fillMessages,
  originAndConsent,
} from '../../../src/platform/db/migrations/0039_origin_and_consent.ts'
import { addPerson, addTemplate, contextOf, jobFor, stateOf } from './support.ts'

/** Everything that the version before writes of a campaign and of a message, and no more. */
const insertCampaign = (pool: pg.Pool, project: number, transactional: boolean, templateId = 1) =>
  pool
    .query<{ id: number }>(
      `insert into behavioral_campaigns (project_id, name, state, trigger_event, folded_trigger, template_id, transactional)
       values ($1, 'Old', 'live', 'Signed up', 'signed up', $2, $3) returning id`,
      [project, templateId, transactional],
    )
    .then(({ rows }) => rows[0]!.id)

interface OldMessage {
  cause: string
  class: 'transactional' | 'behavioral'
  campaign?: number
  test?: boolean
  person?: number
  template?: number
}
const insertMessage = (pool: pg.Pool, project: number, message: OldMessage) =>
  pool
    .query<{ id: string }>(
      `insert into messages (project_id, id, cause, class, channel, person_id, campaign_id, template_id, test, live)
       values ($1, gen_random_uuid(), $2, $3, 'email', $4, $5, $6, $7, false) returning id`,
      [
        project,
        message.cause,
        message.class,
        message.person ?? null,
        message.campaign ?? null,
        message.template ?? null,
        message.test ?? false,
      ],
    )
    .then(({ rows }) => rows[0]!.id)

async function addOldMessages(pool: pg.Pool): Promise<void> {
  const [marketing, transactional] = [
    await insertCampaign(pool, 1, false),
    await insertCampaign(pool, 1, true),
  ]
  await insertMessage(pool, 1, { cause: 'of marketing', class: 'behavioral', campaign: marketing })
  await insertMessage(pool, 1, { cause: 'of transactional', class: 'behavioral', campaign: transactional })
  await insertMessage(pool, 1, { cause: 'of a deleted one', class: 'behavioral', campaign: 99 })
  await insertMessage(pool, 1, { cause: 'of nothing', class: 'behavioral' })
  await insertMessage(pool, 1, { cause: 'by API', class: 'transactional' })
  await insertMessage(pool, 1, { cause: 'a first one', class: 'transactional', test: true })
  // A number that is a campaign's in another project.
  await insertMessage(pool, 2, { cause: 'of a namesake', class: 'behavioral', campaign: transactional })
}

const meant = {
  'of marketing': ['campaign', 1, { kind: 'marketing' }],
  'of transactional': ['campaign', 2, { kind: 'transactional' }],
  'of a deleted one': ['campaign', 99, { kind: 'marketing' }],
  'of nothing': ['campaign', null, { kind: 'marketing' }],
  'by API': ['api', null, { kind: 'transactional' }],
  'a first one': ['test', null, { kind: 'transactional' }],
  'of a namesake': ['campaign', 2, { kind: 'marketing' }],
}
const read = async (pool: pg.Pool) => {
  const { rows } = await pool.query<{ cause: string; origin: string; origin_id: number; consent: unknown }>(
    'select cause, origin, origin_id, consent from messages',
  )
  return Object.fromEntries(
    rows.map(({ cause, origin, origin_id: id, consent }) => [cause, [origin, id, consent]]),
  )
}

describe('a server of the version before beside this one', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createTestDatabase()
  })
  afterEach(() => database.drop())

  test('what it makes has the meaning it had, and no more than that', async () => {
    await addOldMessages(database.pool)
    expect(await read(database.pool)).toEqual(meant)
  })

  test('what it says of campaigns is heeded, and a topic and a reason stay', async () => {
    const { pool } = database
    const id = await insertCampaign(pool, 1, false)
    const consentAfter = async (change: string, table = 'behavioral_campaigns') => {
      await pool.query(`update ${table} set ${change} where id = $1`, [id])
      return (await pool.query('select consent from campaigns where id = $1', [id])).rows[0].consent
    }
    expect(await consentAfter(`transactional = true`)).toEqual({ kind: 'transactional' })
    expect(await consentAfter(`name = 'Other'`)).toEqual({ kind: 'transactional' })
    const news = { kind: 'marketing', topic: 'news' }
    expect(
      await consentAfter(`transactional = false, consent = '${JSON.stringify(news)}'`, 'campaigns'),
    ).toEqual(news)
    expect(await consentAfter(`transactional = false, name = 'Third'`)).toEqual(news)
    await insertMessage(pool, 1, { cause: 'with a topic', class: 'behavioral', campaign: id })
    expect(await read(pool)).toEqual({ 'with a topic': ['campaign', id, news] })
    expect(await consentAfter(`transactional = true`)).toEqual({ kind: 'transactional' })
  })
})

test('who is unsubscribed gets nothing that a server of the version before made', async () => {
  const server = await startTestServer({ config: { role: 'api' } })
  try {
    const { app, projectId } = server
    const template = await addTemplate(app, projectId)
    const person = await addPerson(app, projectId, { email: 'out@x.example', subscribed: false })
    const marketing = await insertCampaign(app.pool, projectId, false, template)
    const transactional = await insertCampaign(app.pool, projectId, true, template)
    const make = (message: OldMessage) => insertMessage(app.pool, projectId, { person, template, ...message })
    const ids = [
      await make({ cause: 'a', class: 'behavioral', campaign: marketing }),
      await make({ cause: 'b', class: 'behavioral' }),
      await make({ cause: 'c', class: 'behavioral', campaign: transactional }),
      await make({ cause: 'd', class: 'transactional' }),
    ]
    await deliverAll(app, projectId, ids)
    const states = await Promise.all(ids.map((id) => stateOf(app, projectId, id)))
    expect(states.map(({ state, reason }) => reason ?? state)).toEqual([
      'unsubscribed',
      'unsubscribed',
      'sent',
      'sent',
    ])
  } finally {
    await server.close()
  }
})

const deliverAll = (app: App, projectId: number, ids: string[]) =>
  deliverMessages(app, origins)(
    ids.map((id) => jobFor(projectId, id)),
    contextOf().context,
  )

describe('what was stored before', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createTestDatabase()
    await undo()
    await addOldMessages(database.pool)
  })
  afterEach(() => database.drop())

  const undo = () =>
    database.pool.query(`
      delete from migrations where version = 39;
      drop trigger if exists message_consent on messages;
      drop trigger if exists campaign_consent on campaigns;
      drop function if exists message_consent, campaign_consent;
      alter table messages drop column origin, drop column origin_id, drop column consent;
      alter table campaigns drop column consent`)

  test('gets its meaning', async () => {
    await Promise.all([migrate(database.url), migrate(database.url)])
    expect(await read(database.pool)).toEqual(meant)
    const { rows } = await database.pool.query('select consent, transactional from campaigns order by id')
    expect(rows).toEqual([
      { consent: { kind: 'marketing' }, transactional: false },
      { consent: { kind: 'transactional' }, transactional: true },
    ])
  })

  test('does so, too, where the migration was interrupted after any statement', async () => {
    for (let statements = 1; !(await runUntil(statements)); statements++) {
      await migrate(database.url)
      expect(await read(database.pool)).toEqual(meant)
      await database.pool.query('truncate messages; truncate campaigns restart identity')
      await undo()
      await addOldMessages(database.pool)
    }
    expect(await read(database.pool)).toEqual(meant)
  })

  test('waits for nobody and is waited for by nobody: a row that is locked is filled as soon as it is free', async () => {
    await database.pool.query(
      `alter table messages add column origin text, add column origin_id integer, add column consent jsonb;
       alter table campaigns add column consent jsonb;
       update campaigns set consent = jsonb_build_object('kind', case when transactional then 'transactional' else 'marketing' end)`,
    )
    const holder = await database.pool.connect()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    try {
      await holder.query('begin')
      await holder.query(`select from messages where cause = 'by API' for update`)
      const filled = fillMessages(client)
      await expect
        .poll(async () => (await read(database.pool))['of marketing'])
        .toEqual(meant['of marketing'])
      expect((await read(database.pool))['by API']).toEqual([null, null, null])
      await holder.query('commit')
      await filled
      expect(await read(database.pool)).toEqual(meant)
    } finally {
      holder.release()
      await client.end()
    }
  })

  /** False when it was stopped before its end. */
  async function runUntil(statements: number): Promise<boolean> {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    let left = statements
    const query = client.query.bind(client) as (...values: unknown[]) => unknown
    Object.assign(client, {
      query: (...values: unknown[]) => {
        if (left-- === 0) throw new Error('interrupted')
        return query(...values)
      },
    })
    try {
      await originAndConsent(client)
      return true
    } catch (error) {
      expect((error as Error).message).toBe('interrupted')
      return false
    } finally {
      await client.end()
    }
  }
})
