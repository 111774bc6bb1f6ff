import pg from 'pg'
import type { Wake } from '../store.ts'
import { type Connection, timed } from './connection.ts'

const announceEveryMs = 10
const reopenAfterMs = 1_000
/** A connection on which nothing comes looks the same whether it is quiet or dead: it is asked now and then. */
const askEveryMs = 15_000
const answerWithinMs = 5_000

/**
 * LISTEN on a connection of its own, reopened when it breaks. NOTIFY takes a lock that serialises all commits of the
 * database, so announcements are sent apart from the commits and at most one per `announceEveryMs`.
 */
export class Listener {
  readonly #connection: Connection
  readonly #channel: string
  readonly #onError: (error: unknown) => void
  #client: pg.Client | undefined
  #reopen: NodeJS.Timeout | undefined
  #asking: NodeJS.Timeout | undefined
  #announcing: NodeJS.Timeout | undefined
  #announced: Promise<void> | undefined
  #lastAnnounced = 0
  readonly #pending = new Set<Wake>()
  #closed = false

  constructor(connection: Connection, channel: string, onError: (error: unknown) => void) {
    this.#connection = connection
    this.#channel = channel
    this.#onError = onError
  }

  async open(wake: (what: Wake) => void): Promise<void> {
    if (this.#closed) return
    const client = new pg.Client(likeThoseOf(this.#connection.pool))
    this.#client = client
    client.on('notification', (message) => wake((message.payload || 'ready') as Wake))
    const lost = (error?: Error) => this.#lost(client, wake, error)
    client.on('error', lost)
    client.on('end', () => lost())
    try {
      await client.connect()
      await this.#ask(client, `listen ${this.#channel}`)
    } catch (error) {
      return lost(error as Error)
    }
    if (this.#client !== client) return
    this.#asking = setInterval(() => void this.#ask(client, 'select 1').catch(lost), askEveryMs)
    this.#asking.unref()
  }

  announce(what: Wake): void {
    this.#pending.add(what)
    if (this.#closed || this.#announcing || this.#announced) return
    const wait = Math.max(0, this.#lastAnnounced + announceEveryMs - performance.now())
    this.#announcing = setTimeout(() => {
      this.#announcing = undefined
      this.#announced = this.#tell().finally(() => {
        this.#announced = undefined
        for (const kind of this.#pending) return this.announce(kind)
      })
    }, wait)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#reopen)
    clearTimeout(this.#announcing)
    clearInterval(this.#asking)
    const client = this.#client
    this.#client = undefined
    if (client) end(client)
    await this.#announced
  }

  async #tell(): Promise<void> {
    this.#lastAnnounced = performance.now()
    const kinds = [...this.#pending]
    this.#pending.clear()
    // Lost announcements cost latency, never jobs: every worker also polls.
    await this.#connection
      .run('announce', 'select pg_notify($1, kind) from unnest($2::text[]) as kind', [this.#channel, kinds])
      .catch(() => {})
  }

  async #ask(client: pg.Client, text: string): Promise<void> {
    await client.query(timed({ text }, answerWithinMs))
  }

  #lost(client: pg.Client, wake: (what: Wake) => void, error: Error | undefined): void {
    if (this.#closed || this.#client !== client) return
    this.#client = undefined
    clearInterval(this.#asking)
    end(client)
    this.#onError(error ?? new Error('the connection that listens for new work ended'))
    clearTimeout(this.#reopen)
    this.#reopen = setTimeout(() => {
      void this.open(wake).then(() => {
        wake('ready')
        wake('scheduled')
        wake('cancelled')
      })
    }, reopenAfterMs)
    this.#reopen.unref()
  }
}

/** With all that the pool was made with: its password is no enumerable member, and lost to who copies by spreading. */
function likeThoseOf({ options }: pg.Pool): pg.ClientConfig {
  const config: pg.ClientConfig = Object.defineProperties({}, Object.getOwnPropertyDescriptors(options))
  return Object.assign(config, {
    application_name: 'fairway-queue listen',
    connectionTimeoutMillis: options.connectionTimeoutMillis || answerWithinMs,
    keepAlive: true,
    pipeline: false,
  })
}

/** Says goodbye, but does not wait for an answer from who may be silent. */
function end(client: pg.Client): void {
  client.removeAllListeners()
  client.on('error', () => {})
  client.end().catch(() => {})
  const giveUp = setTimeout(() => client.connection.stream.destroy(), answerWithinMs)
  giveUp.unref()
  client.once('end', () => clearTimeout(giveUp))
}
