import { createRequire } from 'node:module'
import type { Tracker as VeroTracker } from '@getvero/tracking'
import { simpleParser } from 'mailparser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../../../testing/until.ts'
import { dayMs, openShop, type Shop } from './support.ts'

// The package's ES module guards its exports with a proxy that vitest's loader trips over.
const { Tracker } = createRequire(import.meta.url)('@getvero/tracking') as { Tracker: typeof VeroTracker }

let shop: Shop
let tracker: VeroTracker

beforeAll(async () => {
  shop = await openShop('all')
  tracker = new Tracker({ trackingApiKey: shop.trackingKey, trackingApiBaseUrl: shop.url })
})
afterAll(() => shop?.close())

/** By the server's clock, as if the client's agreed with it. */
const track = (userId: string, eventName: string, data: Record<string, string> = {}) =>
  tracker.event.track({
    identity: { userId, email: `${userId}@example.com` },
    eventName,
    data,
    extras: { source: 'test', createdAt: shop.clock.now.toISOString() },
  })

const settled = (campaignId: number, count: number) =>
  until(async () => {
    const messages = await shop.messages(campaignId)
    const done = messages.filter(({ state }) => state !== 'pending' && state !== 'claimed')
    return done.length === count && messages
  })

const mailTo = async (address: string) => {
  const { rows } = await shop.app.pool.query<{ source: Buffer }>(
    'select source from mailbox where project_id = $1 and $2 = any(envelope_to) order by id',
    [shop.projectId, address],
  )
  return Promise.all(rows.map(({ source }) => simpleParser(source)))
}

test('an event becomes a mail after its wait, unless the person did what it asks for', async () => {
  const campaign = await shop.addCampaign({
    triggerEvent: 'Added to cart',
    wait: { kind: 'after', days: 1 },
    conditions: {
      all: [
        { event: 'Purchased item', did: false, within: 'since_trigger', scopedBy: 'sku' },
        { person: 'plan', operator: 'not_equals', value: 'internal' },
      ],
    },
    frequency: { notAgainWithinDays: 7 },
  })
  await tracker.user.identify({ id: 'ada', email: 'ada@example.com', data: { first_name: 'Ada' } })
  await tracker.user.identify({ id: 'bob', email: 'bob@example.com', data: { first_name: 'Bob' } })
  await tracker.user.identify({ id: 'eve', email: 'eve@example.com', data: { plan: 'internal' } })
  for (const person of ['ada', 'bob', 'eve']) await track(person, 'added_to_cart', { sku: 'shoe' })
  await until(async () => (await shop.messages(campaign.id)).length === 3)

  shop.clock.now = new Date(shop.clock.now.getTime() + dayMs / 2)
  await track('bob', 'Purchased item', { sku: 'shoe' })
  await until(async () => {
    const { rowCount } = await shop.app.pool.query(
      `select from events where project_id = $1 and folded_name = 'purchased item'`,
      [shop.projectId],
    )
    return rowCount === 1
  })
  expect((await shop.messages(campaign.id)).map(({ state }) => state)).toEqual([
    'pending',
    'pending',
    'pending',
  ])

  shop.clock.now = new Date(shop.clock.now.getTime() + dayMs)
  const messages = await settled(campaign.id, 3)
  expect(messages.map(({ state, reason }) => [state, reason]).sort()).toEqual([
    ['sent', null],
    ['skipped', 'condition false: did not do "Purchased item" with the trigger\'s sku since the trigger'],
    ['skipped', 'condition false: person.plan does not equal "internal"'],
  ])
  const [mail, ...more] = await mailTo('ada@example.com')
  expect(more).toEqual([])
  expect(mail).toMatchObject({ subject: 'About shoe', html: expect.stringContaining('Hi Ada') })

  // Again within the week: the frequency rule stops it.
  await track('ada', 'Added to cart', { sku: 'hat' })
  await until(async () => (await shop.messages(campaign.id)).length === 4)
  shop.clock.now = new Date(shop.clock.now.getTime() + 2 * dayMs)
  const after = await settled(campaign.id, 4)
  expect(after.map(({ reason }) => reason)).toContain('frequency: sent 2 days ago')
  expect(await mailTo('ada@example.com')).toHaveLength(1)
})

test('a campaign in test sends to the test address alone, at once', async () => {
  await shop.app.pool.query(
    `update projects set mode = 'live', test_address = 'tester@example.com' where id = $1`,
    [shop.projectId],
  )
  const campaign = await shop.addCampaign({ triggerEvent: 'Signed up', state: 'test' })
  await track('zoe', 'Signed up', { sku: 'trial' })
  const [message] = await settled(campaign.id, 1)
  expect(message).toMatchObject({ state: 'sent', test: true })
  expect(await mailTo('zoe@example.com')).toEqual([])
  expect(await mailTo('tester@example.com')).toHaveLength(1)
})
