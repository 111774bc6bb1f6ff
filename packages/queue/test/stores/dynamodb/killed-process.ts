import { setTimeout as pause } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { expect } from 'vitest'
import { isExclusive } from '../../../src/pages/streams.ts'
import {
  type DynamodbStore,
  type DynamodbStoreOptions,
  dynamodbStore,
} from '../../../src/stores/dynamodb/dynamodb-store.ts'
import type { ClaimedPage, Settlement } from '../../../src/stores/store.ts'
import { emptySettlement, ending, pageOf, recordsOf, refOf } from '../conformance/scene.ts'
import { endpoint } from './harness.ts'

export const lane = 'deaths'
const leaseMs = 600

/** What was promised to whom. */
export class Ledger {
  /** Jobs of appends that succeeded. */
  readonly added = new Set<string>()
  /** Appends whose producer died meanwhile: all of it is there, or nothing. */
  readonly doubtful: string[][] = []
  readonly seen = new Set<string>()
  readonly settled = new Set<string>()
  readonly buried = new Set<string>()
  /** Its worker was settling it when it died: whether that arrived nobody knows. */
  readonly uncertain = new Set<string>()
  /** Jobs of each key in the order of adding. */
  readonly keys = new Map<string, string[]>()

  add(tenant: string, stream: string, ids: string[]): void {
    for (const id of ids) this.added.add(id)
    if (!isExclusive(stream)) return
    const key = `${tenant} ${stream}`
    this.keys.set(key, [...(this.keys.get(key) ?? []), ...ids])
  }

  /** Nothing that was settled comes again, and jobs of a key come in their order. */
  check(page: ClaimedPage): void {
    const open = idsOf(page)
    for (const id of open) {
      this.seen.add(id)
      expect(this.settled.has(id), `${id} runs again`).toBe(false)
    }
    if (!isExclusive(page.stream)) return
    const order = this.keys.get(`${page.tenant} ${page.stream}`) ?? []
    const places = open.map((id) => order.indexOf(id)).filter((place) => place >= 0)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    for (const before of order.slice(0, places[0] ?? 0))
      expect(this.isOver(before), `${before} was passed over by ${open[0]}`).toBe(true)
  }

  isOver(id: string): boolean {
    return this.settled.has(id) || this.uncertain.has(id)
  }

  get missing(): string[] {
    return [...this.added].filter((id) => !this.isOver(id))
  }
}

const idsOf = (page: ClaimedPage): string[] =>
  recordsOf([page])
    .map(([id]) => id)
    .filter((_, position) => !page.done.includes(position))

/**
 * A store in a process that can die: from one moment on nothing of it reaches DynamoDB, nor does any answer reach it. It can
 * also freeze, as a machine does that is suspended, and go on later as if nothing had been.
 */
export class MortalStore {
  readonly store: DynamodbStore
  readonly #client: DynamoDBClient
  #thawing: Promise<void> | undefined
  #thaw = () => {}
  dead = false

  constructor(table: string, options: Partial<DynamodbStoreOptions> = {}) {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    this.#client = new DynamoDBClient({
      endpoint: endpoint(),
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    })
    const check = () => {
      if (this.dead) throw new Error('dead')
    }
    this.#client.middlewareStack.add(
      (next) => async (args) => {
        await this.#thawing
        check()
        const answer = await next(args)
        check()
        return answer
      },
      { step: 'finalizeRequest', name: 'death' },
    )
    // So little memory that queues go to disk all the time.
    this.store = dynamodbStore({ table, client: this.#client, pagesInMemory: 20, ...options })
  }

  freeze(): void {
    this.#thawing = new Promise((thaw) => {
      this.#thaw = thaw
    })
  }

  thaw(): void {
    this.#thaw()
    this.#thawing = undefined
  }

  die(): void {
    this.dead = true
  }

  async bury(): Promise<void> {
    this.dead = true
    await this.store.close().catch(() => {})
    this.#client.destroy()
  }
}

