import { ApiError, conflict, unavailable } from '../errors.ts'

interface Trouble {
  detail: string
  retryAfterSeconds: number
}

const away: Trouble = { detail: 'The database is not reachable', retryAfterSeconds: 2 }
const noConnection: Trouble = {
  detail: 'There was no connection to the database in time: it does not answer, or this server is busy',
  retryAfterSeconds: 2,
}
const busy: Trouble = { detail: 'The database is busy with the same rows', retryAfterSeconds: 1 }
const slow: Trouble = { detail: 'The database did not answer in time', retryAfterSeconds: 5 }
const readOnly: Trouble = {
  detail: 'The database is read-only: it is a standby, or was set so',
  retryAfterSeconds: 5,
}
const full = (what: string): Trouble => ({ detail: `The database is out of ${what}`, retryAfterSeconds: 10 })

/** By SQLSTATE, or by its class: what passes by itself, or by what an operator does. */
const temporary: Record<string, Trouble> = {
  '08': away,
  '25006': readOnly,
  '25P03': slow, // idle in a transaction for too long
  '25P04': slow, // transaction timeout
  '40': busy, // serialization failure, deadlock
  '53': full('resources'),
  '53100': full('disk space'),
  '53200': full('memory'),
  '53300': full('connections'),
  '55006': busy,
  '55P03': busy, // lock timeout
  '57': away, // shutting down, crashed, starting
  '57014': slow,
  '58': { detail: "The database can't read or write its files", retryAfterSeconds: 10 },
}

/** Of the connection, by Node's code. */
const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** pg's own errors carry no code. */
const awayMessages = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'timeout expired',
  'Query read timeout',
  'Cannot use a pool after calling end',
]

/** The driver's timers run in this process, and end what was answered while it was held up, too. */
const connectTimeouts = new Set([
  'timeout exceeded when trying to connect',
  'Connection terminated due to connection timeout',
])

interface FromPostgres extends Error {
  code?: string
  severity?: string
}

/**
 * What an error of the database means to a caller; undefined for errors of anything else, and for mistakes of ours.
 * What is temporary is 503, a value that PostgreSQL can't take (class 22, and rows too large for an index) is 422, a
 * row that came or went meanwhile is 409.
 */
export function databaseError(error: unknown): ApiError | undefined {
  if (!(error instanceof Error)) return undefined
  // better-auth wraps what it meets.
  return meaningOf(error) ?? databaseError(error.cause)
}

function meaningOf(error: FromPostgres): ApiError | undefined {
  const trouble = temporaryTrouble(error)
  if (trouble) return unavailable(`${trouble.detail}: try again later.`, trouble.retryAfterSeconds, error)
  const { code = '', severity } = error
  if (severity === undefined) return undefined
  if (/^(22|54)/.test(code))
    return new ApiError(422, 'invalid_field', `A value can't be stored: ${error.message}`, { cause: error })
  if (/^(23503|23505|23P01)$/.test(code))
    return conflict('Something that this depends on was changed meanwhile: read it again, then try again.')
  return undefined
}

function temporaryTrouble({ code = '', severity, message }: FromPostgres): Trouble | undefined {
  const known = temporary[code] ?? temporary[code.slice(0, 2)]
  if (known) return known
  if (connectTimeouts.has(message)) return noConnection
  // FATAL ends the connection, whatever the reason was.
  const isLost = severity === 'FATAL' || severity === 'PANIC' || awayCodes.has(code)
  return isLost || awayMessages.some((beginning) => message.startsWith(beginning)) ? away : undefined
}
