import { setTimeout as sleep } from 'node:timers/promises'

const tickMs = 50
const eventsPerBatch = 5
const batchesPerTick = 2
const ticksPerCode = 4
/** While the server is away requests pile up to here, and then the client waits. */
const maxUnderWay = 200
const patienceMs = 30_000

/** One event in this many triggers the campaign. */
export const eventsPerPurchase = 10
export const people = 500

export interface SteadyClient {
  /** Numbers of the events that were answered with a 2xx at least once. */
  acceptedEvents: Set<number>
  /** Idempotency keys of the mails that were, `code-N`. */
  acceptedCodes: Set<string>
  /** Requests that were cut off or refused and were made again. */
  readonly repeated: number
  /** Sends nothing new; resolves when everything under way was accepted. Rejects when a request was bad. */
  finish(): Promise<void>
}

/**
 * 200 events and 5 transactional mails a second. What is not answered with a 2xx is sent again under the same id until it
 * is, as the vendors' libraries do.
 */
export function startClient(url: string, keys: { trackingKey: string; secretKey: string }): SteadyClient {
  const acceptedEvents = new Set<number>()
  const acceptedCodes = new Set<string>()
  let repeated = 0
  let running = true

  async function untilAccepted(path: string, headers: Record<string, string>, body: unknown): Promise<void> {
    for (;;) {
      const response = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(patienceMs),
      }).catch(() => undefined)
      // The status alone counts: the server may die while it sends the rest.
      const reason = await response?.text().catch(() => '')
      if (response?.ok) return
      if (response && response.status < 500 && response.status !== 429)
        throw new Error(`${path}: ${response.status} ${reason}`)
      repeated++
      await sleep(50 + Math.random() * 100)
    }
  }

  async function sendEvents(from: number): Promise<void> {
    const numbers = Array.from({ length: eventsPerBatch }, (_, index) => from + index)
    const timestamp = new Date().toISOString()
    const batch = numbers.map((number) => ({
      type: 'track',
      userId: `user-${(number * 7_919) % people}`,
      event: number % eventsPerPurchase === 0 ? 'Purchased item' : 'Viewed item',
      properties: { number },
      messageId: `event-${number}`,
      timestamp,
    }))
    const authorization = `Basic ${Buffer.from(`${keys.trackingKey}:`).toString('base64')}`
    await untilAccepted('/v1/batch', { authorization }, { batch })
    for (const number of numbers) acceptedEvents.add(number)
  }

  async function sendCode(number: number): Promise<void> {
    const key = `code-${number}`
    const headers = { authorization: `Bearer ${keys.secretKey}`, 'idempotency-key': key }
    await untilAccepted('/v1/send/email', headers, {
      to: `user-${number % people}@example.com`,
      from: 'Shop <shop@example.com>',
      subject: key,
      body: '<p>Your code</p>',
    })
    acceptedCodes.add(key)
  }

  async function send(): Promise<void> {
    const requests = new Set<Promise<void>>()
    let failure: unknown
    const start = (request: Promise<void>) => {
      const ended = request
        .catch((error) => {
          failure ??= error
        })
        .finally(() => requests.delete(ended))
      requests.add(ended)
    }
    let events = 0
    let codes = 0
    for (let tick = 0; running && failure === undefined; tick++) {
      await sleep(tickMs)
      if (requests.size >= maxUnderWay) continue
      for (let batch = 0; batch < batchesPerTick; batch++) {
        start(sendEvents(events))
        events += eventsPerBatch
      }
      if (tick % ticksPerCode === 0) start(sendCode(codes++))
    }
    await Promise.all(requests)
    if (failure !== undefined) throw failure
  }

  const sending = send()
  sending.catch(() => {})
  return {
    acceptedEvents,
    acceptedCodes,
    get repeated() {
      return repeated
    },
    finish() {
      running = false
      return sending
    },
  }
}
