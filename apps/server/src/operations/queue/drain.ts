import { DrainTrend } from '@fairway/queue'

/** How soon nothing waits any more. `ms` is known while it is `draining`. */
export interface Drain {
  /** `unknown`: this process has only begun to look. `not_draining`: as much comes as goes, or more. */
  state: 'empty' | 'paused' | 'unknown' | 'draining' | 'not_draining'
  ms: number | null
}

/** Projects looked at; the one that was looked at longest ago is forgotten first. */
const maxProjects = 1_000
/** A trend needs readings this far apart, and forgets those older than a minute. */
const leastMs = 1_000
const forgottenMs = 60_000

interface Watched {
  trend: DrainTrend
  firstAt: number
  lastAt: number
}

/** Whether a project's waiting work becomes less, from the readings that its consoles and clients cause. */
export class Drains {
  readonly #watched = new Map<number, Watched>()

  read(projectId: number, lanes: { lane: string; waiting: number; paused: boolean }[], now: number): Drain[] {
    const watched = this.#watch(projectId, now)
    return lanes.map(({ lane, waiting, paused }) => {
      const ms = watched.trend.note(lane, waiting, now)
      if (waiting === 0) return { state: 'empty', ms: null }
      if (paused) return { state: 'paused', ms: null }
      if (ms !== null) return { state: 'draining', ms: Math.round(ms) }
      return { state: now - watched.firstAt < leastMs ? 'unknown' : 'not_draining', ms: null }
    })
  }

  #watch(projectId: number, now: number): Watched {
    const known = this.#watched.get(projectId)
    const fresh = !known || now - known.lastAt >= forgottenMs
    const watched = fresh ? { trend: new DrainTrend(), firstAt: now, lastAt: now } : known
    watched.lastAt = now
    this.#watched.delete(projectId)
    if (this.#watched.size >= maxProjects) this.#watched.delete(this.#watched.keys().next().value!)
    this.#watched.set(projectId, watched)
    return watched
  }
}
