import type { Json } from '@fairway/queue'
import { count, type Subject, subjectsByName } from './erasure-subject.ts'
import type { PeopleSession } from './session.ts'

/** Each carries a megabyte at most. */
const lettersPerPage = 50
/** The newest, which is far more than a project should have. */
const maxLetters = 10_000

/**
 * Removes the project's dead letters that speak of these people, which would otherwise be kept until somebody looks at
 * them. Before the commit, so that the receipt tells of them: an erasure that is rolled back is tried again.
 */
export async function eraseDeadLetters(
  { app, projectId }: PeopleSession,
  subjects: Subject[],
  messages: Map<string, Subject>,
): Promise<void> {
  const byName = subjectsByName(subjects)
  const tenant = String(projectId)
  const refs: string[] = []
  let after: string | undefined
  for (let looked = 0; looked < maxLetters; looked += lettersPerPage) {
    const deadLetters = await app.queue.deadLetters({
      tenant,
      limit: lettersPerPage,
      ...(after !== undefined && { after }),
    })
    for (const { ref, data } of deadLetters) {
      const subject = subjectOf(data, byName, messages)
      if (!subject) continue
      refs.push(ref)
      count(subject, 'deadLetters', 1)
    }
    if (deadLetters.length < lettersPerPage) break
    after = deadLetters.at(-1)!.ref
  }
  for (let from = 0; from < refs.length; from += lettersPerPage)
    await app.queue.discard({ tenant, refs: refs.slice(from, from + lettersPerPage) })
}

/** Whom a job speaks of: an item by its person, a delivery by its message. */
function subjectOf(
  data: Json | undefined,
  byName: Map<string, Subject>,
  messages: Map<string, Subject>,
): Subject | undefined {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined
  const { messageId, person, from } = data
  if (typeof messageId === 'string' && messages.has(messageId)) return messages.get(messageId)
  for (const ref of [person, from]) {
    if (typeof ref !== 'object' || ref === null || Array.isArray(ref)) continue
    for (const name of [ref.id, ref.anonymousId, ref.email]) {
      if (typeof name !== 'string') continue
      const subject = byName.get(name) ?? byName.get(name.trim().toLowerCase())
      if (subject) return subject
    }
  }
  return undefined
}
