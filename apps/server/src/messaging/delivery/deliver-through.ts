import { randomUUID } from 'node:crypto'
import type { Addressed } from '../channels/channel.ts'
import type { Gateway } from '../channels/gateway.ts'
import type { SendResult } from '../channels/result.ts'
import { ComposeAhead } from './compose-ahead.ts'
import type { ReadyMail } from './compose-chunk.ts'
import type { Delivery } from './delivery.ts'
import {
  claimMessages,
  type Outcome,
  type Postponed,
  recordAndClaim,
  recordOutcomes,
  recordPostponed,
  suppressBounced,
} from './outcomes.ts'

/** With the delays below, a message is tried for about eight hours. */
export const maxAttempts = 14
/**
 * What is refused because of the provider or the sender is somebody's to repair: for so long after it was due, that uses up no more than
 * half of a mail's attempts.
 */
export const maxRefusedMs = 2 * 24 * 3_600_000
const firstRetryMs = 15_000
const maxRetryMs = 3_600_000
/** Two chunks at once: while the outcomes of one are recorded, the other keeps the connections busy. */
const chunksAtOnce = 2
/** What a slow server has not taken of a batch by then goes back to the queue, untried: a call is to end long before its time limit. */
const maxBatchMs = 60_000
/** So does mail for which others of its provider leave no place for that long. */
const maxPlacesMs = 60_000
/** Who waits for its server for longer keeps no mails ready. */
const maxReadyMs = 5_000

/**
 * Sends through a provider, chunk by chunk. At any moment at most `gateway.slots` messages are claimed and without an
 * outcome, in all batches of this process together: that is what a crash can leave in doubt.
 */
export async function deliverThrough(
  delivery: Delivery,
  gateway: Gateway,
  addressed: Addressed[],
): Promise<void> {
  const mails = new ComposeAhead(delivery, addressed, () => roomOf(gateway, delivery.app.now().getTime()))
  const token = randomUUID()
  const endsAt = delivery.decidedAt + maxBatchMs
  const goesOn = () => failure === undefined && delivery.app.now().getTime() < endsAt
  let failure: unknown
  const work = async () => {
    try {
      while (goesOn()) {
        const chunk = await mails.take(gateway.chunkSize)
        if (chunk.length === 0) return
        const sent = await deliverFrom(delivery, gateway, token, chunk, {
          letGo: () => mails.letGo(),
          whoMayLeave: (waited) => mails.whoMayLeave(waited),
          takeNext: () => (goesOn() ? mails.takeFresh(gateway.chunkSize) : []),
        })
        if (!sent) return mails.putBack(chunk)
      }
    } catch (error) {
      failure ??= error
    }
  }
  await delivery.together(Array.from({ length: chunksAtOnce }, () => work))
  const { left } = await mails.end()
  if (failure !== undefined) throw failure
  await postpone(delivery, gateway, left)
}

/**
 * Takes places for a chunk and sends it. A full one keeps its places for the chunk that is ready by then, which is claimed by the
 * statement that records the first: half the statements, and as many messages in doubt. False when there were no places in time.
 */
async function deliverFrom(
  delivery: Delivery,
  gateway: Gateway,
  token: string,
  taken: ReadyMail[],
  {
    letGo,
    whoMayLeave,
    takeNext,
  }: {
    letGo: () => void
    whoMayLeave: (chunk: ReadyMail[]) => Promise<ReadyMail[]>
    takeNext: () => ReadyMail[]
  },
): Promise<boolean> {
  const { signal } = delivery
  const waitFor = <T>(work: () => Promise<T>) =>
    delivery.waitFor(async () => {
      const timer = setTimeout(letGo, maxReadyMs)
      try {
        return await work()
      } finally {
        clearTimeout(timer)
      }
    })
  const places = taken.length
  if (!(await waitFor(() => gateway.slots.acquire(places, signal, maxPlacesMs)))) return false
  try {
    // Only now is it known how long they have waited.
    const first = await heedSenders(delivery, gateway, await whoMayLeave(taken))
    if (first.length === 0) return true
    const count = admit(delivery, gateway, first.length)
    let claimed = await claim(delivery, token, first.slice(0, count))
    if (claimed.length === 0 && count > 0) gateway.breaker.notTried(delivery.app.now().getTime())
    while (claimed.length > 0) {
      const handed = claimed
      const results = await waitFor(() =>
        Promise.all(handed.map(async (mail) => ({ mail, result: await gateway.send(mail.mail) }))),
      )
      const goesOn = count === gateway.chunkSize && !gateway.slots.contended && !signal.aborted
      claimed = await settle(
        delivery,
        token,
        results,
        goesOn ? () => takeAdmitted(delivery, gateway, takeNext) : none,
      )
    }
    await postpone(delivery, gateway, first.slice(count))
    return true
  } finally {
    gateway.slots.release(places)
  }
}

