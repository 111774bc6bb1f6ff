import type { Handler } from '@fairway/queue'
import type { App } from '../app.ts'
import { holds } from '../conditions/evaluate.ts'
import { loadFacts } from '../conditions/load-facts.ts'
import { ensurePartitions } from '../events/partitions.ts'
import type { NewEvent } from '../events/store.ts'
import { loadPeople } from '../people/lookup.ts'
import { type PeopleSession, withPeople } from '../people/session.ts'
import { noteDue, takeChanged } from './changes.ts'
import { type Definitions, loadDefinitions } from './definitions.ts'
import { lockSegments } from './lock.ts'
import { changeMemberships, loadMemberships, type Membership } from './membership.ts'
import { type Crossing, crossingEvents } from './segment-events.ts'

/** Stores events of a session's people and what hangs on them; ingestion's, handed in by `workers.ts`. */
export type StoreEvents = (session: PeopleSession, events: NewEvent[]) => Promise<void>

/** A job works that long, then others get their turn. */
const sliceMs = 1_000

/**
 * Handler of the jobs `evaluate_segments`: looks at everybody of a project who changed, or whose time has come, and stores
 * who entered and who left. Off the path of writing: writers only note who changed. Each step is one transaction, so
 * that nobody noted is forgotten, whatever dies.
 */
export const evaluateSegments =
  (app: App, storeEvents: StoreEvents): Handler =>
  async (job, { signal }) => {
    const projectId = Number(job.tenant)
    const sliceEnd = Date.now() + sliceMs
    while (await evaluateStep(app, projectId, storeEvents)) {
      signal.throwIfAborted()
      // The ticker sends the next job within a second: until then, others had room.
      if (Date.now() >= sliceEnd) return
    }
  }

/** @returns false when nobody was left to look at */
export async function evaluateStep(app: App, projectId: number, storeEvents: StoreEvents): Promise<boolean> {
  await ensurePartitions(app.pool, [app.now().getTime()])
  return withPeople(app, projectId, { exclusive: false }, async (session) => {
    const { client, now } = session
    await lockSegments(client, projectId)
    const definitions = await loadDefinitions(app, client, projectId)
    const ids = await takeChanged(client, projectId, definitions.needs, now)
    if (ids === undefined) return false
    if (ids.length > 0) await evaluatePeople(session, definitions, ids, storeEvents)
    return true
  })
}

async function evaluatePeople(
  session: PeopleSession,
  definitions: Definitions,
  ids: number[],
  storeEvents: StoreEvents,
): Promise<void> {
  const { client, projectId, now } = session
  const { dynamic, clock } = definitions
  const people = [...(await loadPeople(client, projectId, ids)).values()]
  const memberships = await loadMemberships(client, projectId, ids)
  const facts = await loadFacts(
    client,
    projectId,
    people.map((person) => ({ person })),
    dynamic.map(({ condition }) => condition),
    now,
  )
  const entered: Membership[] = []
  const left: Membership[] = []
  const crossings: Crossing[] = []
  const due: { personId: number; at: number }[] = []
  for (const known of facts) {
    const personId = known.person.id
    const is = memberships.get(personId) ?? nowhere
    for (const { id, name, condition, builtTo } of dynamic) {
      const belongs = holds(condition, known)
      if (belongs === is.has(id)) continue
      const list = belongs ? entered : left
      list.push({ segmentId: id, personId })
      // Whoever a build has yet to look at was perhaps in it all along.
      if (personId <= builtTo) crossings.push({ personId, segment: { id, name }, entered: belongs })
    }
    const at = clock(known)
    if (at !== Number.POSITIVE_INFINITY) due.push({ personId, at })
  }
  await changeMemberships(client, projectId, { entered, left, now })
  await noteDue(client, projectId, ids, due)
  if (crossings.length > 0) await storeEvents(session, crossingEvents(projectId, crossings, now))
}

const nowhere = new Set<number>()
