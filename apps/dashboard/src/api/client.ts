import { withLabel } from './field-labels.ts'

/** A refusal by the server, as RFC 9457 problem details; `field` is the path of the offending input, where there is one. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | undefined
  readonly retryAfterSeconds: number | undefined
  /** As the server said it: with the field's name in the API. */
  readonly said: string
  /** The whole problem document, for members that only one caller knows. */
  readonly problem: Record<string, unknown>

  constructor(status: number, problem: Record<string, unknown>, retryAfterSeconds?: number) {
    const said =
      // What the server says is for those who call it with a key.
      (problem.code === 'unauthorized' ? sessionEnded : text(problem.detail)) ??
      text(problem.message) ??
      text(problem.title) ??
      `The server answered ${status}.`
    super(withLabel(said, text(problem.field)))
    this.name = 'ApiError'
    this.said = said
    this.status = status
    this.code = text(problem.code) ?? 'error'
    this.field = text(problem.field)
    this.retryAfterSeconds = retryAfterSeconds
    this.problem = problem
  }
}

const sessionEnded = 'The session has ended. Sign in, then try again.'

/** No answer at all: the server is down, or the network is. */
export class ConnectionError extends Error {
  constructor(cause: unknown) {
    super('Fairway did not answer. Check that the server is running and that you are online.', { cause })
    this.name = 'ConnectionError'
  }
}

export type QueryValue = string | number | boolean | undefined | null

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, QueryValue>
  body?: unknown
  signal?: AbortSignal
}

/** The one way the console talks to the server. Throws {@link ApiError} or {@link ConnectionError}. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return answerOf(await send(path, options))
}

async function answerOf<T>(response: Response): Promise<T> {
  const content = await read(response)
  if (response.ok) return content as T
  const problem = typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {}
  throw new ApiError(response.status, problem, retryAfter(response))
}

/** Puts plain bytes. Throws like {@link request}. */
export async function sendSlice<T>(path: string, query: Record<string, QueryValue>, slice: Blob): Promise<T> {
  const headers = { accept: 'application/json', 'content-type': 'application/octet-stream' }
  return answerOf(await fetchFrom(withQuery(path, query), { method: 'PUT', headers, body: slice }))
}

/** Beyond what any read may take: a server that is hung, or a network that swallows, is away as well. */
const maxReadMs = 60_000

function send(path: string, { method = 'GET', query, body, signal }: RequestOptions): Promise<Response> {
  return fetchFrom(withQuery(path, query), {
    method,
    signal: method === 'GET' ? within(maxReadMs, signal) : signal,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
}

async function fetchFrom(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, { credentials: 'same-origin', ...init })
  } catch (error) {
    if (init.signal?.aborted && !isTimeout(error)) throw error
    throw new ConnectionError(error)
  }
}

const within = (ms: number, signal?: AbortSignal) =>
  AbortSignal.any([AbortSignal.timeout(ms), ...(signal ? [signal] : [])])

const isTimeout = (error: unknown) => error instanceof DOMException && error.name === 'TimeoutError'

async function read(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
  return isJson ? response.json() : response.text()
}

export function withQuery(path: string, query: Record<string, QueryValue> = {}): string {
  const pairs = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  )
  if (pairs.length === 0) return path
  return `${path}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`
}

/** `/api/v1/projects/:project/…` with every part escaped. */
export const projectPath = (project: string, ...parts: (string | number)[]): string =>
  ['/api/v1/projects', project, ...parts]
    .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
    .join('/')

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

const retryAfter = (response: Response): number | undefined => {
  const seconds = Number(response.headers.get('retry-after'))
  return seconds > 0 ? seconds : undefined
}
