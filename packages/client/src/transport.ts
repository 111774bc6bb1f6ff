import { FairwayError, NoAnswerError } from './errors.ts'

export interface FairwayOptions {
  /** Where the server is: `https://fairway.example.com`. */
  url: string
  /** Its number, as the console's address has it. */
  project: number
  /** A secret key of the project. It may do nearly everything: not for browsers and apps. */
  secretKey: string
  /** How long an answer is waited for, each time; default 30 s. */
  timeoutMs?: number
  /** Tries in all of a request that can be sent again; default 5. */
  maxTries?: number
  /** A server that wants to be left alone for longer is not asked again; default 60 s. */
  maxWaitMs?: number
  fetch?: typeof fetch
  /** Waits before another try. */
  wait?: (ms: number) => Promise<void>
}

export type Query = Record<string, string | number | boolean | undefined>

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Query
  body?: unknown
  headers?: Record<string, string>
  /** Done twice, it is as if it was done once: sent again where nobody knows whether it was done. */
  repeatable?: boolean
}

const firstWaitMs = 500

/** Sends requests, and again what was refused for a moment. */
export class Transport {
  readonly #options: Required<FairwayOptions>

  /** @throws {TypeError} that names the option */
  constructor(options: FairwayOptions) {
    this.#options = {
      url: addressOf(options.url),
      project: numberOf('project', options.project, 1),
      secretKey: keyOf(options.secretKey),
      timeoutMs: numberOf('timeoutMs', options.timeoutMs ?? 30_000, 1),
      maxTries: numberOf('maxTries', options.maxTries ?? 5, 1),
      maxWaitMs: numberOf('maxWaitMs', options.maxWaitMs ?? 60_000, 0),
      fetch: options.fetch ?? globalThis.fetch,
      wait: options.wait ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    }
  }

  /** `/api/v1/projects/7/people/id%3A1` of `people`, `id:1`. */
  path(...parts: (string | number)[]): string {
    return ['/api/v1/projects', this.#options.project, ...parts.map(encodeURIComponent)].join('/')
  }

  /** @throws {FairwayError | NoAnswerError} */
  async send<T>(call: Call): Promise<T> {
    const { maxTries, maxWaitMs, wait } = this.#options
    for (let tries = 1; ; tries++) {
      try {
        return await this.#try<T>(call)
      } catch (error) {
        const waitMs = isWorthAnother(error, call) ? waitOf(error, tries) : Number.POSITIVE_INFINITY
        if (tries >= maxTries || waitMs > maxWaitMs) throw error
        await wait(waitMs)
      }
    }
  }

  async #try<T>({ method, path, query = {}, body, headers }: Call): Promise<T> {
    const { url, secretKey, timeoutMs, fetch } = this.#options
    const pairs = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    )
    const address = `${url}${path}${pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : ''}`
    let response: Response
    let text: string
    try {
      response = await fetch(address, {
        method,
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'error',
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${secretKey}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      })
      text = await response.text()
    } catch (error) {
      throw new NoAnswerError(url, error)
    }
    const answer = parse(text)
    if (!response.ok) throw new FairwayError(response.status, answer, retryAfterMs(response))
    return answer as T
  }
}

function addressOf(url: unknown): string {
  if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new TypeError('url must be where the server is, like https://fairway.example.com')
  return url.replace(/\/+$/, '')
}

function keyOf(key: unknown): string {
  // Of what is set nowhere a template makes "undefined", and a header can't have a line end.
  if (typeof key !== 'string' || !/^fw_secret_[\w-]+$/.test(key))
    throw new TypeError('secretKey must be a secret key of the project: fw_secret_…')
  return key
}

/** The longest that a timer can wait. */
const maxNumber = 2_147_483_647

function numberOf(name: string, value: unknown, least: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > maxNumber)
    throw new TypeError(`${name} must be a whole number from ${least} to ${maxNumber}`)
  return value as number
}

/** Of 429 and 503 the server has done nothing. A proxy in front answers 502 and 504 for what may have been done. */
function isWorthAnother(error: unknown, { method, repeatable = method === 'GET' || method === 'PUT' }: Call) {
  if (error instanceof NoAnswerError) return repeatable
  if (!(error instanceof FairwayError)) return false
  const { status } = error
  return status === 429 || status === 503 || (repeatable && (status === 502 || status === 504))
}

/** As the server says; else longer each time, and not with everybody at once. */
const waitOf = (error: unknown, tries: number) =>
  (error instanceof FairwayError ? error.retryAfterMs : undefined) ??
  firstWaitMs * 2 ** (tries - 1) * (0.5 + Math.random() / 2)

function retryAfterMs({ headers }: Response): number | undefined {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1_000
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds * 1_000)
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return { detail: text.slice(0, 500) }
  }
}
