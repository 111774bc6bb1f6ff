import type { App } from '../platform/app.ts'
import { tooManyRequests } from '../platform/errors.ts'
import { memoizePerObject } from '../platform/memoize-per-object.ts'
import { networkOf } from './network.ts'

const windowMs = 60_000
/** Addresses remembered; a full map forgets the oldest window, so that memory stays bounded under any flood. */
const maxAddresses = 10_000
const failuresPerMinute = 60

interface Window {
  count: number
  endsAt: number
}

/**
 * Counts failed key checks per address in windows of one minute, in this process. What protects keys is their length, so
 * an exact count over all processes would be worth no round trip; sign-in-attempts.ts counts what can be guessed.
 */
export class Attempts {
  readonly #app: App
  readonly #perMinute: number
  readonly #windows = new Map<string, Window>()

  constructor(app: App, perMinute: number) {
    this.#app = app
    this.#perMinute = perMinute
  }

  /** Counts one. @throws {ApiError} 429 with the seconds until the window ends, once there were too many. */
  count(address: string): void {
    const id = networkOf(address)
    const now = this.#app.now().getTime()
    let window = this.#windows.get(id)
    if (!window || window.endsAt <= now) {
      this.#windows.delete(id)
      if (this.#windows.size >= maxAddresses) this.#windows.delete(this.#windows.keys().next().value!)
      window = { count: 0, endsAt: now + windowMs }
      this.#windows.set(id, window)
    }
    window.count++
    if (window.count > this.#perMinute) {
      throw tooManyRequests(
        `More than ${this.#perMinute} attempts in a minute from this address; wait before the next one`,
        Math.max(1, Math.ceil((window.endsAt - now) / 1000)),
      )
    }
  }
}

/** The limits of this App. */
export const attemptsOf = memoizePerObject((app: App) => ({
  failedAuth: new Attempts(app, failuresPerMinute),
}))
