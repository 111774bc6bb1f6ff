import type { Json } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { tooManyRequests } from '../../platform/errors.ts'

export interface LiveEvent {
  id: string
  name: string
  personId: number
  person: { id: number; externalId: string | null; email: string | null } | null
  /** Empty where they are large, and `cut` then. */
  properties: Record<string, Json>
  cut: boolean
  source: string | null
  occurredAt: Date
  receivedAt: Date
}

/** A project, or one person of it. */
export interface Watched {
  projectId: number
  personId?: number
}

/** Called with new events as JSON, oldest first. */
export type Subscriber = (events: string[]) => void

const pollMs = 1_000
/** Events shown on connecting, and read by one poll: of a flood, the stream shows a sample. */
const maxEvents = 50
/** Of their properties, as text: a watch keeps 50 events for those who come later, 400 KB at most. */
const maxPropertyBytes = 8_000
const windowMs = 600_000
const subscribersPerProject = 20
/** Somebody's many projects leave most of a process's views to others. */
const subscribersPerOrganization = 60
const subscribersPerProcess = 200

/**
 * The latest events of projects, and of single people, that somebody is looking at. One poll a second and watch serves all
 * its subscribers; it reads a few rows from the end of the newest partition. Nothing runs where nobody looks.
 */
export class LiveEvents {
  readonly #app: App
  readonly #watches = new Map<string, Watch>()
  /** How many look at a project, and at all of an organization's. */
  readonly #ofProjects = new Map<number, number>()
  readonly #ofOrganizations = new Map<string, number>()
  #inAll = 0

  constructor(app: App) {
    this.#app = app
  }

  /**
   * Returns the function that ends the subscription. The first call of `subscriber` brings the latest ten minutes.
   *
   * @throws {ApiError} 429 above 20 subscribers of a project and its people, 60 of an organization, or 200 in this process.
   */
  subscribe(watched: Watched, organization: string, subscriber: Subscriber): () => void {
    const { projectId, personId } = watched
    if (at(this.#ofProjects, projectId) >= subscribersPerProject)
      throw tooManyRequests(`A project may have ${subscribersPerProject} live views open`, 30)
    if (at(this.#ofOrganizations, organization) >= subscribersPerOrganization)
      throw tooManyRequests(`An organization may have ${subscribersPerOrganization} live views open`, 30)
    if (this.#inAll >= subscribersPerProcess) throw tooManyRequests('Too many live views are open', 30)
    const key = `${projectId} ${personId ?? ''}`
    let watch = this.#watches.get(key)
    if (!watch) {
      watch = new Watch(this.#app, watched, () => this.#watches.delete(key))
      this.#watches.set(key, watch)
    }
    this.#count(projectId, organization, 1)
    const unsubscribe = watch.add(subscriber)
    return () => {
      unsubscribe()
      this.#count(projectId, organization, -1)
    }
  }

  #count(projectId: number, organization: string, change: 1 | -1): void {
    this.#inAll += change
    add(this.#ofProjects, projectId, change)
    add(this.#ofOrganizations, organization, change)
  }
}

const at = <Key>(counts: Map<Key, number>, key: Key): number => counts.get(key) ?? 0

function add<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  const count = at(counts, key) + change
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

interface Shown {
  id: string
  json: string
}

class Watch {
  readonly #app: App
  readonly #watched: Watched
  readonly #onIdle: () => void
  readonly #subscribers = new Set<Subscriber>()
  /** The last poll's events, newest first: what new subscribers get, and what the next poll leaves out. */
  #latest: Shown[] = []
  #polling = false

  constructor(app: App, watched: Watched, onIdle: () => void) {
    this.#app = app
    this.#watched = watched
    this.#onIdle = onIdle
  }

  add(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber)
    if (this.#latest.length > 0) subscriber(this.#latest.map(({ json }) => json).reverse())
    if (!this.#polling) void this.#poll()
    return () => {
      this.#subscribers.delete(subscriber)
      if (this.#subscribers.size === 0) this.#onIdle()
    }
  }

  async #poll(): Promise<void> {
    this.#polling = true
    while (this.#subscribers.size > 0) {
      try {
        const known = new Map(this.#latest.map((event) => [event.id, event]))
        const rows = await readLatest(this.#app, this.#watched, [...known.keys()])
        this.#latest = rows.map((row) => known.get(row.id) ?? { id: row.id, json: JSON.stringify(row) })
        const fresh = this.#latest.filter(({ id }) => !known.has(id)).map(({ json }) => json)
        if (fresh.length > 0) for (const subscriber of this.#subscribers) subscriber(fresh.reverse())
      } catch (error) {
        this.#app.log.warn({ err: error, ...this.#watched }, 'could not read live events')
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs).unref())
    }
    this.#polling = false
  }
}

/**
 * By the time they happened, because that is how events are stored: an event of long ago doesn't show up here. Of those in
 * `known` only the id comes: otherwise every second would bring the same fifty again, of 32 KB each perhaps.
 */
async function readLatest(
  app: App,
  { projectId, personId }: Watched,
  known: string[],
): Promise<(LiveEvent | { id: string })[]> {
  const { rows } = await app.pool.query<LiveEvent>(
    `with latest as materialized (
       select id, occurred_at from events
       where project_id = $1 and occurred_at > $2 ${personId === undefined ? '' : 'and person_id = $4'}
       order by occurred_at desc, id desc limit ${maxEvents})
     select l.id, e.name, e.person_id as "personId", e.source,
            case when cut then '{}' else e.properties end as properties, cut,
            e.occurred_at as "occurredAt", e.received_at as "receivedAt",
            case when p.id is not null
              then json_build_object('id', p.id, 'externalId', p.external_id, 'email', p.email) end as person
     from latest l
     left join events e on e.project_id = $1 and e.occurred_at = l.occurred_at and e.id = l.id and l.id <> all ($3::uuid[])
     left join lateral (select length(e.properties::text) > ${maxPropertyBytes} as cut) as size on true
     left join people p on p.project_id = $1 and p.id = e.person_id
     order by l.occurred_at desc, l.id desc`,
    [
      projectId,
      new Date(app.now().getTime() - windowMs),
      known,
      ...(personId === undefined ? [] : [personId]),
    ],
  )
  return rows
}
