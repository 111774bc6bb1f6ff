import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { maintainImports } from '../../../src/exchange/imports/maintain.ts'
import { maintainFiles } from '../../../src/platform/files/maintain.ts'
import { type Importer, startImporter } from './support.ts'

let server: Importer
let now = new Date('2026-06-01T12:00:00Z')

beforeAll(async () => {
  server = await startImporter(() => now)
})
afterAll(() => server?.close())
beforeEach(() => {
  now = new Date(now.getTime() + 60_000)
})

const put = (id: string, body: object) => server.call('PUT', `/people/id:${id}`, body)
const find = async (id: string) =>
  (
    await server.sql('select * from people where project_id = $1 and external_id = $2', server.projectId, id)
  )[0]
const eventsOf = (id: string) =>
  server.sql(
    `select e.name, e.properties, e.occurred_at, e.source from events e join people p on p.id = e.person_id
     where p.project_id = $1 and p.external_id = $2 order by e.occurred_at, e.name`,
    server.projectId,
    id,
  )
const suppressed = async () =>
  (
    await server.sql<{ address: string }>(
      'select address from suppressions where project_id = $1 order by address',
      server.projectId,
    )
  ).map(({ address }) => address)

describe('an import of events', () => {
  const file =
    'user_id,email,Event,Time,amount\ne1,e1@x.example,Bought,2026-03-01T10:00:00Z,5\n,e1@x.example,bought,1772359200,6.5\ne2,,Bought,tomorrow,1\ne2,,,2026-03-01,1\n'

  it('stores them once, with people who are missing, and starts nothing by itself', async () => {
    const ready = await server.upload(file, { kind: 'events' })
    expect(ready.columns.map(({ guess }: { guess: { to: string } }) => guess.to)).toEqual([
      'id',
      'email',
      'event',
      'time',
      'property:amount',
    ])
    const done = await server.start(ready.id)
    expect(done.counts).toEqual({
      rows: 4,
      created: 2,
      updated: 0,
      unchanged: 0,
      optedOut: 0,
      rejected: 2,
      skipped: 1,
    })
    expect(await find('e1')).toMatchObject({ email: 'e1@x.example' })
    expect(await eventsOf('e1')).toEqual([
      {
        name: 'Bought',
        properties: { amount: 5 },
        occurred_at: new Date('2026-03-01T10:00:00Z'),
        source: 'import',
      },
      {
        name: 'bought',
        properties: { amount: 6.5 },
        occurred_at: new Date('2026-03-01T10:00:00Z'),
        source: 'import',
      },
    ])
    expect(await server.rejects(done.id)).toEqual([
      [4, 'Time', expect.stringMatching(/is not a date/)],
      [5, null, 'has no event name'],
    ])
    const counted = await server.call(
      'GET',
      '/events/over-time?name=bought&from=2026-03-01T10:00:00Z&to=2026-03-01T10:30:00Z&unit=hour',
    )
    expect(counted.body.items).toEqual([{ at: '2026-03-01T10:00:00.000Z', count: 2 }])
    // Undone, they are gone, and the person who came with them.
    const undoing = await server.call('POST', `/imports/${done.id}/undo`)
    expect(undoing.body).toMatchObject({ state: 'undoing', task: { kind: 'undo_import' } })
    await server.work(undoing.body.task.id)
    expect((await server.call('GET', `/imports/${done.id}`)).body.state).toBe('undone')
    expect(await find('e1')).toBeUndefined()
    expect(
      (
        await server.call(
          'GET',
          '/events/over-time?name=bought&from=2026-03-01T10:00:00Z&to=2026-03-01T10:30:00Z&unit=hour',
        )
      ).body.items[0].count,
    ).toBe(0)
    expect((await server.call('POST', `/imports/${done.id}/undo`)).status).toBe(409)
  })

  it('with ids of their own are stored once, and start campaigns when told to', async () => {
    const template = await server.call('POST', '/templates', {
      name: 'T',
      fromAddress: 'a@x.example',
      subject: 'Hi',
      html: '<p>Hi</p>',
    })
    const campaign = await server.call('POST', '/campaigns', {
      name: 'Thanks',
      triggerEvent: 'Paid',
      templateId: template.body.id,
      state: 'live',
    })
    expect(campaign.status).toBe(201)
    const paid = 'event_id,id,amount\nx1,k1,5\nx2,k2,6\n'
    const start = {
      mapping: { event_id: { to: 'event_id' }, id: { to: 'id' }, amount: { to: 'property:amount' } },
      options: { event: 'Paid', trigger: true },
    }
    const first = await server.run(paid, { kind: 'events' }, start)
    expect(first.counts).toMatchObject({ created: 2 })
    const again = await server.run(paid, { kind: 'events' }, start)
    expect(again.counts).toMatchObject({ created: 0, unchanged: 2 })
    const messages = () =>
      server.sql<{ state: string }>('select state from messages where project_id = $1', server.projectId)
    expect((await messages()).map(({ state }) => state)).toEqual(['pending', 'pending'])
    await server.work((await server.call('POST', `/imports/${first.id}/undo`)).body.task.id)
    expect((await messages()).map(({ state }) => state)).toEqual(['skipped', 'skipped'])
    // They have messages: they stay.
    expect(await find('k1')).toBeDefined()
  })
})

