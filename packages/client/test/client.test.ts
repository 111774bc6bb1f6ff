import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../testing/server.ts'
import { until } from '../../../testing/until.ts'
import { Fairway, FairwayError, type Person } from '../src/index.ts'

let server: TestServer
let fairway: Fairway

beforeAll(async () => {
  server = await startTestServer()
  fairway = new Fairway({ url: server.url, project: server.projectId, secretKey: server.secretKey })
})
afterAll(() => server?.close())

const all = async <Item>(list: AsyncIterable<Item>): Promise<Item[]> => {
  const items: Item[] = []
  for await (const item of list) items.push(item)
  return items
}
const refusal = async (work: Promise<unknown>): Promise<FairwayError> => {
  const error = await work.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(FairwayError)
  return error as FairwayError
}

describe('events', () => {
  it('make people and are listed', async () => {
    await fairway.events.identify({ person: '1', email: 'ada@example.com', properties: { plan: 'pro' } })
    const call = { person: '1', event: 'Purchased item', properties: { item: 'Tea' }, messageId: 'order-1' }
    await fairway.events.track(call)
    await fairway.events.track(call)
    await until(async () => (await all(fairway.events.list({ name: 'purchased_item' }))).length > 0)
    const person = await fairway.people.get('1')
    expect(person).toMatchObject({ externalId: '1', email: 'ada@example.com', properties: { plan: 'pro' } })
    const [event, ...more] = await all(fairway.events.list({ person: person.id }))
    expect(event).toMatchObject({ name: 'Purchased item', properties: { item: 'Tea' }, personId: person.id })
    expect(more, 'the same messageId').toEqual([])
    expect((await all(fairway.people.timeline('1'))).map(({ kind }) => kind)).toContain('event')
  })
})

describe('people', () => {
  it('are saved, found, changed, merged and erased', async () => {
    const saved = await fairway.people.save('b-1', { email: 'bob@example.com', topics: { news: true } })
    expect(saved).toMatchObject({ externalId: 'b-1', topics: { news: true } })
    expect(await fairway.people.update(saved.id, { language: 'de' })).toMatchObject({ language: 'de' })
    expect((await fairway.people.tag('b-1', { add: ['vip', 'new'], remove: ['old'] })).tags).toEqual([
      'new',
      'vip',
    ])
    expect((await fairway.people.unsubscribe('b-1')).subscribed).toBe(false)
    expect((await fairway.people.subscribe('b-1')).subscribed).toBe(true)
    expect((await fairway.people.suppress('b-1')).suppressed).not.toBeNull()
    expect((await fairway.people.unsuppress('b-1')).suppressed).toBeNull()
    expect((await all(fairway.people.list({ search: 'bob@' }))).map(({ id }) => id)).toEqual([saved.id])
    expect((await all(fairway.people.find({ conditions: { tag: 'vip' } }))).map(({ id }) => id)).toEqual([
      saved.id,
    ])
    expect(await fairway.people.count({ search: 'bob@' })).toEqual({ count: 1, more: false })
    await fairway.people.save('b-2', {})
    expect((await fairway.people.merge('b-1', 'b-2')).aliases.map(({ alias }) => alias)).toContain('b-2')
    expect((await fairway.people.erase('b-1')).removed).toMatchObject({ people: expect.any(Number) })
    expect(await refusal(fairway.people.get('b-1'))).toMatchObject({ status: 404, code: 'not_found' })
  })

  it('are walked page by page', async () => {
    for (let i = 0; i < 5; i++) await fairway.people.save(`walk-${i}`, { email: `walk-${i}@example.com` })
    const list = fairway.people.list({ search: 'walk-', limit: 2 })
    const ids = (people: Person[]) => people.map(({ externalId }) => externalId).sort()
    expect(ids(await all(list))).toEqual(['walk-0', 'walk-1', 'walk-2', 'walk-3', 'walk-4'])
    const first = await list.page()
    const second = await list.page(first.nextCursor!)
    expect(first.items).toHaveLength(2)
    expect(first.items.map(({ id }) => id)).not.toContain(second.items[0]!.id)
  })

  it('that are wrong are refused with the field', async () => {
    expect(await refusal(fairway.people.save('x', { timezone: 'Nowhere' }))).toMatchObject({
      status: 422,
      code: 'invalid_field',
      field: 'timezone',
      requestId: expect.any(String),
    })
  })
})