const none = () => []

/** Those whose sender the provider takes, as far as is known, and one of a sender that it may take again; the others wait. */
async function heedSenders(delivery: Delivery, gateway: Gateway, mails: ReadyMail[]): Promise<ReadyMail[]> {
  const { senders } = gateway
  if (senders.closed) return mails
  const now = delivery.app.now().getTime()
  const free: ReadyMail[] = []
  const held = new Map<string, Postponed[]>()
  for (const ready of mails) {
    const { message, mail } = ready
    const sender = mail.envelope.from
    if (!mayWait(message, now) || senders.allow(sender, now)) {
      free.push(ready)
      continue
    }
    const { waitMs, reason } = senders.closedFor(sender, now)!
    const delay = Math.round(waitMs + jitter(waitMs))
    const one = { id: message.id, turn: message.turn, nextTryAt: new Date(now + delay) }
    held.set(reason, [...(held.get(reason) ?? []), one])
    delivery.postpone(message.id, delay)
  }
  const { app, projectId, sending } = delivery
  for (const [reason, postponed] of held)
    await recordPostponed(app, projectId, nameOf(sending), againBecause(reason), postponed)
  return free
}

/** Whether a mail that is refused for its provider or its sender still waits for somebody to repair that. */
const mayWait = ({ dueAt }: Addressed['message'], now: number) => now < dueAt.getTime() + maxRefusedMs

/** The next chunk, when nothing keeps any of it from leaving now. */
function takeAdmitted(
  { app }: Delivery,
  { breaker, senders, rate, chunkSize }: Gateway,
  takeNext: () => ReadyMail[],
) {
  const now = app.now().getTime()
  if (breaker.open || !senders.closed || rate.room(now) < chunkSize) return []
  const next = takeNext()
  rate.take(next.length, now)
  return next
}

/** How many sends the breaker and the rate limit would let through now; {@link admit} counts them. */
function roomOf({ breaker, rate }: Gateway, now: number): number {
  if (breaker.waitMs(now) > 0) return 0
  return breaker.open ? Math.min(1, rate.room(now)) : rate.room(now)
}

/** How many of `wanted` sends the breaker and the rate limit let through now. */
function admit({ app }: Delivery, gateway: Gateway, wanted: number): number {
  const now = app.now().getTime()
  const allowed = gateway.breaker.open ? Math.min(wanted, 1) : wanted
  const granted = gateway.rate.take(allowed, now)
  const admitted = gateway.breaker.allow(granted, now)
  gateway.rate.giveBack(granted - admitted)
  return admitted
}

/** Their jobs come back when the breaker may close, or one after the other as the rate limit allows. */
async function postpone(
  delivery: Delivery,
  gateway: Gateway,
  mails: Pick<Addressed, 'message'>[],
): Promise<void> {
  const { app, projectId, sending } = delivery
  const now = app.now().getTime()
  const held: Postponed[] = []
  for (const { message } of mails) {
    const closed = gateway.breaker.waitMs(now)
    // Neither: there was no time for it in this call.
    const delay = Math.round(closed > 0 ? closed + jitter(closed) : gateway.rate.nextTurnMs(now))
    if (gateway.breaker.open || message.nextTryAt)
      held.push({ id: message.id, turn: message.turn, nextTryAt: new Date(now + delay) })
    delivery.postpone(message.id, delay)
  }
  // A rate limit is somebody's wish; a server that takes nothing is what somebody wants to hear of.
  await recordPostponed(
    app,
    projectId,
    nameOf(sending),
    gateway.breaker.open ? againBecause(gateway.breaker.reason) : null,
    held,
  )
}

interface Sent {
  mail: ReadyMail
  result: SendResult
}

/** Those of a chunk that may be handed to the provider. */
async function claim(
  { app, projectId, signal }: Delivery,
  token: string,
  chunk: ReadyMail[],
): Promise<ReadyMail[]> {
  if (chunk.length === 0) return []
  signal.throwIfAborted()
  return withIds(chunk, await claimMessages(app, projectId, turnsOf(chunk), token))
}

const turnsOf = (chunk: ReadyMail[]) => chunk.map(({ message: { id, turn } }) => ({ id, turn }))

const withIds = (chunk: ReadyMail[], ids: Set<string>) => chunk.filter(({ message }) => ids.has(message.id))

