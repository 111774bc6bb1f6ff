import type { App } from '../platform/app.ts'
import { databaseError } from '../platform/db/database-error.ts'
import { unavailable } from '../platform/errors.ts'
import { memoizePerObject } from '../platform/memoize-per-object.ts'

export interface KeyOwner {
  readonly projectId: number
  readonly kind: 'tracking' | 'secret'
}

/** How long a found key is trusted without asking again: the bound on a revocation made by another process. */
export const positiveTtlMs = 10_000
/** How long an unknown key is refused without asking again. */
export const negativeTtlMs = 2_000
/** Entries of each of the two maps. A full map forgets its oldest entry. */
const maxEntries = 10_000
/** Different keys waiting for the database; above it the reply is 503, so that random keys can't pile up. */
const maxWaiting = 10_000
const keysPerQuery = 500
/** `last_used_at` is for people, who look at it before they revoke a key: as fresh as "a minute ago" can tell. */
const usedPrecisionMs = 60_000

interface Waiter {
  readonly promise: Promise<KeyOwner | null>
  resolve(owner: KeyOwner | null): void
  reject(error: unknown): void
}

/**
 * Found and unknown keys, remembered for a short time in two bounded maps: a flood of random keys evicts only other
 * unknown keys. Misses share one query at a time, so the same flood costs the database one connection at most.
 */
class KeyCache {
  readonly #app: App
  readonly #found = new Map<string, { owner: KeyOwner; until: number }>()
  readonly #unknown = new Map<string, number>()
  readonly #waiting = new Map<string, Waiter>()
  #asking = false
  /** Counts `forget` calls, so that an answer read before one is not remembered after it. */
  #generation = 0

  constructor(app: App) {
    this.#app = app
  }

  /** `hash`: in hexadecimal, as everywhere here. */
  find(hash: string): KeyOwner | null | Promise<KeyOwner | null> {
    const now = this.#app.now().getTime()
    const found = this.#found.get(hash)
    if (found && found.until > now) return found.owner
    const unknownUntil = this.#unknown.get(hash)
    if (unknownUntil !== undefined && unknownUntil > now) return null
    return this.#ask(hash)
  }

  forget(hash: string): void {
    this.#generation++
    this.#found.delete(hash)
    this.#unknown.delete(hash)
  }

  forgetProject(projectId: number): void {
    this.#generation++
    for (const [hash, { owner }] of this.#found) if (owner.projectId === projectId) this.#found.delete(hash)
  }

  #ask(hash: string): Promise<KeyOwner | null> {
    const waiting = this.#waiting.get(hash)
    if (waiting) return waiting.promise
    if (this.#waiting.size >= maxWaiting) throw unavailable('Too many unknown keys are being checked', 1)
    const waiter = createWaiter()
    this.#waiting.set(hash, waiter)
    if (!this.#asking) void this.#askWaiting()
    return waiter.promise
  }

  async #askWaiting(): Promise<void> {
    this.#asking = true
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, keysPerQuery)
      const generation = this.#generation
      try {
        const owners = await loadOwners(
          this.#app,
          batch.map(([hash]) => hash),
        )
        for (const [hash, waiter] of batch) {
          const owner = owners.get(hash) ?? null
          if (generation === this.#generation) this.#remember(hash, owner)
          this.#waiting.delete(hash)
          waiter.resolve(owner)
        }
      } catch (error) {
        // What the database said is of use to whoever runs it.
        const refusal = databaseError(error) ?? unavailable('The key could not be checked', 1, error)
        for (const [hash, waiter] of batch) {
          this.#waiting.delete(hash)
          waiter.reject(refusal)
        }
      }
    }
    this.#asking = false
  }

  #remember(hash: string, owner: KeyOwner | null): void {
    const now = this.#app.now().getTime()
    this.#found.delete(hash)
    this.#unknown.delete(hash)
    if (owner) putBounded(this.#found, hash, { owner, until: now + positiveTtlMs }, maxEntries)
    else putBounded(this.#unknown, hash, now + negativeTtlMs, maxEntries)
  }
}

function createWaiter(): Waiter {
  let resolve!: Waiter['resolve']
  let reject!: Waiter['reject']
  const promise = new Promise<KeyOwner | null>((res, rej) => {
    resolve = res
    reject = rej
  })
  return { promise, resolve, reject }
}

/** A full map forgets its oldest entry. */
export function putBounded<V>(map: Map<string, V>, id: string, value: V, maxEntries: number): void {
  if (map.size >= maxEntries) {
    const oldest = map.keys().next()
    if (!oldest.done) map.delete(oldest.value)
  }
  map.set(id, value)
}

async function loadOwners(app: App, hashes: string[]): Promise<Map<string, KeyOwner>> {
  const now = app.now()
  const { rows } = await app.pool.query<{ hash: Buffer; project_id: number; kind: KeyOwner['kind'] }>(
    `with found as (
       select id, hash, project_id, kind, last_used_at from api_keys where hash = any($1) and revoked_at is null
     ), used as (
       update api_keys set last_used_at = $2
       where id in (select id from found where last_used_at is null or last_used_at < $3)
     )
     select hash, project_id, kind from found`,
    [hashes.map((hash) => Buffer.from(hash, 'hex')), now, new Date(now.getTime() - usedPrecisionMs)],
  )
  return new Map(
    rows.map((row) => [
      row.hash.toString('hex'),
      { projectId: row.project_id, kind: row.kind } satisfies KeyOwner,
    ]),
  )
}

/** The one cache of this App. */
export const keyCache = memoizePerObject((app: App) => new KeyCache(app))
