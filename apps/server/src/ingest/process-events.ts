import { allEvents, counterOfEvent } from '../audience/events/over-time.ts'
import { insertEvents, type NewEvent } from '../audience/events/store.ts'
import type { StoredEvent } from '../audience/items/item.ts'
import type { PeopleSession } from '../audience/people/session.ts'
import { enrolTriggered } from '../automation/campaigns/enrol.ts'
import { Counts } from './process-counters.ts'

/**
 * Stores events of a session's people, whose partitions exist, and what hangs on each: triggers, segments, counters.
 *
 * @returns those that were not stored before
 */
export async function storeEvents(
  session: PeopleSession,
  events: NewEvent[],
  counts: Counts,
  { trigger = true } = {},
): Promise<StoredEvent[]> {
  const { app, client, projectId, catalogue } = session
  const stored = await insertEvents(client, projectId, events)
  for (const event of stored) session.events.push(event)
  if (trigger && stored.length > 0) await enrolTriggered(app, client, projectId, stored)
  for (const { foldedName, occurredAt, receivedAt } of stored) {
    counts.add('events', receivedAt.getTime())
    counts.add(allEvents, occurredAt.getTime())
    if (catalogue.counts(foldedName)) counts.add(counterOfEvent(foldedName), occurredAt.getTime())
  }
  return stored
}

/** Bounds the memory of a statement. */
const eventsPerStatement = 2_000

/** What somebody's entering or leaving a segment sets off. */
export async function storeSegmentEvents(session: PeopleSession, events: NewEvent[]): Promise<void> {
  const counts = new Counts()
  for (const { name, foldedName } of events) session.sightings.events.set(foldedName, name)
  // Thousands of people may each enter hundreds of segments at once.
  for (let from = 0; from < events.length; from += eventsPerStatement)
    await storeEvents(session, events.slice(from, from + eventsPerStatement), counts)
  await counts.save(session)
}
