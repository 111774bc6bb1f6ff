import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { App } from '../platform/app.ts'
import { tooManyRequests } from '../platform/errors.ts'
import { memoizePerObject } from '../platform/memoize-per-object.ts'
import { knownBrowser } from './known-browser.ts'
import { networkOf } from './network.ts'

interface Limit {
  most: number
  windowMs: number
  what: string
}

/** Whoever asks, for whichever account. */
const ofAddress: Limit = { most: 10, windowMs: 60_000, what: 'in a minute from this address' }
/** From all addresses together: guesses that are spread over many count here. */
const ofAccount: Limit = { most: 30, windowMs: 3_600_000, what: 'in an hour for this account' }
/** A browser that signed in to the account before; others can't use up its attempts. */
const ofBrowser: Limit = { most: 30, windowMs: 3_600_000, what: 'in an hour from this browser' }

/** Rows kept; the ones that end first go. */
const maxRows = 100_000
/** One in so many counts sweeps. */
const sweepEvery = 100

/**
 * Counts an attempt to prove who one is, over all processes: by address, and by account where it is known. Before the
 * attempt, so that many at once are no way around. Nobody can lock the owner of an account out by failing in their name:
 * a browser that signed in before counts for itself.
 *
 * @param account the address of the person, as given
 * @throws {ApiError} 429 with the seconds until the window ends
 */
export async function countSignInAttempt(app: App, request: FastifyRequest, account?: string): Promise<void> {
  await count(app, ofAddress, networkOf(request.ip))
  if (account === undefined) return
  const browser = knownBrowser(app, request, account)
  if (browser) await count(app, ofBrowser, browser)
  else await count(app, ofAccount, account.trim().toLowerCase())
}

async function count(app: App, limit: Limit, who: string): Promise<void> {
  const key = createHash('sha256').update(`${limit.what}\0${who}`).digest('base64url')
  const now = app.now()
  const { refused } = stateOf(app)
  const until = refused.get(key) ?? 0
  if (until > now.getTime()) throw tooMany(limit, until, now)
  const { rows } = await app.pool.query<{ count: number; ends_at: Date }>(
    `insert into sign_in_attempts as old (key, count, ends_at) values ($1, 1, $2)
     on conflict (key) do update set
       count = case when old.ends_at <= $3 then 1 else old.count + 1 end,
       ends_at = case when old.ends_at <= $3 then excluded.ends_at else old.ends_at end
     returning count, ends_at`,
    [key, new Date(now.getTime() + limit.windowMs), now],
  )
  await sweep(app, now)
  const { count, ends_at } = rows[0]!
  if (count <= limit.most) return
  // The next refusals need no round trip.
  if (refused.size >= maxRows) refused.clear()
  refused.set(key, ends_at.getTime())
  throw tooMany(limit, ends_at.getTime(), now)
}

const tooMany = ({ most, what }: Limit, until: number, now: Date) =>
  tooManyRequests(
    `More than ${most} attempts ${what}; wait before the next one`,
    Math.max(1, Math.ceil((until - now.getTime()) / 1000)),
  )

const stateOf = memoizePerObject((_app: App) => ({ counted: 0, refused: new Map<string, number>() }))

/** Bounded rows under any flood, at little cost. */
async function sweep(app: App, now: Date): Promise<void> {
  const state = stateOf(app)
  if (++state.counted % sweepEvery !== 0) return
  await app.pool.query(
    `delete from sign_in_attempts where ends_at <= $1
       or ends_at < (select ends_at from sign_in_attempts order by ends_at desc offset $2 limit 1)`,
    [now, maxRows],
  )
  for (const [key, until] of state.refused) if (until <= now.getTime()) state.refused.delete(key)
}
