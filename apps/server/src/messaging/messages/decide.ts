import type { App } from '../../platform/app.ts'
import { restoreWatchOf } from '../sending/restore-watch.ts'
import { type Addressed, addressMessages } from './addressing.ts'
import type { Delivery, Gate } from './delivery.ts'
import { type LoadedMessage, loadMessages, loadSending, type Sending } from './load.ts'
import { type Outcome, recordWaiting, settlePending, type Waiting } from './outcomes.ts'

/** While sending is held, each message is looked at this often. */
export const lookAgainMs = 30_000

/** Who gets their message now; the others are recorded as skipped or waiting, with the reason. */
export async function decide(
  app: App,
  projectId: number,
  messages: LoadedMessage[],
  sending: Sending,
  gate: Gate,
): Promise<Addressed[]> {
  const skipped: Outcome[] = []
  const skip = (message: LoadedMessage, reason: string) => {
    skipped.push({ id: message.id, state: 'skipped', reason, personId: message.personId })
  }
  const waiting: Waiting[] = []
  let allowed: Addressed[] = []
  for (const addressing of await addressMessages(app, projectId, messages, sending)) {
    if ('skip' in addressing) skip(addressing.message, addressing.skip)
    else if ('waitsFor' in addressing)
      waiting.push({ ...turnOf(addressing.message), waitsFor: addressing.waitsFor })
    else allowed.push(addressing)
  }
  const behavioral = allowed
    .filter(({ message }) => message.class === 'behavioral')
    .map(({ message }) => message)
  if (behavioral.length > 0) {
    const verdicts = await gate(app, projectId, behavioral)
    allowed = allowed.filter(({ message }) => {
      const verdict = verdicts.get(message.id)
      if (verdict && 'skip' in verdict) skip(message, verdict.skip)
      return !verdict || !('skip' in verdict)
    })
  }
  await settlePending(app.pool, projectId, skipped, app.now())
  // Their jobs end here: they are woken when that has changed.
  await recordWaiting(app, projectId, waiting)
  return allowed
}

const turnOf = ({ id, turn }: LoadedMessage) => ({ id, turn })

/** What changed while it waited is looked at anew, from the beginning. */
const anewMs = 1_000

/**
 * The decision once more, for mails that were made and have waited for a slow server since. Who is refused by now is skipped; where
 * sending was stopped, or the mail would go elsewhere, its job comes back. The ids of those that may leave as they are.
 */
export async function decideAgain(
  { app, projectId, sending: before, postpone }: Delivery,
  mails: Addressed[],
  gate: Gate,
): Promise<Set<string>> {
  const [held, { paused }, messages, sending] = await Promise.all([
    restoreWatchOf(app).isHeld(projectId),
    app.queue.controls(String(projectId)),
    loadMessages(
      app,
      projectId,
      mails.map(({ message }) => message.id),
    ),
    loadSending(app, projectId),
  ])
  if (!sending) return new Set()
  if (held || paused || sending.provider?.id !== before.provider?.id) {
    for (const { message } of mails) postpone(message.id, held ? lookAgainMs : anewMs)
    return new Set()
  }
  const pending = messages.filter(({ state }) => state === 'pending')
  const made = new Map(mails.map((mail) => [mail.message.id, whereTo(mail)]))
  const same = new Set<string>()
  for (const mail of await decide(app, projectId, pending, sending, gate)) {
    if (made.get(mail.message.id) === whereTo(mail)) same.add(mail.message.id)
    else postpone(mail.message.id, anewMs)
  }
  return same
}

const whereTo = ({ to, bcc, sandbox, insteadOf }: Addressed): string =>
  JSON.stringify([to, bcc, sandbox, insteadOf])