/** Claims and settles, in one way or another, until it dies or is told to leave. */
export class MortalWorker extends MortalStore {
  readonly #ledger: Ledger
  readonly #life: Promise<void>
  #leaving = false

  constructor(table: string, ledger: Ledger) {
    super(table)
    this.#ledger = ledger
    this.#life = this.#live()
    // Awaited at its end.
    this.#life.catch(() => {})
  }

  /** Dies at this moment. */
  async kill(): Promise<void> {
    this.die()
    await this.#life
    await this.bury()
  }

  /** Settles what it holds and gives its shards to others. */
  async leave(): Promise<void> {
    this.#leaving = true
    await this.#life
    await this.store.close()
    await this.bury()
  }

  async #live(): Promise<void> {
    while (!this.dead && !this.#leaving)
      try {
        await this.#session()
      } catch (error) {
        // One that lost its session, or whose store was away for a moment, starts again; a broken promise does not.
        if ((error as Error).name === 'AssertionError') throw error
        if (process.env.FAIRWAY_TEST_VERBOSE && !this.dead) console.log(error)
      }
  }

  async #session(): Promise<void> {
    const worker = await this.store.openWorker(leaseMs)
    const keep = setInterval(() => {
      this.store.heartbeat(worker, leaseMs).catch(() => {})
      this.store.reap({ maxAttempts: 1_000 }).catch(() => {})
    }, leaseMs / 4)
    try {
      for (let number = 1; !this.#leaving; number++) {
        await this.store.promote(100)
        const request = { lane, heads: 3, pagesPerHead: 3, maxBytes: 1e6, slots: 4, skip: [] }
        const pages = await this.store.claim(worker, [request])
        if (this.dead) return
        for (const page of pages) this.#ledger.check(page)
        await pause(Math.random() * 30)
        if (pages.length > 0) await this.#settle(worker, number, pages)
        if (this.dead) return
      }
      await this.store.closeWorker(worker)
    } finally {
      clearInterval(keep)
    }
  }

  async #settle(worker: number, number: number, pages: ClaimedPage[]): Promise<void> {
    const { added, ...settlement } = this.#decide(worker, number, pages)
    for (const id of added) this.#ledger.uncertain.add(id)
    const held = await this.store.settle(settlement)
    if (this.dead) return
    for (const id of added) this.#ledger.uncertain.delete(id)
    for (const page of [...settlement.finished, ...settlement.dead])
      if (!held.has(page.lease)) for (const id of added) added.delete(id)
    for (const id of added) this.#ledger.settled.add(id)
    for (const { id } of settlement.dead) if (added.has(id)) this.#ledger.buried.add(id)
  }

  /** Most pages are finished; some come back, some jobs die. */
  #decide(worker: number, number: number, pages: ClaimedPage[]): Settlement & { added: Set<string> } {
    const settlement = { ...emptySettlement(worker, number), ...ending(pages) }
    const added = new Set<string>()
    for (const page of pages) {
      const choice = Math.random()
      const { lane, tenant, stream, lease, firstAt } = page
      const records = recordsOf([page]).filter((_, position) => !page.done.includes(position))
      const openAt = this.store.now() + Math.random() * 100
      if (choice < 0.2) {
        const left = pageOf(lane, tenant, records, { stream, firstAt })
        if (isExclusive(stream)) settlement.restore.push({ ...refOf(page), ...left, firstAt, openAt })
        else {
          settlement.finished.push(refOf(page))
          settlement.reschedule.push({ ...left, lease, dueAt: openAt })
        }
        continue
      }
      settlement.finished.push(refOf(page))
      for (const [id] of records) added.add(id)
      if (choice < 0.3)
        for (const [id, name, data] of records)
          settlement.dead.push({
            ...{ lease, lane, tenant, id, name, data: JSON.stringify(data), attempts: 1, reason: 'chosen' },
          })
    }
    return { ...settlement, added }
  }
}
