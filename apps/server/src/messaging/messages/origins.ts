import type { App } from '../../platform/app.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import type { Consent } from './consent.ts'
import type { LoadedMessage } from './load.ts'

/**
 * Says of messages, just before they leave, whether they still should: conditions, frequency, the campaign's
 * state. A message it does not name is sent. Handed in, because what makes messages is built on them and not the reverse.
 */
export type Gate = (
  app: App,
  projectId: number,
  messages: LoadedMessage[],
) => Promise<Map<string, { send: true } | { skip: string }>>

/** Something that makes messages, as far as they ask for it; each by the numbers that it knows its own by. */
export interface Origin {
  /** What its own are called; without those that are gone. */
  names?(reading: Pick<Reading, 'pool'>, projectId: number, ids: number[]): Promise<Map<number, string>>
  /** What it asks for by now: where that is stricter than what a message was made under, the message heeds it, too. */
  consents?(app: App, projectId: number, ids: number[]): Promise<Map<number, Consent>>
  gate?: Gate
}

/** Everything that makes messages, by the name that they store; `origins.ts` of the server lists them. */
export type Origins = Readonly<Record<string, Origin>>

interface Made {
  id: string
  origin: string | null
  originId: number | null
}

export const originOf = (origins: Origins, { origin }: Pick<Made, 'origin'>): Origin | undefined =>
  origin !== null && Object.hasOwn(origins, origin) ? origins[origin] : undefined

/** By the ids of the messages. */
export const originNames = (
  reading: Pick<Reading, 'pool'>,
  origins: Origins,
  projectId: number,
  messages: Made[],
): Promise<Map<string, string>> =>
  askOrigins(origins, messages, (origin, ids) => origin.names?.(reading, projectId, ids))

/** By the ids of the messages. */
export const consentsByNow = (
  app: App,
  origins: Origins,
  projectId: number,
  messages: Made[],
): Promise<Map<string, Consent>> =>
  askOrigins(origins, messages, (origin, ids) => origin.consents?.(app, projectId, ids))

/** One question to each origin. */
async function askOrigins<Answer>(
  origins: Origins,
  messages: Made[],
  ask: (origin: Origin, ids: number[]) => Promise<Map<number, Answer>> | undefined,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>()
  await Promise.all(
    Object.entries(origins).map(async ([name, origin]) => {
      const own = messages.filter((message) => message.origin === name && message.originId !== null)
      if (own.length === 0) return
      const found = await ask(origin, [...new Set(own.map(({ originId }) => originId!))])
      for (const { id, originId } of own) {
        const answer = found?.get(originId!)
        if (answer !== undefined) answers.set(id, answer)
      }
    }),
  )
  return answers
}
