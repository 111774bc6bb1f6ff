import type { Json } from '@fairway/queue'
import type { App } from '../app.ts'
import { tooManyRequests } from '../errors.ts'

export interface LiveEvent {
  id: string
  name: string
  personId: number
  person: { id: number; externalId: string | null; email: string | null } | null
  properties: Record<string, Json>
  source: string | null
  occurredAt: Date
  receivedAt: Date
}

/** A project, or one person of it. */
export interface Watched {
  projectId: number
  personId?: number
}

/** Called with new events, oldest first. */
export type Subscriber = (events: LiveEvent[]) => void

const pollMs = 1_000
/** Events shown on connecting, and read by one poll: of a flood, the stream shows a sample. */
const mostEvents = 50
const windowMs = 600_000
const subscribersPerWatch = 20
const watchesPerProcess = 100

/**
 * The latest events of projects, and of single people, that somebody is looking at. One poll a second and watch serves all
 * its subscribers; it reads a few rows from the end of the newest partition. Nothing runs where nobody looks.
 */
export class LiveEvents {
  readonly #app: App
  readonly #watches = new Map<string, Watch>()

  constructor(app: App) {
    this.#app = app
  }

  /**
   * Returns the function that ends the subscription. The first call of `subscriber` brings the latest ten minutes.
   *
   * @throws {ApiError} 429 above 20 subscribers of a project or person, or 100 watched projects and people in this process.
   */
  subscribe(watched: Watched, subscriber: Subscriber): () => void {
    const key = `${watched.projectId} ${watched.personId ?? ''}`
    let watch = this.#watches.get(key)
    if (!watch) {
      if (this.#watches.size >= watchesPerProcess) throw tooManyRequests('Too many live views are open', 30)
      watch = new Watch(this.#app, watched, () => this.#watches.delete(key))
      this.#watches.set(key, watch)
    }
    return watch.add(subscriber)
  }
}

class Watch {
  readonly #app: App
  readonly #watched: Watched
  readonly #onIdle: () => void
  readonly #subscribers = new Set<Subscriber>()
  /** The last poll's events, newest first: what new subscribers get, and what the next poll leaves out. */
  #latest: LiveEvent[] = []
  #polling = false

  constructor(app: App, watched: Watched, onIdle: () => void) {
    this.#app = app
    this.#watched = watched
    this.#onIdle = onIdle
  }

  add(subscriber: Subscriber): () => void {
    if (this.#subscribers.size >= subscribersPerWatch) {
      throw tooManyRequests('Too many of these live views are open', 30)
    }
    this.#subscribers.add(subscriber)
    if (this.#latest.length > 0) subscriber([...this.#latest].reverse())
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
        const events = await readLatest(this.#app, this.#watched)
        const known = new Set(this.#latest.map(({ id }) => id))
        const fresh = events.filter(({ id }) => !known.has(id)).reverse()
        this.#latest = events
        if (fresh.length > 0) for (const subscriber of this.#subscribers) subscriber(fresh)
      } catch (error) {
        this.#app.log.warn({ err: error, ...this.#watched }, 'could not read live events')
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs).unref())
    }
    this.#polling = false
  }
}

/** By the time they happened, because that is how events are stored: an event of long ago doesn't show up here. */
async function readLatest(app: App, { projectId, personId }: Watched): Promise<LiveEvent[]> {
  const { rows } = await app.pool.query<LiveEvent>(
    `select e.id, e.name, e.person_id as "personId", e.properties, e.source,
            e.occurred_at as "occurredAt", e.received_at as "receivedAt",
            case when p.id is not null
              then json_build_object('id', p.id, 'externalId', p.external_id, 'email', p.email) end as person
     from (
       select * from events
       where project_id = $1 and occurred_at > $2 ${personId === undefined ? '' : 'and person_id = $3'} order by occurred_at desc, id desc limit ${mostEvents}
     ) as e
     left join people p on p.project_id = $1 and p.id = e.person_id
     order by e.occurred_at desc, e.id desc`,
    [projectId, new Date(app.now().getTime() - windowMs), ...(personId === undefined ? [] : [personId])],
  )
  return rows
}
