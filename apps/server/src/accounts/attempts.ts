import { isIPv6 } from 'node:net'
import type { App } from '../app.ts'
import { tooManyRequests } from '../errors.ts'
import { keptWith } from '../kept-with.ts'

const windowMs = 60_000
/** Addresses remembered; a full map forgets the oldest window, so that memory stays bounded under any flood. */
const maxAddresses = 10_000

interface Window {
  count: number
  endsAt: number
}

/** Counts attempts per address in windows of one minute, in this process. */
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
    const id = network(address)
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

/** One IPv6 customer holds 2^64 addresses: they count as one. */
function network(address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  const [head = '', tail] = address.split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':')
}

const failuresPerMinute = 60
const signInsPerMinute = 10

/** The limits of this App. */
export const attemptsOf = keptWith((app: App) => ({
  failedAuth: new Attempts(app, failuresPerMinute),
  signIn: new Attempts(app, signInsPerMinute),
}))
