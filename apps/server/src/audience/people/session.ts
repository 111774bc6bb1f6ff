import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withSavepoint, withTransaction } from '../../platform/db/transaction.ts'
import { catalogueOf, learn } from '../catalogue/catalogue.ts'
import { type ProjectCatalogue, Sightings } from '../catalogue/project-catalogue.ts'
import type { StoredEvent } from '../items/item.ts'
import { announceChanges } from './announce.ts'

/** A transaction that may change people of one project. */
export interface PeopleSession {
  app: App
  client: PoolClient
  projectId: number
  now: Date
  /** Whether no other session of the project runs. Merging and erasing need it. */
  exclusive: boolean
  /** Whose doing it is, where somebody acts by hand or with a key. */
  by?: string | undefined
  /** People who were created or changed so far. */
  changed: Set<number>
  /** Events that were stored so far. */
  events: Pick<StoredEvent, 'personId' | 'foldedName'>[]
  catalogue: ProjectCatalogue
  /** What is done once the session is committed, outside of it. */
  afterwards: (() => Promise<void>)[]
  /** What the catalogue is told then. */
  sightings: Sightings
  /** Called when PostgreSQL has begun to store people, which takes most of a session's time: others may use this thread. */
  whileStoring?: (() => void) | undefined
}

/** Thrown inside a session: nothing was kept, run it again alone. */
export class NeedsExclusive extends Error {}

/** First key of the advisory locks that order the sessions of a project. */
const lockSpace = 7_010

/**
 * Runs `work` in a transaction that may change people of this project. Many run side by side, but one that merges or
 * erases runs alone, which removes every race between finding a person and using what was found. It starts shared; when
 * `work` finds that it must merge, or that another session was quicker to create somebody, it throws
 * {@link NeedsExclusive} and is run again from its beginning, alone.
 */
export async function withPeople<T>(
  app: App,
  projectId: number,
  options: { exclusive: boolean } & Pick<PeopleSession, 'by'>,
  work: (session: PeopleSession) => Promise<T>,
): Promise<T> {
  const catalogue = await catalogueOf(app, projectId)
  const { result, committed } = await orAlone(options.exclusive, (exclusive) =>
    withTransaction(app.pool, (client) =>
      runSession({ app, client, projectId, exclusive, catalogue, by: options.by }, work),
    ),
  )
  await committed()
  return result
}

/**
 * The same inside the caller's transaction, who calls `committed` once it is. What a session that has to run again wrote
 * is rolled back, and its lock with it, so that waiting for the exclusive one can't end in a deadlock.
 */
export async function withPeopleIn<T>(
  app: App,
  client: PoolClient,
  projectId: number,
  options: { exclusive: boolean } & Pick<PeopleSession, 'whileStoring' | 'by'>,
  work: (session: PeopleSession) => Promise<T>,
): Promise<Worked<T>> {
  const catalogue = await catalogueOf(app, projectId)
  const { whileStoring, by } = options
  return orAlone(options.exclusive, (exclusive) =>
    withSavepoint(client, () =>
      runSession({ app, client, projectId, exclusive, catalogue, whileStoring, by }, work),
    ),
  )
}

interface Worked<T> {
  result: T
  /** Does what waits for the commit. */
  committed(): Promise<void>
}

async function orAlone<T>(alone: boolean, run: (exclusive: boolean) => Promise<T>): Promise<T> {
  if (alone) return run(true)
  try {
    return await run(false)
  } catch (error) {
    if (!(error instanceof NeedsExclusive) && !isRaceForId(error)) throw error
    return run(true)
  }
}

async function runSession<T>(
  where: Pick<
    PeopleSession,
    'app' | 'client' | 'projectId' | 'exclusive' | 'catalogue' | 'whileStoring' | 'by'
  >,
  work: (session: PeopleSession) => Promise<T>,
): Promise<Worked<T>> {
  const { app, client, projectId, exclusive } = where
  await client.query(openSession(projectId, exclusive))
  const session: PeopleSession = {
    ...where,
    now: app.now(),
    changed: new Set(),
    events: [],
    afterwards: [],
    sightings: new Sightings(),
  }
  const result = await work(session)
  await announceChanges(session)
  const committed = async () => {
    for (const work of session.afterwards) await work()
    await learn(app, projectId, session.sightings)
  }
  return { result, committed }
}

/**
 * The statements of a session search their rows key by key (`lateral … limit 1`, `on conflict`). A plan is made once a
 * connection, perhaps while the tables are still empty and reading them whole seems cheapest: that way is closed.
 */
export const searchByKey = 'set local enable_seqscan = off; set local enable_bitmapscan = off'

/** One round trip. */
const openSession = (projectId: number, exclusive: boolean) =>
  `${searchByKey}; ${lockSql(projectId, exclusive)}`

const lockSql = (projectId: number, exclusive: boolean) =>
  `select pg_advisory_xact_lock${exclusive ? '' : '_shared'}(${lockSpace}, ${Number(projectId)})`

/**
 * For transactions that change nobody: shared keeps merges and erasures out until the end, exclusive waits for every
 * session under way.
 */
export const holdPeople = (
  client: PoolClient,
  projectId: number,
  { exclusive }: { exclusive: boolean },
): Promise<unknown> => client.query(lockSql(projectId, exclusive))

/** Two sessions gave the same id to different people at the same moment. */
function isRaceForId(error: unknown): boolean {
  const { code, constraint } = error as { code?: string; constraint?: string }
  return code === '23505' && (constraint === 'people_external' || constraint === 'person_aliases_pkey')
}
