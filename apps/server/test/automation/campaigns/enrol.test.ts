import { afterAll, beforeAll, expect, test } from 'vitest'
import { updateCampaign } from '../../../src/automation/campaigns/campaigns.ts'
import { enrolTriggered } from '../../../src/automation/campaigns/enrol.ts'
import { dayMs, openShop, type Shop } from './support.ts'

let shop: Shop
beforeAll(async () => void (shop = await openShop()))
afterAll(() => shop?.close())

/** Added in a transaction, jobs are scheduled before they wait. */
const countJobs = async (lane: string) => {
  const stats = (await shop.app.queue.stats()).find((row) => row.lane === lane)
  return stats ? stats.waitingJobs + stats.scheduledJobs : 0
}

test('an event enrols in every running campaign of its folded name, once however often it is processed', async () => {
  const live = await shop.addCampaign({ triggerEvent: 'Fold me' })
  const tested = await shop.addCampaign({ triggerEvent: 'fold_me', state: 'test' })
  const off = await shop.addCampaign({ triggerEvent: 'fold-me', state: 'off' })
  const other = await shop.addCampaign({ triggerEvent: 'fold me not' })
  const person = await shop.addPerson()
  const before = await countJobs('automation')
  const events = [
    await shop.addEvent(person, 'FOLD  me', { sku: 'a' }),
    await shop.addEvent(person, 'fold-me'),
  ]
  await shop.enrol(events)
  await shop.enrol(events)

  const messages = await shop.messages(live.id)
  expect(messages).toHaveLength(2)
  expect(messages.find(({ eventId }) => eventId === events[0]!.id)).toMatchObject({
    class: 'behavioral',
    origin: 'campaign',
    consent: { kind: 'marketing' },
    state: 'pending',
    personId: person,
    eventAt: shop.clock.now,
    dueAt: shop.clock.now,
    test: false,
    input: { event: { name: 'FOLD  me', properties: { sku: 'a' } } },
  })
  expect((await shop.messages(tested.id)).map(({ test }) => test)).toEqual([true, true])
  expect(await shop.messages(off.id)).toEqual([])
  expect(await shop.messages(other.id)).toEqual([])
  const after = await countJobs('automation')
  expect(after - before).toBe(4)
})

test('waits schedule the job, and a wait that leads nowhere is recorded', async () => {
  const wait = { kind: 'at_local_time', time: '09:00' }
  const morning = await shop.addCampaign({ triggerEvent: 'waiting', wait })
  const renewal = await shop.addCampaign({
    triggerEvent: 'waiting',
    transactional: true,
    wait: { kind: 'until_property', of: 'person', property: 'renews_at', offsetSeconds: -3_600 },
  })
  const tokyo = await shop.addPerson({
    timezone: 'Asia/Tokyo',
    properties: { renews_at: '2026-12-01T09:00:00Z' },
  })
  const nowhere = await shop.addPerson()
  const before = await Promise.all([countJobs('automation'), countJobs('transactional')])
  await shop.enrol([await shop.addEvent(tokyo, 'Waiting'), await shop.addEvent(nowhere, 'Waiting')])

  const dues = (await shop.messages(morning.id)).map(({ personId, dueAt }) => [personId, dueAt.toISOString()])
  expect(new Map(dues as [number, string][])).toEqual(
    new Map([
      [tokyo, '2026-11-24T00:00:00.000Z'],
      [nowhere, '2026-11-24T09:00:00.000Z'],
    ]),
  )
  const renewals = await shop.messages(renewal.id)
  expect(renewals.find(({ personId }) => personId === tokyo)).toMatchObject({
    state: 'pending',
    dueAt: new Date('2026-12-01T08:00:00Z'),
  })
  expect(renewals.find(({ personId }) => personId === nowhere)).toMatchObject({
    state: 'skipped',
    reason: 'wait: person.renews_at is not a date',
  })
  const after = await Promise.all([countJobs('automation'), countJobs('transactional')])
  expect(after[0] - before[0]).toBe(2)
  expect(after[1] - before[1]).toBe(1)
})

test('switching counts from its commit on', async () => {
  const campaign = await shop.addCampaign({ triggerEvent: 'switched' })
  const person = await shop.addPerson()
  await shop.enrol([await shop.addEvent(person, 'switched')])
  await updateCampaign(shop.app, shop.projectId, campaign.id, { state: 'off' })
  await shop.enrol([await shop.addEvent(person, 'switched')])
  expect(await shop.messages(campaign.id)).toHaveLength(1)
  await updateCampaign(shop.app, shop.projectId, campaign.id, { state: 'live' })
  await shop.enrol([await shop.addEvent(person, 'switched')])
  expect(await shop.messages(campaign.id)).toHaveLength(2)
})

test('costs one statement when nothing waits for the events, and no event costs none', async () => {
  const person = await shop.addPerson()
  const event = await shop.addEvent(person, 'ignored by all')
  let statements = 0
  const client = {
    query: (text: string, values?: unknown[]) => {
      statements++
      return shop.app.pool.query(text, values)
    },
  }
  await enrolTriggered(shop.app, client, shop.projectId, [])
  expect(statements).toBe(0)
  await enrolTriggered(shop.app, client, shop.projectId, [event])
  expect(statements).toBe(1)
})

test('a large batch of many campaigns is written in chunks, all or nothing', async () => {
  const campaigns = await Promise.all(
    Array.from({ length: 4 }, () =>
      shop.addCampaign({ triggerEvent: 'crowd', wait: { kind: 'after', days: 1 } }),
    ),
  )
  const person = await shop.addPerson()
  const events = await Promise.all(Array.from({ length: 300 }, () => shop.addEvent(person, 'crowd')))
  await shop.enrol(events)
  for (const { id } of campaigns) {
    const messages = await shop.messages(id)
    expect(messages).toHaveLength(300)
    expect(new Set(messages.map(({ dueAt }) => dueAt.getTime()))).toEqual(
      new Set([shop.clock.now.getTime() + dayMs]),
    )
  }
})