describe('messages', () => {
  const mail = {
    to: 'ada@example.com',
    from: 'Shop <shop@example.com>',
    subject: 'Hi {{ trigger.name }}',
    html: '<p>Hi',
  }

  it('are sent, told and listed', async () => {
    const { id } = await fairway.messages.sendEmail({ ...mail, data: { name: 'Ada' }, text: 'Hi' })
    await until(async () => (await fairway.messages.get(id)).state === 'sent')
    const found = await all(fairway.messages.list({ state: 'sent', class: 'transactional' }))
    expect(found.find((message) => message.id === id)).toMatchObject({
      subject: 'Hi Ada',
      provider: 'sandbox',
    })
    expect(await refusal(fairway.messages.retry(id))).toMatchObject({ status: 409 })
  })

  it('with one key are one, and another request with it is refused', async () => {
    const keyed = { ...mail, idempotencyKey: 'receipt-1' }
    const first = await fairway.messages.sendEmail(keyed)
    expect((await fairway.messages.sendEmail(keyed)).id).toBe(first.id)
    expect(await refusal(fairway.messages.sendEmail({ ...keyed, subject: 'Other' }))).toMatchObject({
      status: 422,
    })
    expect((await fairway.messages.sendEmail(mail)).id).not.toBe((await fairway.messages.sendEmail(mail)).id)
  })

  it('that are wrong are refused with the field', async () => {
    expect(await refusal(fairway.messages.sendEmail({ ...mail, to: 'nobody' }))).toMatchObject({
      status: 400,
      field: 'to',
    })
  })
})

describe('campaigns', () => {
  it('are made, changed, reported and deleted', async () => {
    const { rows } = await server.app.pool.query<{ id: number }>(
      `insert into templates (project_id, name, subject, html) values ($1, 'T', 'Hi', '<p>Hi') returning id`,
      [server.projectId],
    )
    const campaign = await fairway.campaigns.create({
      name: 'Thanks',
      triggerEvent: 'Bought',
      wait: { kind: 'after', days: 1 },
      templateId: rows[0]!.id,
      conditions: { tag: 'vip' },
    })
    expect(campaign).toMatchObject({ state: 'off', wait: { kind: 'after', days: 1 } })
    const changed = await fairway.campaigns.update(campaign.id, {
      state: 'test',
      updatedAt: campaign.updatedAt,
    })
    expect(await fairway.campaigns.get(campaign.id)).toEqual(changed)
    const stale = { name: 'Other', updatedAt: campaign.updatedAt }
    expect(await refusal(fairway.campaigns.update(campaign.id, stale))).toMatchObject({
      code: 'changed_meanwhile',
    })
    expect((await all(fairway.campaigns.list())).map(({ name }) => name)).toEqual(['Thanks'])
    expect(await fairway.campaigns.report(campaign.id, { from: new Date(0) })).toMatchObject({ total: 0 })
    expect(await all(fairway.campaigns.messages(campaign.id))).toEqual([])
    await fairway.campaigns.delete(campaign.id)
    expect(await refusal(fairway.campaigns.get(campaign.id))).toMatchObject({ status: 404 })
  })
})

describe('segments', () => {
  it('are kept by conditions or by hand', async () => {
    const { id: person } = await fairway.people.save('s-1', {})
    await fairway.people.tag('s-1', { add: ['regular'] })
    const conditions = { tag: 'regular' }
    expect(await fairway.segments.preview(conditions, { exact: true })).toMatchObject({
      count: 1,
      exact: true,
    })
    const made = await fairway.segments.create({ name: 'Regulars', conditions })
    await until(async () => (await fairway.segments.get(made.id)).state === 'ready')
    expect((await all(fairway.segments.members(made.id))).map((member) => member.person.id)).toEqual([person])
    const list = await fairway.segments.create({ name: 'By hand', manual: true })
    expect(await fairway.segments.changeMembers(list.id, { add: ['s-1', person] })).toMatchObject({ size: 1 })
    expect(await fairway.segments.update(list.id, { name: 'Ours' })).toMatchObject({ name: 'Ours' })
    expect((await all(fairway.segments.list())).map(({ name }) => name)).toEqual(['Ours', 'Regulars'])
    const user = await fairway.segments.create({ name: 'Users', conditions: { segment: list.id } })
    const refused = await refusal(fairway.segments.delete(list.id))
    expect(refused).toMatchObject({ status: 409, problem: { usedBy: [{ kind: 'segment', id: user.id }] } })
    for (const { id } of [user, list, made]) await fairway.segments.delete(id)
    expect(await all(fairway.segments.list())).toEqual([])
  })
})

describe('suppressions', () => {
  it('are added, listed and removed', async () => {
    expect(await fairway.suppressions.add('Gone@Example.com', 'by phone')).toMatchObject({
      address: 'gone@example.com',
      reason: 'by phone',
    })
    expect(await all(fairway.suppressions.list({ search: 'gone@' }))).toHaveLength(1)
    await fairway.suppressions.remove('gone@example.com')
    expect(await all(fairway.suppressions.list({ search: 'gone@' }))).toEqual([])
  })
})

it('another key is told so', async () => {
  const other = new Fairway({ url: server.url, project: server.projectId, secretKey: 'fw_secret_unknown' })
  expect(await refusal(other.people.get('1'))).toMatchObject({ status: 401, code: 'unauthorized' })
})
