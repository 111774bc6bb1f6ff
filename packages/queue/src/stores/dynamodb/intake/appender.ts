import { randomBytes } from 'node:crypto'
import { QueueUnavailable } from '../../../api/errors.ts'
import type { NewPage } from '../../../pages/page.ts'
import type { Appended } from '../../store.ts'
import type { StoreClock } from '../client/store-clock.ts'
import type { Table, TransactPart } from '../client/table.ts'
import type { Blobs } from '../items/blobs.ts'
import type { Bodies } from '../items/bodies.ts'
import { PageItem, packItems } from '../items/page-item.ts'
import { keys, shardOf } from '../keys.ts'
import type { Commits } from './commits.ts'
import type { IntakeReader } from './intake-reader.ts'
import { isUnique, type UniqueKeys } from './unique-keys.ts'

interface Parts {
  table: Table
  clock: StoreClock
  commits: Commits
  uniqueKeys: UniqueKeys
  blobs: Blobs
  bodies: Bodies
  shards: number
  /** The reader of a shard's intake, when the shard is owned by this very process: it need not read what it was told. */
  readerOf: (shard: number) => IntakeReader | undefined
}

/** One item of an append, to be written under a ticket of its shard. */
interface Outgoing {
  shard: number
  pages: PageItem
  encoded: Uint8Array
  ttl: number
  /** Tells our own item from one that somebody else put in its place. */
  nonce: string
  ticket: number
}

/** Makes an append happen together with something else. False: that was refused, and the append did not happen. */
export type CommitWith = (commit: TransactPart) => Promise<boolean>

/** Appends that were aborted by somebody who found us too slow are tried again so many times. */
const attempts = 4

/**
 * The producer's side, which any process may take, whether it owns shards or not. The pages of all tenants of a shard share
 * items. An item is written under a ticket, a number drawn from the shard's counter, so that the shard's owner finds it by
 * its number and sees what was appended in the order of appending. An append of one item happens when that is written; one of
 * several items when its commit record is.
 */
export class Appender {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Stores all pages but for duplicates, or none. Undefined: `commitWith` was refused. */
  async append(pages: NewPage[], commitWith?: CommitWith): Promise<Appended['duplicates'] | undefined> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#try(pages, commitWith)
      if (outcome !== 'aborted') return outcome
      if (attempt === attempts)
        throw new QueueUnavailable(
          'The append took too long and was given up by others; nothing was stored',
          1_000,
        )
    }
  }

  async #try(
    pages: NewPage[],
    commitWith?: CommitWith,
  ): Promise<Appended['duplicates'] | undefined | 'aborted'> {
    const { commits, uniqueKeys, blobs, bodies, clock } = this.#parts
    const now = clock.now()
    const id = randomBytes(12).toString('base64url')
    const unique = pages.filter(isUnique)
    let inCommit = unique.length > 0 || commitWith !== undefined
    try {
      const duplicates = unique.length > 0 ? await uniqueKeys.take(unique, id, now) : []
      const refused = new Set(duplicates.map(({ page }) => page))
      const kept = refused.size > 0 ? pages.filter((page) => !refused.has(page)) : pages
      const outgoing = await this.#plan(kept, now)
      inCommit =
        commitWith !== undefined || (outgoing.length > 0 && (unique.length > 0 || outgoing.length > 1))
      await blobs.write(kept.flatMap((page) => page.blobs ?? []))
      await this.#drawTickets(outgoing)
      await Promise.all(outgoing.map((item) => this.#write(item, now, inCommit ? id : undefined)))
      if (inCommit) {
        const latest = Math.max(now, ...unique.map((page) => page.unique.until))
        const ttl = Math.max(bodies.expiry(latest), ...outgoing.map((item) => item.ttl))
        const done = commitWith
          ? await commitWith(commits.part(id, ttl))
          : (await commits.commit(id, ttl)) === 'committed'
        if (!done) {
          this.#withdraw(outgoing)
          await this.#cleanUp(id, kept, now)
          return commitWith ? undefined : 'aborted'
        }
      }
      for (const { shard, ticket, pages: item } of outgoing) {
        const reader = this.#parts.readerOf(shard)
        if (!reader) continue
        bodies.remember(shard, ticket, item)
        reader.offer(ticket, item, now)
      }
      return duplicates
    } catch (error) {
      // Whether the last request arrived is not known, so the append is ended either way before it is reported as failed.
      if (inCommit) await this.#cleanUp(id, pages, now).catch(() => {})
      throw error
    }
  }

  async #plan(pages: NewPage[], now: number): Promise<Outgoing[]> {
    const byShard = new Map<number, NewPage[]>()
    for (const page of pages) {
      const shard = shardOf(page.tenant, this.#parts.shards)
      const group = byShard.get(shard)
      if (group) group.push(page)
      else byShard.set(shard, [page])
    }
    return Promise.all(
      [...byShard].flatMap(([shard, group]) =>
        packItems(group).map(async (few): Promise<Outgoing> => {
          const item = PageItem.of(few)
          const ttl = this.#parts.bodies.expiry(item.lastDueAt(now))
          const nonce = randomBytes(6).toString('base64url')
          return { shard, pages: item, encoded: await item.encode(), ttl, nonce, ticket: 0 }
        }),
      ),
    )
  }

  /** One update per shard draws the tickets of all its items. */
  async #drawTickets(outgoing: Outgoing[]): Promise<void> {
    const byShard = new Map<number, Outgoing[]>()
    for (const item of outgoing) byShard.set(item.shard, [...(byShard.get(item.shard) ?? []), item])
    await Promise.all(
      [...byShard].map(async ([shard, items]) => {
        const row = await this.#parts.table.update(keys.intake(shard), {
          text: 'ADD #tail :items',
          values: { ':items': items.length },
        })
        const tail = Number(row.tail)
        for (const [index, item] of items.entries()) item.ticket = tail - items.length + index + 1
        this.#parts.readerOf(shard)?.expect(items.map((item) => item.ticket))
      }),
    )
  }

  async #write(item: Outgoing, now: number, commit: string | undefined): Promise<void> {
    for (;;) {
      const { shard, ticket, encoded, nonce, ttl } = item
      const written = await this.#parts.table
        .tryPut(
          { ...keys.body(shard, ticket), d: encoded, at: now, nonce, commit, ttl },
          { text: 'attribute_not_exists(pk)' },
        )
        .catch((error: unknown) => {
          this.#withdraw([item])
          throw error
        })
      if (written.ok || written.row?.nonce === nonce) return
      // The owner gave the ticket up as lost, because we were slow: draw another.
      this.#withdraw([item])
      await this.#drawTickets([item])
    }
  }

  /** Nothing will come under these tickets, or nobody knows whether it came. */
  #withdraw(outgoing: Outgoing[]): void {
    for (const { shard, ticket } of outgoing) this.#parts.readerOf(shard)?.withdraw(ticket)
  }

  async #cleanUp(id: string, pages: NewPage[], now: number): Promise<void> {
    if ((await this.#parts.commits.abort(id, now)) !== 'aborted') return
    await this.#parts.blobs.delete(pages.flatMap((page) => page.blobs ?? []).map((blob) => blob.id))
  }
}
