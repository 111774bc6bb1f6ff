import { isIP } from 'node:net'
import { resolve } from 'node:path'

/**
 * Every environment variable that Fairway reads, in one place. docs/configuration.md shows the same table; a test keeps
 * the two in step.
 */
export const settings = {
  port: setting(
    'FAIRWAY_PORT',
    '3000',
    'Port of the HTTP server. `0` takes any free one.',
    integer(0, 65_535),
  ),
  host: setting(
    'FAIRWAY_HOST',
    '127.0.0.1',
    'Address to listen on. `0.0.0.0` or `::` to be reachable from other machines.',
    text(),
  ),
  publicUrl: setting(
    'FAIRWAY_PUBLIC_URL',
    undefined,
    'Where people reach this server, for links in mail and sign-in. Without it, links point to `http://localhost:<port>`.',
    url('http:', 'https:'),
  ),
  trustProxy: setting(
    'FAIRWAY_TRUST_PROXY',
    'false',
    'Reverse proxies in front, whose `X-Forwarded-For`, `-Proto` and `-Host` count: how many there are (`true` is one), or their ' +
      'addresses and networks, `10.0.0.0/8, fd00::/8`. The client is the last entry that none of them wrote.',
    trustedProxies,
  ),
  dataDir: setting(
    'FAIRWAY_DATA_DIR',
    './.fairway',
    'Directory for the built-in PostgreSQL and the generated secret.',
    (value) => resolve(value),
  ),
  databaseUrl: setting(
    'DATABASE_URL',
    undefined,
    'Your own PostgreSQL 14 or newer, `postgresql://user:password@host:5432/database`. Without it, Fairway runs its own.',
    url('postgres:', 'postgresql:'),
  ),
  databaseConnections: setting(
    'FAIRWAY_DATABASE_CONNECTIONS',
    '20',
    'Connections that one process opens at most, besides the few of the queue. A quarter of them serves costly reads ' +
      '(counts, searches, reports), the rest everything else.',
    integer(4, 1_000),
  ),
  databaseSeconds: setting(
    'FAIRWAY_DATABASE_SECONDS',
    '15',
    'Time that PostgreSQL may take for one statement of a request; its connection is then given up, and the request gets ' +
      '503. Jobs have four times as long.',
    integer(1, 3_600),
  ),
  queueStore: setting(
    'FAIRWAY_QUEUE_STORE',
    'postgres',
    'Where a new queue keeps its jobs, `postgres` or `dynamodb`. One that exists stays where it is until `fairway queue migrate`.',
    oneOf('postgres', 'dynamodb'),
  ),
  dynamodbTable: setting(
    'FAIRWAY_DYNAMODB_TABLE',
    undefined,
    "The queue's table in DynamoDB, made when it is missing. Without it, `fairway-queue` where DynamoDB is used. " +
      "Region and credentials are found as every AWS program finds them (`AWS_REGION`, `AWS_PROFILE`, the machine's role).",
    tableName,
  ),
  dynamodbEndpoint: setting(
    'FAIRWAY_DYNAMODB_ENDPOINT',
    undefined,
    'Address of DynamoDB, for DynamoDB Local or an endpoint of a private network. Without it, that of the region.',
    url('http:', 'https:'),
  ),
  role: setting(
    'FAIRWAY_ROLE',
    'all',
    'What runs here: `api` takes requests, `worker` processes jobs, `all` is a process of each.',
    oneOf('all', 'api', 'worker'),
  ),
  workerConcurrency: setting(
    'FAIRWAY_WORKER_CONCURRENCY',
    '16',
    "Job batches that one process works on at once. Those that wait for a mail server's answer do not count: up to 256 more.",
    integer(1, 1_000),
  ),
  secret: setting(
    'FAIRWAY_SECRET',
    undefined,
    'Key for encrypted columns, sessions and signed links; at least 32 characters, the same in every process. ' +
      'Without it, one is generated into the data directory.',
    atLeast32Characters,
  ),
  smtpUrl: setting(
    'FAIRWAY_SMTP_URL',
    undefined,
    'SMTP server for projects without a provider of their own, `smtp://user:password@host:587` or `smtps://…:465`. ' +
      'Without it, mail of live projects waits until there is a server.',
    url('smtp:', 'smtps:'),
  ),
  allowPrivateNetworks: setting(
    'FAIRWAY_ALLOW_PRIVATE_NETWORKS',
    'false',
    '`true` lets projects reach loopback, private and link-local addresses: SMTP servers, files to import, SQL sources. ' +
      'Leave it off when people you do not know may add them.',
    boolean(),
  ),
  logLevel: setting(
    'FAIRWAY_LOG_LEVEL',
    'info',
    'Least severe log lines to write.',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  ),
  renderSeconds: setting(
    'FAIRWAY_RENDER_SECONDS',
    '2',
    'Seconds of a processor that one mail may take from its template to the bytes that leave; one that takes more, or five times as long by the clock, is stopped and `failed`.',
    integer(1, 60),
  ),
  maxEventBytes: setting(
    'FAIRWAY_MAX_EVENT_BYTES',
    undefined,
    'Size of one event or person in an ingestion request. Without it, what the clients of each API may send: ' +
      "32 KB by the Track API, 64 KB by `/v1`, 100 KB by Customer.io's.",
    integer(1_024, 1_048_576),
  ),
  maxBatchBytes: setting(
    'FAIRWAY_MAX_BATCH_BYTES',
    undefined,
    'Size of an ingestion request, after decompression. Without it, 4 MB by `/v1`, 500 KB by the others.',
    integer(1_024, 16_777_216),
  ),
  maxBatchEvents: setting(
    'FAIRWAY_MAX_BATCH_EVENTS',
    undefined,
    'Events in one ingestion request. Without it, 20,000 by `/v1`, 2,500 by the others.',
    integer(1, 100_000),
  ),
  ingestRate: setting(
    'FAIRWAY_INGEST_RATE',
    '0',
    'Events a second that one project may send to one process, with bursts of five seconds; `0` for no limit.',
    integer(0, 10_000_000),
  ),
}