describe('an import of unsubscribes', () => {
  it('reaches everybody who has the address, and comes back undone', async () => {
    await put('s1', { email: 'Shared@x.example' })
    await put('s2', { email: 'shared@x.example' })
    await put('s3', { email: 'other@x.example' })
    now = new Date(now.getTime() + 1_000)
    const done = await server.run('email\nshared@X.example\nunknown@x.example\n', { kind: 'unsubscribes' })
    expect(done.counts).toMatchObject({ updated: 1, created: 1, rejected: 0 })
    for (const id of ['s1', 's2', 'unknown@x.example'])
      expect(await find(id)).toMatchObject({ subscribed: false })
    expect(await find('s3')).toMatchObject({ subscribed: true })
    now = new Date(now.getTime() + 1_000)
    await server.call('POST', '/people/id:s2/unsubscribe')
    await server.work((await server.call('POST', `/imports/${done.id}/undo`)).body.task.id)
    expect(await find('s1')).toMatchObject({ subscribed: true })
    // Unsubscribed again by somebody else since.
    expect(await find('s2')).toMatchObject({ subscribed: false })
    expect(await find('unknown@x.example')).toBeUndefined()
  })

  it('with ids and addresses is about both, and comes back undone', async () => {
    await put('b1', { email: 'both@x.example' })
    await put('b2', { email: 'both@x.example' })
    now = new Date(now.getTime() + 1_000)
    const file = 'id,email\nb1,both@x.example\nb1,gone@x.example\n'
    const tried = await server.upload(file, { kind: 'unsubscribes' })
    expect((await server.start(tried.id, { dryRun: true })).counts).toMatchObject({ updated: 2, created: 0 })
    const done = await server.run(file, { kind: 'unsubscribes' })
    expect(done.counts).toMatchObject({ created: 0, rejected: 0 })
    now = new Date(now.getTime() + 1_000)
    await put('b3', { email: 'Both@x.example' })
    await put('b4', { email: 'gone@x.example' })
    for (const id of ['b1', 'b2', 'b3', 'b4']) expect(await find(id)).toMatchObject({ subscribed: false })
    expect(await find('gone@x.example')).toBeUndefined()
    await server.work((await server.call('POST', `/imports/${done.id}/undo`)).body.task.id)
    await put('b5', { email: 'both@x.example' })
    await put('b6', { email: 'gone@x.example' })
    for (const id of ['b1', 'b2', 'b5', 'b6']) expect(await find(id)).toMatchObject({ subscribed: true })
  })

  it('of people says the same in a column', async () => {
    await put('c1', { email: 'column@x.example' })
    now = new Date(now.getTime() + 1_000)
    await server.run('id,email,status\nc2,column@x.example,unsubscribed\nc3,column3@x.example,active\n')
    await put('c4', { email: 'column@x.example' })
    for (const id of ['c1', 'c2', 'c4']) expect(await find(id)).toMatchObject({ subscribed: false })
    expect(await find('c3')).toMatchObject({ subscribed: true })
  })
})

