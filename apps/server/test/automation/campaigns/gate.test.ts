import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteCampaign, updateCampaign } from '../../../src/automation/campaigns/campaigns.ts'
import { dayMs, openShop, type Shop } from './support.ts'

let shop: Shop
beforeAll(async () => void (shop = await openShop()))
afterAll(() => shop?.close())

/** Enrols one person per event and returns the message ids in the order of `people`. */
async function enrolAll(campaignId: number, trigger: string, people: number[], properties = {}) {
  const events = []
  for (const person of people) events.push(await shop.addEvent(person, trigger, properties))
  await shop.enrol(events)
  const messages = await shop.messages(campaignId)
  return events.map(({ id }) => messages.find(({ eventId }) => eventId === id)!.id)
}

const settle = (id: string, state: string, at = shop.clock.now) =>
  shop.app.pool.query(
    `update messages set state = $3, settled_at = case when $3 = 'claimed' then null else $4::timestamptz end,
       claimed_at = $4 where project_id = $1 and id = $2`,
    [shop.projectId, id, state, at],
  )

const later = (ms: number) => {
  shop.clock.now = new Date(shop.clock.now.getTime() + ms)
}

test('conditions on the person and the trigger event, with the reason', async () => {
  const campaign = await shop.addCampaign({
    triggerEvent: 'g1',
    conditions: {
      all: [
        { person: 'plan', operator: 'equals', value: 'pro' },
        { any: [{ tag: 'vip' }, { trigger: 'price', operator: '>=', value: 100 }] },
      ],
    },
  })
  const vip = await shop.addPerson({ properties: { plan: 'pro' }, tags: ['vip'] })
  const free = await shop.addPerson({ properties: { plan: 'free' } })
  const pro = await shop.addPerson({ properties: { plan: 'pro' } })
  const ids = await enrolAll(campaign.id, 'g1', [vip, free, pro], { price: 20 })
  expect(await shop.gate(ids)).toEqual([
    'send',
    'condition false: person.plan equals "pro"',
    'condition false: (has tag "vip" or trigger.price >= 100)',
  ])
  // As they are now, not as they were at the event.
  await shop.app.pool.query(
    `update people set properties = '{"plan":"pro"}', tags = '{vip}' where project_id = $1`,
    [shop.projectId],
  )
  expect(await shop.gate(ids)).toEqual(['send', 'send', 'send'])
})

test('did and did not since the trigger, about the same thing', async () => {
  const campaign = await shop.addCampaign({
    triggerEvent: 'g2 cart',
    conditions: { event: 'g2 bought', did: false, within: 'since_trigger', scopedBy: 'sku' },
  })
  const people = await Promise.all([shop.addPerson(), shop.addPerson(), shop.addPerson()])
  const [bought, boughtOther, earlier] = people as [number, number, number]
  await shop.addEvent(earlier, 'g2_bought', { sku: 'shoe' }, new Date(shop.clock.now.getTime() - 1))
  const ids = await enrolAll(campaign.id, 'g2_cart', people, { sku: 'shoe' })
  await shop.addEvent(bought, 'G2 Bought', { sku: 'shoe' })
  await shop.addEvent(boughtOther, 'G2 Bought', { sku: 'hat' })
  expect(await shop.gate(ids)).toEqual([
    `condition false: did not do "g2 bought" with the trigger's sku since the trigger`,
    'send',
    'send',
  ])
})

test('counts within a moving window', async () => {
  const campaign = await shop.addCampaign({
    triggerEvent: 'g3',
    conditions: { event: 'g3 viewed', count: { operator: '>=', value: 2 }, within: { last: { days: 3 } } },
  })
  const person = await shop.addPerson()
  for (const days of [1, 2]) {
    await shop.addEvent(person, 'g3 viewed', {}, new Date(shop.clock.now.getTime() - days * dayMs))
  }
  const ids = await enrolAll(campaign.id, 'g3', [person])
  expect(await shop.gate(ids)).toEqual(['send'])
  later(1.5 * dayMs)
  expect(await shop.gate(ids)).toEqual(['condition false: did "g3 viewed" >= 2 times in the last 3 days'])
})

test('only a running campaign sends', async () => {
  const campaign = await shop.addCampaign({ triggerEvent: 'g4' })
  const person = await shop.addPerson()
  const ids = await enrolAll(campaign.id, 'g4', [person])
  const change = (state: 'off' | 'test' | 'live') =>
    updateCampaign(shop.app, shop.projectId, campaign.id, { state })
  await change('off')
  expect(await shop.gate(ids)).toEqual(['campaign off'])
  await change('test')
  expect(await shop.gate(ids)).toEqual(['campaign in test'])
  const tests = await enrolAll(campaign.id, 'g4', [person])
  expect(await shop.gate(tests)).toEqual(['send'])
  await change('live')
  expect(await shop.gate(ids)).toEqual(['send'])
  await shop.app.pool.query('delete from people where project_id = $1 and id = $2', [shop.projectId, person])
  expect(await shop.gate(ids)).toEqual(['the person was deleted'])
  await deleteCampaign(shop.app, shop.projectId, campaign.id)
  expect(await shop.gate(ids)).toEqual(['campaign deleted'])
})