/** Records what became of a chunk, and claims the next one. Nothing may fail between that and the sending. */
async function settle(
  delivery: Delivery,
  token: string,
  results: Sent[],
  takeNext: () => ReadyMail[],
): Promise<ReadyMail[]> {
  const { app, projectId } = delivery
  const now = app.now().getTime()
  // What failed ahead of time is tried when it was due, as if nothing had been.
  const aheadMs = ({ message }: ReadyMail) => Math.max(0, (delivery.dueAt(message.id) ?? 0) - now)
  const waits = ({ mail: { message }, result }: Sent) =>
    result.outcome === 'retry' && result.refusedBy !== 'mail' && mayWait(message, now)
  const delays = new Map(
    results
      .filter(
        (sent) =>
          isToBeTriedAgain(sent.result) && (aheadMs(sent.mail) > 0 || triesLeft(sent.mail) || waits(sent)),
      )
      .map(({ mail }) => [mail.message.id, aheadMs(mail) || retryDelayMs(mail.message.attempts + 1)]),
  )
  const outcomes = results.map((sent): Outcome => {
    const { mail, result } = sent
    const delayMs = delays.get(mail.message.id)
    if (delayMs === undefined) return outcomeOf(delivery, mail, result)
    return {
      ...outcomeOf(delivery, mail, result, new Date(now + delayMs)),
      costsNoAttempt: aheadMs(mail) > 0 || (waits(sent) && mail.message.attempts >= maxAttempts / 2),
    }
  })
  const bounces = results.flatMap(bouncesOf)
  const next = bounces.length === 0 ? takeNext() : []
  const end =
    next.length > 0
      ? await recordAndClaim(app, projectId, token, outcomes, turnsOf(next))
      : await recordOutcomes(app, projectId, token, outcomes)
  // Only after the row says `pending` again may its job come back.
  for (const [id, delayMs] of delays) delivery.postpone(id, delayMs)
  await suppressBounced(app, projectId, bounces)
  if (!end) return []
  if ('error' in end) throw end.error
  return withIds(next, end.claimed)
}

function outcomeOf({ sending }: Delivery, ready: ReadyMail, result: SendResult, nextTryAt?: Date): Outcome {
  const base = {
    id: ready.message.id,
    personId: ready.message.personId,
    // Of a retry for some of them, the first attempt named them all.
    recipient: ready.message.input.left ? null : ready.mail.envelope.to.join(', '),
    subject: ready.mail.subject,
    provider: nameOf(sending),
  }
  switch (result.outcome) {
    case 'sent':
      return sentTo({ ...base, providerMessageId: result.providerMessageId }, result, nextTryAt)
    case 'retry':
      return nextTryAt
        ? { ...base, state: 'pending', reason: againBecause(result.reason), nextTryAt }
        : { ...base, state: 'failed', reason: `given up after ${maxAttempts} attempts: ${result.reason}` }
    default:
      return { ...base, state: result.outcome, reason: result.reason }
  }
}

const isToBeTriedAgain = (result: SendResult) =>
  result.outcome === 'retry' || (result.outcome === 'sent' && result.deferred !== undefined)

/** Not sent, as long as somebody is left who may yet get it: the next try is for them alone. */
function sentTo(
  base: Omit<Outcome, 'state' | 'reason'>,
  { note, deferred }: SendResult & { outcome: 'sent' },
  nextTryAt: Date | undefined,
): Outcome {
  if (!deferred) return { ...base, state: 'sent', reason: note }
  const { addresses, reason } = deferred
  const whom = `${addresses.join(', ')}: ${reason}${note === null ? '' : `; ${note}`}`
  return nextTryAt
    ? {
        ...base,
        state: 'pending',
        reason: againBecause(`not yet taken for ${whom}`),
        nextTryAt,
        left: addresses,
      }
    : { ...base, state: 'failed', reason: `given up after ${maxAttempts} attempts for ${whom}` }
}

/** As messages name where they leave. */
const nameOf = ({ provider }: Delivery['sending']) => (provider ? `provider ${provider.id}` : 'installation')

const againBecause = (reason: string) => `will be tried again: ${reason}`

const triesLeft = ({ message }: ReadyMail) => message.attempts + 1 < maxAttempts

function bouncesOf({ mail, result }: Sent): { address: string; reason: string }[] {
  if ((result.outcome !== 'failed' && result.outcome !== 'sent') || mail.redirected) return []
  const reason = result.outcome === 'sent' ? (result.note ?? '') : result.reason
  return result.bounced.map((address) => ({ address, reason }))
}

/** Doubles from 15 s to an hour, give or take a fifth, so that what failed together does not return together. */
export function retryDelayMs(attempt: number): number {
  const delay = Math.min(firstRetryMs * 2 ** (attempt - 1), maxRetryMs)
  return Math.round(delay + jitter(delay) - jitter(delay))
}

const jitter = (delayMs: number) => Math.random() * delayMs * 0.2