describe('an import of suppressions', () => {
  it('suppresses addresses whether somebody has them or not, and comes back undone', async () => {
    await put('p1', { email: 'p1@x.example' })
    await put('p2', { email: 'p2@x.example' })
    now = new Date(now.getTime() + 1_000)
    const done = await server.run(
      'id,email\np1,\n,P2@x.example\n,nobody@x.example\n,nobody@x.example\nghost,\n',
      {
        kind: 'suppressions',
      },
    )
    expect(done.counts).toEqual({
      rows: 5,
      created: 1,
      updated: 2,
      unchanged: 1,
      optedOut: 0,
      rejected: 1,
      skipped: 1,
    })
    expect(await suppressed()).toEqual(['nobody@x.example', 'p1@x.example', 'p2@x.example'])
    expect(await find('p2')).toMatchObject({ suppressed: true })
    expect(await find('nobody@x.example')).toBeUndefined()
    await server.work((await server.call('POST', `/imports/${done.id}/undo`)).body.task.id)
    expect(await suppressed()).toEqual([])
    expect(await find('p2')).toMatchObject({ suppressed: false })
  })

  it('leaves, undone, an address suppressed whose holder was suppressed since', async () => {
    await put('p3', { email: 'p3@x.example' })
    const done = await server.run('email\np3@x.example\np4@x.example\n', { kind: 'suppressions' })
    now = new Date(now.getTime() + 1_000)
    await server.call('POST', '/people/id:p3/suppress')
    await server.work((await server.call('POST', `/imports/${done.id}/undo`)).body.task.id)
    expect(await suppressed()).toEqual(['p3@x.example'])
  })
})

describe('an import of tags', () => {
  it('adds and removes them', async () => {
    await put('t1', {})
    await put('t2', {})
    await server.call('POST', '/people/id:t2/tags', { add: ['old'] })
    now = new Date(now.getTime() + 1_000)
    await server.run('id,tags\nt1,"a;b"\nt2,b\nt2,\n', { kind: 'tags' }, { options: { tagSeparator: ';' } })
    expect((await find('t1'))!.tags).toEqual(['a', 'b'])
    now = new Date(now.getTime() + 1_000)
    const removed = await server.run(
      'id\nt1\nt2\n',
      { kind: 'tags' },
      { options: { tagAction: 'remove', tags: ['b', 'old'] } },
    )
    expect((await find('t1'))!.tags).toEqual(['a'])
    expect((await find('t2'))!.tags).toEqual([])
    await server.work((await server.call('POST', `/imports/${removed.id}/undo`)).body.task.id)
    expect((await find('t2'))!.tags).toEqual(['b', 'old'])
    const { id } = await server.upload('id\nt1\n', { kind: 'tags' })
    expect((await server.call('POST', `/imports/${id}/start`, {})).body).toMatchObject({ field: 'mapping' })
  })
})

describe('an import into a segment', () => {
  it('makes people who are there members of a manual one', async () => {
    const segment = (await server.call('POST', '/segments', { name: 'Guests', manual: true })).body.id
    const size = async () => (await server.call('GET', `/segments/${segment}`)).body.size
    await put('g1', { email: 'g1@x.example' })
    await put('g2', { email: 'g2@x.example' })
    await server.call('POST', `/segments/${segment}/members`, { add: ['id:g1'], remove: [] })
    const { id } = await server.upload('id\ng1\n', { kind: 'segment' })
    expect((await server.call('POST', `/imports/${id}/start`, {})).body).toMatchObject({
      field: 'options.segment',
    })
    const done = await server.run(
      'id,email\ng1,\n,g2@x.example\nghost,\n',
      { kind: 'segment' },
      { options: { segment } },
    )
    expect(done.counts).toEqual({
      rows: 3,
      created: 0,
      updated: 1,
      unchanged: 1,
      optedOut: 0,
      rejected: 1,
      skipped: 1,
    })
    expect(await size()).toBe(2)
    expect((await eventsOf('g2')).map(({ name }) => name)).toEqual(['Entered segment: Guests'])
    now = new Date(now.getTime() + 1_000)
    // People of other imports can become members, too.
    const people = await server.run('id\ng3\n', {}, { options: { segment } })
    expect(await size()).toBe(3)
    for (const import_ of [done, people])
      await server.work((await server.call('POST', `/imports/${import_.id}/undo`)).body.task.id)
    expect(await size()).toBe(1)
    expect((await eventsOf('g2')).map(({ name }) => name)).toContain('Left segment: Guests')
  })
})