type Settings = typeof settings
export type Config = { [Name in keyof Settings]: Settings[Name] extends Setting<infer Value> ? Value : never }

export interface Setting<Value> {
  variable: string
  /** As one would write it in the environment; undefined when there is none. */
  default: string | undefined
  what: string
  /** Throws a message that completes "FAIRWAY_X must be …". */
  parse(value: string): Value
}

/** One or more environment variables can't be used. The message names each with what it must be. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
  }
}

/** Reads and validates the environment; an empty variable counts as absent. Throws {@link ConfigError}. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const problems: string[] = []
  const entries = Object.entries(settings).map(([name, { variable, default: fallback, parse }]) => {
    const value = environment[variable]?.trim() || fallback
    try {
      return [name, value === undefined ? undefined : parse(value)]
    } catch (error) {
      problems.push(`${variable} must be ${(error as Error).message}.`)
      return [name, undefined]
    }
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.fromEntries(entries) as Config
}

/** Variables that look like ours and are not, for a warning: most often a slip of the pen. */
export function unknownVariables(environment: Record<string, string | undefined> = process.env): string[] {
  const known = new Set(Object.values(settings).map(({ variable }) => variable))
  return Object.keys(environment).filter(
    (variable) => variable.startsWith('FAIRWAY_') && !known.has(variable),
  )
}

function setting<Value>(
  variable: string,
  fallback: string,
  what: string,
  parse: (value: string) => Value,
): Setting<Value>
function setting<Value>(
  variable: string,
  fallback: undefined,
  what: string,
  parse: (value: string) => Value,
): Setting<Value | undefined>
function setting<Value>(
  variable: string,
  fallback: string | undefined,
  what: string,
  parse: (value: string) => Value,
) {
  return { variable, default: fallback, what, parse }
}

function text() {
  return (value: string) => value
}

function integer(least: number, most: number) {
  return (value: string) => {
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= least && number <= most) return number
    throw new Error(`a whole number from ${least} to ${most}, not "${value}"`)
  }
}

function boolean() {
  return (value: string) => {
    if (value === 'true' || value === '1') return true
    if (value === 'false' || value === '0') return false
    throw new Error(`true or false, not "${value}"`)
  }
}

/** No proxy, a number of hops, or the proxies' addresses and networks. */
export type TrustedProxies = false | number | string[]

function trustedProxies(value: string): TrustedProxies {
  if (value === 'false' || value === '0') return false
  if (value === 'true') return 1
  if (/^[1-9]$/.test(value)) return Number(value)
  const networks = value.split(',').map((network) => network.trim())
  if (networks.every(isNetwork)) return networks
  throw new Error(`true, false, a number of proxies up to 9, or their addresses and networks, not "${value}"`)
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

function oneOf<const Choice extends string>(...choices: Choice[]) {
  return (value: string) => {
    if (choices.includes(value as Choice)) return value as Choice
    throw new Error(`${choices.length > 1 ? 'one of ' : ''}${choices.join(', ')}, not "${value}"`)
  }
}

function tableName(value: string) {
  if (/^[\w.-]{3,255}$/.test(value)) return value
  throw new Error(`3 to 255 letters, digits, dots, dashes and underscores, not "${value}"`)
}

/** Without a trailing slash. The value is not repeated in the message: it may hold a password. */
function url(...protocols: string[]) {
  return (value: string) => {
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol))
      return withoutTrailingSlashes(value)
    throw new Error(`a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`)
  }
}

function withoutTrailingSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end--
  return text.slice(0, end)
}

function atLeast32Characters(value: string) {
  if (value.length >= 32) return value
  throw new Error('at least 32 characters long (make one with `openssl rand -base64 32`)')
}
