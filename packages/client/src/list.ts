import type { Page } from '@fairway/api'
import type { Query, Transport } from './transport.ts'

/** A list that is read page by page, as it is walked: `for await (const person of fairway.people.list()) …`. */
export class List<Item> implements AsyncIterable<Item> {
  readonly #read: (cursor: string | undefined) => Promise<Page<Item>>

  constructor(read: (cursor: string | undefined) => Promise<Page<Item>>) {
    this.#read = read
  }

  static of<Item>(transport: Transport, path: string, query: Query = {}): List<Item> {
    return new List((cursor) => transport.send({ method: 'GET', path, query: { ...query, cursor } }))
  }

  /** One page: the first, or what follows the page whose `nextCursor` it was. A page may be empty before the end. */
  page(cursor?: string): Promise<Page<Item>> {
    return this.#read(cursor)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    let cursor: string | undefined
    do {
      const page = await this.#read(cursor)
      yield* page.items
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }
}