describe('an undone import of people', () => {
  it('puts back what nobody changed since, and removes who did nothing since', async () => {
    await put('u1', { email: 'u1@x.example', properties: { plan: 'free', city: 'Rome' } })
    now = new Date(now.getTime() + 1_000)
    const file =
      'id,email,plan,city,new\nu1,u1b@x.example,pro,Oslo,1\nu2,u2@x.example,pro,,\nu3,u3@x.example,pro,,\nu4,,pro,,\n'
    const first = await server.run(file)
    expect(first.counts).toMatchObject({ created: 3, updated: 1 })
    // Imported again with other values, and then started over: the former values of the first run are still known.
    now = new Date(now.getTime() + 1_000)
    await put('u1', { properties: { city: 'Paris' } })
    await put('u3', { properties: { seats: 3 } })
    await server.call('POST', '/people/id:u4/tags', { add: ['vip'] })
    now = new Date(now.getTime() + 1_000)
    await server.work((await server.call('POST', `/imports/${first.id}/undo`)).body.task.id)
    expect(await find('u1')).toMatchObject({
      email: 'u1@x.example',
      properties: { plan: 'free', city: 'Paris' },
    })
    expect((await find('u1'))!.properties).not.toHaveProperty('new')
    expect(await find('u2')).toBeUndefined()
    expect(await find('u3')).toMatchObject({ email: null, properties: { seats: 3 } })
    expect(await find('u4')).toMatchObject({ properties: {}, tags: ['vip'] })
    // And once more: the same people come.
    expect((await server.run(file)).counts).toMatchObject({ created: 1, updated: 3 })
  })
})

describe('an undone import that had given somebody another address', () => {
  const undo = async (id: number) =>
    server.work((await server.call('POST', `/imports/${id}/undo`)).body.task.id)
  const later = () => {
    now = new Date(now.getTime() + 1_000)
  }

  it('gives them back what was said by the old one meanwhile', async () => {
    await put('o1', { email: 'o1@x.example' })
    await put('o2', { email: 'o2@x.example' })
    await put('o3', { email: 'o3@x.example' })
    later()
    const moved = await server.run('id,email\no1,n1@x.example\no2,n2@x.example\no3,n3@x.example\n')
    expect(moved.counts).toMatchObject({ updated: 3 })
    later()
    await server.run('email\nO1@x.example\n', { kind: 'unsubscribes' })
    await server.run('email\no2@x.example\n', { kind: 'suppressions' })
    later()
    expect(await find('o1')).toMatchObject({ email: 'n1@x.example', subscribed: true })
    await undo(moved.id)
    expect(await find('o1')).toMatchObject({ email: 'o1@x.example', subscribed: false })
    expect(await suppressed()).toContain('o2@x.example')
    expect(await find('o3')).toMatchObject({ email: 'o3@x.example', subscribed: true, suppressed: false })
    // Whom the address stood for meanwhile is them.
    expect(await find('o1@x.example')).toBeUndefined()
    expect(
      await server.sql(
        `select c.kind, c.detail from person_changes c join people p on p.id = c.person_id
         where p.project_id = $1 and p.external_id = 'o1' and c.kind = 'subscription' and c.at = $2`,
        server.projectId,
        now,
      ),
    ).toEqual([{ kind: 'subscription', detail: { subscribed: false } }])
  })

  it('does not hold against them what it said by the old one itself', async () => {
    await put('o4', { email: 'o4@x.example' })
    later()
    const both = await server.run('id,email,subscribed\n,o4@x.example,no\no4,n4@x.example,\n')
    expect(both.counts.rejected).toBe(0)
    expect(await find('o4')).toMatchObject({ email: 'n4@x.example' })
    await undo(both.id)
    expect(await find('o4')).toMatchObject({ email: 'o4@x.example', subscribed: true })
  })
})

it('what an import keeps for corrections and for undoing is gone after 30 days', async () => {
  const done = await server.run('id,email\nold1,\nold2,nothing\n')
  const kept = async () =>
    (
      await server.sql<{ count: number }>(
        `select (select count(*) from import_rejects where import_id = $1)
           + (select count(*) from import_changes where import_id = $1) as count`,
        done.id,
      )
    )[0]!.count
  const waiting = await server.upload('id\nw1\n')
  now = new Date(now.getTime() + 29 * 86_400_000)
  await maintainImports(server.app)
  expect(await kept()).toBe(2)
  now = new Date(now.getTime() + 2 * 86_400_000)
  await maintainImports(server.app)
  await maintainFiles(server.app)
  expect(await kept()).toBe(0)
  expect((await server.call('POST', `/imports/${done.id}/undo`)).status).toBe(409)
  expect(await server.sql('select from file_chunks')).toHaveLength(0)
  expect((await server.call('GET', `/imports/${waiting.id}`)).body).toMatchObject({
    state: 'cancelled',
    message: expect.stringMatching(/not started within 7 days/),
  })
  for (let open = 0; open < 50; open++) await server.call('POST', '/imports', { kind: 'people' })
  expect((await server.call('POST', '/imports', { kind: 'people' })).status).toBe(409)
})
