import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Handler } from '@fairway/queue'
import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withSpareConnection } from '../../platform/db/spare-connection.ts'
import type { Facts } from '../conditions/facts.ts'
import { loadFacts } from '../conditions/load-facts.ts'
import { ensurePartitions } from '../events/partitions.ts'
import type { NewEvent } from '../events/store.ts'
import { loadPeople } from '../people/lookup.ts'
import { type PeopleSession, searchByKey, withPeople } from '../people/session.ts'
import { keepForLater, noteDue, takeChanged } from './changes.ts'
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
    const ids = await takeChanged(client, projectId, definitions, now)
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
  const { app, client, projectId, now } = session
  const found: Findings = { entered: [], left: [], crossings: [], due: [] }
  const batches = split(ids, peoplePerBatch)
  const judgeOver = (connections: PoolClient[]) => judgeAll(session, definitions, batches, connections, found)
  // The few who change in an ordinary second are one batch, which a second connection would not make quicker.
  const looked =
    batches.length === 1
      ? await judgeOver([client])
      : await withSpareConnection(app.pool, searchByKey, (spare) =>
          judgeOver(spare ? [client, spare] : [client]),
        )
  await changeMemberships(client, projectId, { ...found, now })
  await noteDue(client, projectId, looked, found.due)
  if (looked.length < ids.length) await keepForLater(client, projectId, ids.slice(looked.length), ids.length)
  if (found.crossings.length > 0) await storeEvents(session, crossingEvents(projectId, found.crossings, now))
}

/**
 * PostgreSQL reads what is known of the next ones while these are judged, on two connections where there are: what the
 * session's lock keeps still is the same on both, and the session has written nothing of it yet.
 *
 * @returns those who were looked at: not everybody where very many enter or leave
 */
async function judgeAll(
  { projectId, now }: PeopleSession,
  definitions: Definitions,
  batches: number[][],
  connections: PoolClient[],
  found: Findings,
): Promise<number[]> {
  const conditions = definitions.dynamic.map(({ condition }) => condition)
  const load = async (batch: number[], client: PoolClient): Promise<Known> => {
    const memberships = await loadMemberships(client, projectId, batch)
    const people = [...(await loadPeople(client, projectId, batch)).values()]
    const subjects = people.map((person) => ({ person }))
    return { memberships, facts: await loadFacts(client, projectId, subjects, conditions, now) }
  }
  const most = batchesAhead * connections.length
  const isFull = () => found.entered.length + found.left.length >= enoughChanges
  const coming: Promise<Known>[] = []
  let next = 0
  try {
    do {
      for (; next < batches.length && coming.length < most && !isFull(); next++) {
        const loading = load(batches[next]!, connections[next % connections.length]!)
        // Awaited in a later round, unless one before throws.
        loading.catch(() => {})
        coming.push(loading)
      }
      await judge(definitions, await coming.shift()!, found)
    } while (coming.length > 0 || (next < batches.length && !isFull()))
  } finally {
    // Nobody asks anything of a connection that went back to the pool.
    await Promise.allSettled(coming)
  }
  return batches.slice(0, next).flat()
}

interface Known {
  memberships: Map<number, string>
  facts: Facts[]
}

interface Findings {
  entered: Membership[]
  left: Membership[]
  crossings: Crossing[]
  due: { personId: number; at: number }[]
}

/** Small enough that reading and judging overlap, large enough that a statement's fixed cost does not show. */
const peoplePerBatch = 500
/** Of one connection, so that it has a question waiting whenever it answered one. */
const batchesAhead = 2
/** Memberships that a step stores, and as many events, before it leaves the others to the next: about a second's work. */
const enoughChanges = 20_000
/** Judged between two looks at what the database answered. */
const peoplePerTurn = 50

async function judge(
  { dynamic, clock }: Definitions,
  { memberships, facts }: Known,
  found: Findings,
): Promise<void> {
  const places = new Map(dynamic.map(({ id }, place) => [id, place]))
  for (const [number, known] of facts.entries()) {
    const personId = known.person.id
    const member = placesOf(memberships.get(personId), places)
    for (let place = 0; place < dynamic.length; place++) {
      const { id, name, test, builtTo } = dynamic[place]!
      const belongs = test(known)
      if (belongs === (member[place] === 1)) continue
      const list = belongs ? found.entered : found.left
      list.push({ segmentId: id, personId })
      // Whoever a build has yet to look at was perhaps in it all along.
      if (personId <= builtTo) found.crossings.push({ personId, segment: { id, name }, entered: belongs })
    }
    const at = clock(known)
    if (at !== Number.POSITIVE_INFINITY) found.due.push({ personId, at })
    if (number % peoplePerTurn === peoplePerTurn - 1) await nextTurn()
  }
}

/** 1 at the place of each segment in the list. */
function placesOf(segments: string | undefined, places: Map<number, number>): Uint8Array {
  const marks = new Uint8Array(places.size)
  if (segments === undefined) return marks
  for (const id of segments.split(',')) {
    const place = places.get(Number(id))
    if (place !== undefined) marks[place] = 1
  }
  return marks
}

function split<T>(list: T[], size: number): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < list.length; at += size) parts.push(list.slice(at, at + size))
  return parts
}
