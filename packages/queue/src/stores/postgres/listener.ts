import pg from 'pg'
import type { Wake } from '../../store.ts'
import type { Connection } from './connection.ts'

/**
 * LISTEN on a connection of its own, reopened when it breaks. NOTIFY takes a lock that serialises all commits of the
 * database, so announcements are sent apart from the commits and at most one per `announceEveryMs`.
 */
export class Listener {
  readonly #connection: Connection
  readonly #channel: string
  #client: pg.Client | undefined
  #reopen: NodeJS.Timeout | undefined
  #announcing: NodeJS.Timeout | undefined
  #lastAnnounced = 0
  readonly #pending = new Set<Wake>()
  #closed = false

  constructor(connection: Connection, channel: string) {
    this.#connection = connection
    this.#channel = channel
  }

  async open(wake: (what: Wake) => void): Promise<void> {
    if (this.#closed) return
    const client = new pg.Client({
      ...this.#connection.pool.options,
      application_name: 'fairway-queue listen',
    })
    this.#client = client
    client.on('notification', (message) => wake((message.payload || 'ready') as Wake))
    client.on('error', () => this.#lost(wake))
    client.on('end', () => this.#lost(wake))
    try {
      await client.connect()
      await client.query(`listen ${this.#channel}`)
    } catch {
      this.#lost(wake)
    }
  }

  announce(what: Wake): void {
    this.#pending.add(what)
    if (this.#closed || this.#announcing) return
    const wait = Math.max(0, this.#lastAnnounced + announceEveryMs - Date.now())
    this.#announcing = setTimeout(() => {
      this.#announcing = undefined
      this.#lastAnnounced = Date.now()
      const kinds = [...this.#pending]
      this.#pending.clear()
      // Lost announcements cost latency, never jobs: every worker also polls.
      this.#connection
        .run('announce', 'select pg_notify($1, kind) from unnest($2::text[]) as kind', [this.#channel, kinds])
        .catch(() => {})
    }, wait)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#reopen)
    clearTimeout(this.#announcing)
    await this.#client?.end().catch(() => {})
  }

  #lost(wake: (what: Wake) => void): void {
    const client = this.#client
    if (this.#closed || !client) return
    this.#client = undefined
    client.removeAllListeners()
    client.on('error', () => {})
    client.end().catch(() => {})
    clearTimeout(this.#reopen)
    this.#reopen = setTimeout(() => {
      void this.open(wake).then(() => {
        wake('ready')
        wake('scheduled')
        wake('cancelled')
      })
    }, 1_000)
    this.#reopen.unref()
  }
}

const announceEveryMs = 10
