import type { Json } from '../../../api/types.ts'
import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'

/** A worker session of this process. */
export interface LocalSession {
  worker: number
  /** The last settlement that went through, and the answer to it. */
  settled: { number: number; held: Set<number> }
  /** Leases handed out, with the shards in which they hold something. */
  leases: Map<number, Set<number>>
  /** Closed, or given up for dead. */
  ended: boolean
}

/** A worker session as everybody sees it. */
export interface Session {
  worker: number
  /** The process (the store instance) it lives in. */
  member: string
  /** Counts heartbeats. */
  beat: number
  leaseMs: number
  report: Json | undefined
}

/** Worker sessions: one small item each, which heartbeats count up. Nobody's clock is written into it. */
export class Sessions {
  readonly #table: Table
  readonly #member: string
  readonly local = new Map<number, LocalSession>()

  constructor(table: Table, member: string) {
    this.#table = table
    this.#member = member
  }

  async open(leaseMs: number, kind?: 'mover'): Promise<number> {
    const counter = await this.#table.update(keys.workerCounter(), {
      text: 'ADD #count :one',
      values: { ':one': 1 },
    })
    const worker = kind === 'mover' ? -Number(counter.count) : Number(counter.count)
    await this.#table.put({ ...keys.session(worker), worker, member: this.#member, beat: 0, leaseMs })
    this.local.set(worker, {
      worker,
      settled: { number: 0, held: new Set() },
      leases: new Map(),
      ended: false,
    })
    return worker
  }

  /** False: somebody found the session silent for too long, and ended it. */
  async heartbeat(worker: number, leaseMs: number, report?: Json): Promise<boolean> {
    const written = await this.#table.tryUpdate(
      keys.session(worker),
      {
        text: `SET #leaseMs = :leaseMs${report === undefined ? '' : ', #report = :report'} ADD #beat :one`,
        values: {
          ':leaseMs': leaseMs,
          ':one': 1,
          ...(report !== undefined && { ':report': JSON.stringify(report) }),
        },
      },
      { text: 'attribute_exists(pk)' },
    )
    if (!written.ok) this.#forget(worker)
    return written.ok
  }

  async close(worker: number): Promise<void> {
    this.#forget(worker)
    await this.#table.delete(keys.session(worker))
  }

  /** Ends a silent session. False: it spoke meanwhile. */
  async end({ worker, beat }: Session): Promise<boolean> {
    const written = await this.#table.tryDelete(keys.session(worker), {
      text: 'attribute_not_exists(pk) or #beat = :beat',
      values: { ':beat': beat },
    })
    if (written.ok) this.#forget(worker)
    return written.ok
  }

  #forget(worker: number): void {
    const session = this.local.get(worker)
    if (session) session.ended = true
    this.local.delete(worker)
  }

  async exists(worker: number): Promise<boolean> {
    return (await this.#table.get(keys.session(worker))) !== undefined
  }

  async list(): Promise<Session[]> {
    return (await this.#table.query({ pk: keys.sessions() })).map(sessionOf)
  }
}

const sessionOf = (row: Row): Session => ({
  worker: Number(row.worker),
  member: String(row.member),
  beat: Number(row.beat),
  leaseMs: Number(row.leaseMs),
  report: row.report === undefined ? undefined : (JSON.parse(String(row.report)) as Json),
})
