import type { App } from '../../platform/app.ts'
import { type Addressed, type Channel, sendingBy } from '../channels/channel.ts'
import type { Consent } from '../messages/consent.ts'
import { type LoadedMessage, loadMessages, loadSending, type Sending } from '../messages/load.ts'
import { consentsByNow, type Origins, originOf } from '../messages/origins.ts'
import { restoreWatchOf } from '../sending/restore-watch.ts'
import { addressMessages, type Consented } from './addressing.ts'
import type { Delivery } from './delivery.ts'
import { type Outcome, recordWaiting, settlePending, type Waiting } from './outcomes.ts'

/** While sending is held, each message is looked at this often. */
export const lookAgainMs = 30_000

/**
 * Who gets their message now; the others are recorded as skipped, waiting or failed, with the reason. A message is held to the consent
 * that it was made under, and to what its origin asks for by now: it needs both.
 */
export async function decide(
  app: App,
  projectId: number,
  channel: Channel,
  messages: LoadedMessage[],
  sending: Sending,
  origins: Origins,
): Promise<Addressed[]> {
  const settled: Outcome[] = []
  const settle = (message: LoadedMessage, state: 'skipped' | 'failed', reason: string) => {
    settled.push({ id: message.id, state, reason, personId: message.personId })
  }
  const skip = (message: LoadedMessage, reason: string) => settle(message, 'skipped', reason)
  const consents = await consentsByNow(app, origins, projectId, messages)
  const known: Consented[] = []
  for (const message of messages) {
    const problem = problemOf(message, origins)
    if (problem !== undefined) settle(message, 'failed', problem)
    else known.push({ message, consents: [message.consent!, consents.get(message.id)].filter(isThere) })
  }
  const waiting: Waiting[] = []
  let allowed: Addressed[] = []
  for (const addressing of await addressMessages(app, projectId, channel, known, sending)) {
    if ('skip' in addressing) skip(addressing.message, addressing.skip)
    else if ('waitsFor' in addressing)
      waiting.push({ ...turnOf(addressing.message), waitsFor: addressing.waitsFor })
    else allowed.push(addressing)
  }
  for (const [name, { gate }] of Object.entries(origins)) {
    const own = allowed.flatMap(({ message }) => (message.origin === name ? [message] : []))
    if (!gate || own.length === 0) continue
    const verdicts = await gate(app, projectId, own)
    allowed = allowed.filter(({ message }) => {
      const verdict = verdicts.get(message.id)
      if (verdict && 'skip' in verdict) skip(message, verdict.skip)
      return !verdict || !('skip' in verdict)
    })
  }
  await settlePending(app.pool, projectId, settled, app.now())
  // Their jobs end here: they are woken when that has changed.
  await recordWaiting(app, projectId, waiting)
  return allowed
}

const isThere = (consent: Consent | undefined): consent is Consent => consent !== undefined

/** Nothing leaves that is not wholly understood: a newer version may have made it. */
function problemOf(message: LoadedMessage, origins: Origins): string | undefined {
  if (!originOf(origins, message))
    return `made by "${message.origin ?? 'nobody'}", which this version of Fairway does not know: upgrade it, then try again`
  if (message.consent) return undefined
  return 'no consent is stored that this version of Fairway knows: upgrade it, then try again; or have the message made anew'
}

const turnOf = ({ id, turn }: LoadedMessage) => ({ id, turn })

/** What changed while it waited is looked at anew, from the beginning. */
const anewMs = 1_000

/**
 * The decision once more, for mails that were made and have waited for a slow server since. Who is refused by now is skipped; where
 * sending was stopped, or the mail would go elsewhere, its job comes back. The ids of those that may leave as they are.
 */
export async function decideAgain(
  { app, projectId, channel, sending: before, postpone }: Delivery,
  mails: Addressed[],
  origins: Origins,
): Promise<Set<string>> {
  const [held, { paused }, messages, sending] = await Promise.all([
    restoreWatchOf(app).isHeld(projectId),
    app.queue.controls(String(projectId)),
    loadMessages(
      app,
      projectId,
      mails.map(({ message }) => message.id),
    ),
    loadSending(app, projectId, sendingBy(app, channel)),
  ])
  if (!sending) return new Set()
  if (held || paused || sending.provider?.id !== before.provider?.id) {
    for (const { message } of mails) postpone(message.id, held ? lookAgainMs : anewMs)
    return new Set()
  }
  const pending = messages.filter(({ state }) => state === 'pending')
  const made = new Map(mails.map((mail) => [mail.message.id, whereTo(mail)]))
  const same = new Set<string>()
  for (const mail of await decide(app, projectId, channel, pending, sending, origins)) {
    if (made.get(mail.message.id) === whereTo(mail)) same.add(mail.message.id)
    else postpone(mail.message.id, anewMs)
  }
  return same
}

const whereTo = ({ to, bcc, marketing, sandbox, insteadOf }: Addressed): string =>
  JSON.stringify([to, bcc, marketing, sandbox, insteadOf])
