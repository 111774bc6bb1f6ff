import type { Client } from './client.ts'

const names = [
  'Ada',
  'Ben',
  'Chioma',
  'Dara',
  'Emil',
  'Farah',
  'Goran',
  'Hana',
  'Ines',
  'Jonas',
  'Kiri',
  'Luis',
]
const items = ['Ethiopia Yirgacheffe', 'Decaf Huila', 'Cold Brew Kit', 'Hand Grinder', 'Paper Filters']
const pick = <T>(values: T[]): T => values[Math.floor(Math.random() * values.length)]!
const person = (n: number) => ({
  id: `c-${n}`,
  first_name: names[n % names.length]!,
  email: `customer${n}@example.com`,
})

/** Runs `act` about `perSecond` times a second until stopped; calls never pile up. */
function repeat(perSecond: number, act: () => Promise<void>, stopped: () => boolean): Promise<void> {
  return (async () => {
    while (!stopped()) {
      const pause = new Promise((resolve) => setTimeout(resolve, (1_000 / perSecond) * (0.5 + Math.random())))
      await Promise.all([act().catch(() => {}), pause])
    }
  })()
}

/** People look, put things into carts, and some buy. */
export const shopTraffic = (shop: Client, stopped: () => boolean) =>
  repeat(
    8,
    async () => {
      const { id, first_name, email } = person(Math.floor(Math.random() * 400))
      const item = pick(items)
      const details = { item, price: 5 + Math.floor(Math.random() * 300) / 10 }
      await shop.identify(id, email, { first_name, city: pick(['Oslo', 'Lisbon', 'Graz']) })
      await shop.event(id, 'Viewed item', details)
      if (Math.random() < 0.5) await shop.event(id, 'Added to cart', details)
      if (Math.random() < 0.3) await shop.event(id, 'Purchased item', details)
    },
    stopped,
  )

/** Product events in small batches, and now and then somebody forgot a password. */
export const softwareTraffic = (software: Client, stopped: () => boolean) =>
  repeat(
    5,
    async () => {
      const { id, first_name, email } = person(Math.floor(Math.random() * 200))
      const event = (name: string) => ({
        type: 'track',
        userId: id,
        event: name,
        properties: { plan: pick(['free', 'team']) },
      })
      await software.batch([
        { type: 'identify', userId: id, traits: { first_name, email } },
        event('Opened project'),
        event('Exported image'),
      ])
      if (Math.random() < 0.4)
        await software.sendEmail({
          transactional_message_id: 'password-reset',
          to: email,
          identifiers: { id },
          message_data: { code: String(Math.floor(100_000 + Math.random() * 900_000)) },
        })
    },
    stopped,
  )

/** One customer's script gone wrong: as fast as the server takes it. */
export async function flood(noisy: Client, events: number, stopped: () => boolean): Promise<void> {
  let next = 0
  const send = async () => {
    while (next < events && !stopped()) {
      const from = next
      next += 500
      await noisy.batch(
        Array.from({ length: Math.min(500, events - from) }, (_, n) => ({
          type: 'track',
          userId: `bot-${(from + n) % 20_000}`,
          event: 'Sensor reading',
          properties: { value: from + n, unit: 'ms', device: `d-${(from + n) % 300}` },
        })),
      )
    }
  }
  await Promise.all([send(), send()])
}