test('not again within days, also for what left before there was a rule', async () => {
  const campaign = await shop.addCampaign({ triggerEvent: 'g5' })
  const [person, neighbour] = [await shop.addPerson(), await shop.addPerson()]
  const [first] = await enrolAll(campaign.id, 'g5', [person])
  expect(await shop.gate([first!])).toEqual(['send'])
  await settle(first!, 'sent')
  const frequency = { notAgainWithinDays: 7 }
  await updateCampaign(shop.app, shop.projectId, campaign.id, { frequency })
  later(2 * dayMs)
  const [second, other] = await enrolAll(campaign.id, 'g5', [person, neighbour])
  expect(await shop.gate([second!, other!])).toEqual(['frequency: sent 2 days ago', 'send'])
  later(5 * dayMs - 1)
  expect(await shop.gate([second!])).toEqual(['frequency: sent 6 days ago'])
  later(1)
  expect(await shop.gate([second!])).toEqual(['send'])

  await updateCampaign(shop.app, shop.projectId, campaign.id, { frequency: { notAgainWithinDays: -1 } })
  later(3_000 * dayMs)
  const [third] = await enrolAll(campaign.id, 'g5', [person])
  expect(await shop.gate([third!])).toEqual(['frequency: sent 3007 days ago'])
  later(-3_007 * dayMs)
})

test('siblings in one batch: the first is sent; once it ended unsent, the next may', async () => {
  const campaign = await shop.addCampaign({ triggerEvent: 'g6', frequency: { notAgainWithinDays: 1 } })
  const person = await shop.addPerson()
  const [a, b, c] = (await enrolAll(campaign.id, 'g6', [person, person, person])) as [string, string, string]
  const held = 'frequency: another one is being sent'
  expect(await shop.gate([a, b, c])).toEqual(['send', held, held])
  // A redelivered job asks again, a sibling in vain.
  expect(await shop.gate([a])).toEqual(['send'])
  expect(await shop.gate([b])).toEqual([held])
  await settle(a, 'claimed')
  expect(await shop.gate([b])).toEqual(['frequency: sent just now'])
  await settle(a, 'failed')
  expect(await shop.gate([b, c])).toEqual(['send', held])
  await settle(b, 'skipped')
  expect(await shop.gate([c])).toEqual(['send'])
  await settle(c, 'unknown')
  const [d] = await enrolAll(campaign.id, 'g6', [person])
  expect(await shop.gate([d!])).toEqual(['frequency: sent just now'])
})

test('of many batches at the same moment, one message gets through', async () => {
  const campaign = await shop.addCampaign({ triggerEvent: 'g7', frequency: { notAgainWithinDays: -1 } })
  const people = await Promise.all(Array.from({ length: 8 }, () => shop.addPerson()))
  const copies: string[][] = []
  for (let copy = 0; copy < 8; copy++) copies.push(await enrolAll(campaign.id, 'g7', people))
  // Each batch in another order, which would deadlock if rows were taken in that order.
  const batches = copies.map((ids, index) => [...ids.slice(index), ...ids.slice(0, index)])
  const verdicts = await Promise.all(batches.map((ids) => shop.gate(ids)))
  const winners = batches.flatMap((ids, batch) =>
    ids.filter((_, place) => verdicts[batch]![place] === 'send'),
  )
  const messages = await shop.messages(campaign.id)
  const winningPeople = winners.map((id) => messages.find((message) => message.id === id)!.personId)
  expect(winningPeople.sort()).toEqual([...people].sort())
})

test('test sends neither block real ones nor are blocked by them', async () => {
  const campaign = await shop.addCampaign({
    triggerEvent: 'g8',
    state: 'test',
    frequency: { notAgainWithinDays: 7 },
  })
  const person = await shop.addPerson()
  const [tried, triedAgain] = (await enrolAll(campaign.id, 'g8', [person, person])) as [string, string]
  expect(await shop.gate([tried])).toEqual(['send'])
  await settle(tried, 'sent')
  expect(await shop.gate([triedAgain])).toEqual(['frequency: sent just now'])
  await updateCampaign(shop.app, shop.projectId, campaign.id, { state: 'live' })
  const [real] = await enrolAll(campaign.id, 'g8', [person])
  expect(await shop.gate([real!])).toEqual(['send'])
})

test('gating a batch costs five statements, however many messages it has', async () => {
  const campaign = await shop.addCampaign({
    triggerEvent: 'g9',
    frequency: { notAgainWithinDays: 7 },
    conditions: {
      all: [
        { event: 'g9 left', did: false, within: 'since_trigger' },
        { event: 'g9', count: { operator: '<', value: 3 }, within: { last: { days: 1 } } },
      ],
    },
  })
  const people = await Promise.all(Array.from({ length: 25 }, () => shop.addPerson()))
  const ids: string[] = []
  for (let turn = 0; turn < 2; turn++) ids.push(...(await enrolAll(campaign.id, 'g9', people)))
  const query = shop.app.pool.query.bind(shop.app.pool)
  let statements = 0
  shop.app.pool.query = ((...input: Parameters<typeof query>) => {
    statements++
    return query(...input)
  }) as typeof query
  const verdicts = await shop.gate(ids)
  shop.app.pool.query = query
  expect(verdicts.filter((verdict) => verdict === 'send')).toHaveLength(25)
  // Two of them load what is handed to the gate.
  expect(statements - 2).toBe(5)
})
